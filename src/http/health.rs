//! Whether the process lives and whether it can do its work; and the static files.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpResponse, web};
use serde_json::json;

use super::pages::{Pages, assets};
use super::{Answer, ok};
use crate::app::App;
use crate::error::Error;

/// The process answers.
///
/// # Errors
/// None.
pub async fn live() -> Answer {
    ok(json!({ "state": "live" }))
}

/// The database answers, and the caches have followed the log.
///
/// # Errors
/// 503 while one of them is not so.
pub async fn ready(app: web::Data<App>) -> Answer {
    let revision = app.read(|reader| crate::log::store::size(reader.connection)).await?;
    ok(json!({ "state": "ready", "revision": revision, "applied": app.applied() }))
}

/// A static file by the name that holds its hash.
///
/// # Errors
/// 404 for any other name.
pub async fn asset(pages: web::Data<Pages>, path: web::Path<String>) -> Answer {
    let asset = pages.asset(&path).ok_or(Error::NotFound("file"))?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, asset.content_type))
        .insert_header((CACHE_CONTROL, assets::CACHE_CONTROL))
        .body(asset.body.clone().into_owned()))
}
