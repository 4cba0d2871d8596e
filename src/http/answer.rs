//! Answers in the shapes that every JSON call shares.
//!
//! Rules: lists are `{items, next}`; a write's answer carries `revision`; times are RFC 3339 UTC.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Problem;
use crate::app::Written;
use crate::error::Error;

/// What a handler returns.
pub type Answer = std::result::Result<HttpResponse, Problem>;

/// 200 with a JSON body.
///
/// # Errors
/// None; the type is that of handlers.
pub fn ok(body: impl Serialize) -> Answer {
    Ok(HttpResponse::Ok().json(body))
}

/// A page of a list: `next` is the cursor to ask on with, null at the end.
///
/// # Errors
/// None; the type is that of handlers.
pub fn list(items: impl Serialize, next: Option<String>) -> Answer {
    ok(json!({ "items": items, "next": next }))
}

/// The answer to a write: the value's own fields and `revision`.
///
/// # Errors
/// [`Error::Internal`] if the value is not a JSON object.
pub fn written<T: Serialize>(status: StatusCode, written: &Written<T>) -> Answer {
    let value =
        serde_json::to_value(&written.value).map_err(|cause| Error::internal("writing an answer", cause))?;
    let mut body = match value {
        Value::Object(body) => body,
        Value::Null => serde_json::Map::new(),
        _ => return Err(Error::internal("writing an answer", "not an object").into()),
    };
    body.insert("revision".to_owned(), json!(written.revision));
    Ok(HttpResponse::build(status).json(body))
}

/// 201 with the value's own fields and `revision`.
///
/// # Errors
/// As [`written`].
pub fn created<T: Serialize>(done: &Written<T>) -> Answer {
    written(StatusCode::CREATED, done)
}

/// After a form: the browser goes to `path` with GET, so that reloading repeats nothing.
///
/// # Errors
/// None; the type is that of handlers.
pub fn see_other(path: &str) -> Answer {
    Ok(HttpResponse::SeeOther().insert_header((LOCATION, path)).finish())
}

/// How much of a list is wanted, and from where on.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Paging {
    /// At most so many items; 50 if not said, 200 at most.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

impl Paging {
    /// The number of items to return.
    ///
    /// # Errors
    /// [`Error::Invalid`] outside 1 to 200.
    pub fn limit(&self) -> std::result::Result<i64, Error> {
        match self.limit.unwrap_or(50) {
            limit @ 1..=200 => Ok(i64::from(limit)),
            _ => Err(Error::field("limit", "must be from 1 to 200")),
        }
    }
}
