//! The face towards browsers and callers: what is shared by every slice's `http.rs`.
//!
//! Rules: HTTPS only; [`routes::TABLE`] is the one list of addresses and of who may call them; [`guard`] asks the
//! decision point before any handler runs; [`problem`] alone turns an error into an answer.
//! May call: `app` and every slice.

pub mod agent;
pub mod answer;
pub mod body;
pub mod certificate;
pub mod clauses;
pub mod client;
pub mod guard;
pub mod health;
pub mod home;
pub mod idempotency;
pub mod identify;
pub mod limits;
pub mod log;
mod nav;
mod notices;
pub mod openapi;
pub mod page;
pub mod pages;
pub mod problem;
pub mod routes;
pub mod security;
pub mod server;
pub mod tls;
pub mod upload;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::web;

pub use answer::{Answer, created, list, ok, see_other, written};
pub use body::{Json, JsonList, OptionalJson};
pub use page::Page;
pub use problem::Problem;

use crate::app::App;

/// The largest body that a JSON or form call may have, in bytes.
pub const BODY_LIMIT: usize = 64 * 1024;

/// The whole service: every route of the table behind the guard.
pub fn service(
    app: App,
    pages: pages::Pages,
) -> actix_web::App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    actix_web::App::new()
        .app_data(web::Data::new(app))
        .app_data(web::Data::new(pages))
        .app_data(web::FormConfig::default().limit(BODY_LIMIT).error_handler(problem::form_refused))
        .app_data(web::QueryConfig::default().error_handler(problem::query_refused))
        .app_data(web::PathConfig::default().error_handler(problem::path_refused))
        .app_data(web::PayloadConfig::default().limit(BODY_LIMIT))
        .configure(routes::register)
        .default_service(web::to(problem::unknown_route))
        .wrap(from_fn(guard::guard::<BoxBody>))
}
