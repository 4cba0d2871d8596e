//! Answers in the shapes that every JSON call shares.
//!
//! Rules: lists are `{items, next}`; a write's answer carries `revision`; times are RFC 3339 UTC.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

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
pub fn list<T: Serialize>(items: Vec<T>, next: Option<String>) -> Answer {
    ok(Listed { items, next })
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

/// A page of a list as [`list`] answers it.
#[derive(Serialize, ToSchema)]
pub struct Listed<T> {
    /// The items.
    items: Vec<T>,
    /// The cursor to ask on with; null at the end.
    #[schema(required)]
    next: Option<String>,
}

/// What [`written`] answers: the value's own fields, and the revision. It describes the answer, which is written so
/// that a value may have a `revision` of its own, which gives way.
#[derive(Serialize, ToSchema)]
pub struct WithRevision<T> {
    #[serde(flatten)]
    value: T,
    /// The number of the last event: whoever reads at this revision or later sees the change.
    revision: u64,
}

/// The answer to a write that has nothing to show.
#[derive(Serialize, ToSchema)]
pub struct Changed {
    /// The number of the last event: whoever reads at this revision or later sees the change.
    revision: u64,
}

/// 200 with the revision of a write.
///
/// # Errors
/// None; the type is that of handlers.
pub fn changed(revision: u64) -> Answer {
    ok(Changed { revision })
}

/// How much of a list is wanted, and from where on.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// At most so many items; 50 if not said, 200 at most.
    #[param(minimum = 1, maximum = 200)]
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
