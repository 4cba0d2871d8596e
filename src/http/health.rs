//! Whether the process lives and whether it can do its work; and the static files.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::pages::{Pages, assets};
use super::{Answer, ok};
use crate::app::App;
use crate::error::Error;

/// The process lives.
#[derive(Serialize, ToSchema)]
pub struct Live {
    state: &'static str,
}

/// The house can do its work.
#[derive(Serialize, ToSchema)]
pub struct Ready {
    state: &'static str,
    /// How far the log has come.
    revision: u64,
    /// How far this node has followed it.
    applied: u64,
}

/// The process answers.
///
/// # Errors
/// None.
#[utoipa::path(get, path = "/health/live", responses((status = 200, body = Live)))]
pub async fn live() -> Answer {
    ok(Live { state: "live" })
}

/// The database answers, and the caches have followed the log.
///
/// # Errors
/// 503 while one of them is not so.
#[utoipa::path(get, path = "/health/ready", responses((status = 200, body = Ready)))]
pub async fn ready(app: web::Data<App>) -> Answer {
    let revision = app.read(|reader| crate::log::store::size(reader.connection)).await?;
    ok(Ready { state: "ready", revision, applied: app.applied() })
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
