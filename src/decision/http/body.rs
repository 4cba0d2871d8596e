//! Bodies as AuthZEN wants them read: JSON and nothing else, and every fault of theirs 400.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{FromRequest, HttpRequest, web};

use crate::decision::authzen::MAX_BODY;
use crate::error::{Error, Result};
use crate::http::{Problem, problem};

/// The bytes of a body that says that it is JSON.
pub struct Body(pub web::Bytes);

impl FromRequest for Body {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (is_json, payload) = (is_json(request), web::Payload::from_request(request, payload));
        Box::pin(async move {
            is_json.map_err(problem::bad_request)?;
            let unread = || problem::bad_request(Error::field("body", "did not arrive whole"));
            let payload = payload.await.map_err(|_| unread())?;
            match payload.to_bytes_limited(MAX_BODY).await {
                Ok(Ok(bytes)) => Ok(Self(bytes)),
                Ok(Err(_)) => Err(unread()),
                Err(_) => Err(problem::too_large(MAX_BODY)),
            }
        })
    }
}

/// Whether the body says that it is JSON; AuthZEN wants 400 otherwise.
fn is_json(request: &HttpRequest) -> Result<()> {
    let named = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = named.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") {
        Ok(())
    } else {
        Err(Error::field("content-type", "must be application/json"))
    }
}
