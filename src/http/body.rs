//! JSON bodies as every call takes them: an object, a list of objects, or an object that may be left out.
//!
//! Rules: a list is never taken for the fields of an object in their order, which serde would do; what is refused is
//! told by `problem`, without the caller's own words; a body that may be left out is held to the same rules as soon
//! as it has a byte.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::error::JsonPayloadError;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{FromRequest, HttpRequest, web};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::Problem;
use super::problem::{json_refused, too_large};
use crate::error::Error;

type Extracted<T> = Pin<Box<dyn Future<Output = Result<T, actix_web::Error>>>>;

/// A JSON object.
pub struct Json<T>(pub T);

impl<T> Json<T> {
    /// The value itself.
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// A JSON list of objects.
pub struct JsonList<T>(pub Vec<T>);

/// A JSON object, or nothing at all, which means the default.
pub struct OptionalJson<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = actix_web::Error;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, bytes) = (request.clone(), web::Bytes::from_request(request, payload));
        Box::pin(async move {
            let bytes = bytes.await.map_err(unread)?;
            is_json(&request)?;
            object(&bytes).map(Self)
        })
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for JsonList<T> {
    type Error = actix_web::Error;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, bytes) = (request.clone(), web::Bytes::from_request(request, payload));
        Box::pin(async move {
            let bytes = bytes.await.map_err(unread)?;
            is_json(&request)?;
            let objects: Vec<Map<String, Value>> = parsed(&bytes)?;
            let entries = objects.into_iter().map(|entry| serde_json::from_value(Value::Object(entry)));
            entries.collect::<Result<_, _>>().map(Self).map_err(refused)
        })
    }
}

impl<T: DeserializeOwned + Default + 'static> FromRequest for OptionalJson<T> {
    type Error = actix_web::Error;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, bytes) = (request.clone(), web::Bytes::from_request(request, payload));
        Box::pin(async move {
            let bytes = bytes.await.map_err(unread)?;
            if bytes.is_empty() {
                return Ok(Self(T::default()));
            }
            is_json(&request)?;
            object(&bytes).map(Self)
        })
    }
}

/// Reads an object in the place of a field; a list is refused there too.
///
/// # Errors
/// The deserializer's own for anything else.
pub fn as_object<'de, T: DeserializeOwned, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let object = Map::<String, Value>::deserialize(deserializer)?;
    serde_json::from_value(Value::Object(object)).map_err(serde::de::Error::custom)
}

fn object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, actix_web::Error> {
    match bytes.trim_ascii_start().first() {
        Some(b'{') => parsed(bytes),
        // Broken text is told as such; anything else is well-formed and the wrong thing.
        _ => match parsed::<Value>(bytes) {
            Err(error) => Err(error),
            Ok(_) => Err(Problem::from(Error::field("body", "must be a JSON object")).into()),
        },
    }
}

fn parsed<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, actix_web::Error> {
    if holds_nul(bytes) {
        return Err(Problem::from(Error::field("body", "must not hold the character U+0000")).into());
    }
    serde_json::from_slice(bytes).map_err(refused)
}

/// Whether a text of the body holds U+0000, which databases keep in no text: `\u0000` behind an even number of
/// backslashes.
fn holds_nul(bytes: &[u8]) -> bool {
    let mut escaped = false;
    bytes.iter().enumerate().any(|(place, byte)| {
        let begins = escaped && bytes[place..].starts_with(b"u0000");
        escaped = *byte == b'\\' && !escaped;
        begins
    })
}

fn refused(cause: serde_json::Error) -> actix_web::Error {
    json_refused(&JsonPayloadError::Deserialize(cause))
}

/// The body could not be read to its end: it is too large, or the line broke.
fn unread(cause: actix_web::Error) -> actix_web::Error {
    match cause.as_response_error().status_code() {
        actix_web::http::StatusCode::PAYLOAD_TOO_LARGE => too_large(super::BODY_LIMIT).into(),
        _ => json_refused(&JsonPayloadError::Payload(actix_web::error::PayloadError::Incomplete(None))),
    }
}

fn is_json(request: &HttpRequest) -> Result<(), actix_web::Error> {
    let named = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = named.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") {
        Ok(())
    } else {
        Err(json_refused(&JsonPayloadError::ContentType))
    }
}
