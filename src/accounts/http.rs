//! Accounts for callers: JSON at `/api/v1/accounts`. The pages stand in `pages` and `person`, the people file in
//! `import`.
//!
//! Rules: names are shown to callers with `accounts:read` only, and to managers and owners only of whom their position
//! concerns (`viewer`); nobody changes their own manager, start or end; whatever would leave the house without
//! administrators is refused.

pub mod attestations;
mod bodies;
pub mod handovers;
mod history;
pub mod identities;
pub mod import;
pub mod pages;
pub mod person;
mod viewer;
mod views;

use actix_web::http::StatusCode;
use actix_web::web;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{Filter, Kind, Named, State, find_named, reinstate, suspend};
use crate::access::floor;
use crate::app::{App, Written};
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::http::answer::{Listed, Paging};
use crate::http::{Answer, Json, OptionalJson, created, list, ok, written};
use crate::ids::AccountId;
use bodies::{AccountPatch, NewAccount, Reinstatement, Suspended};
use views::AccountDetail;

/// How a list of accounts is narrowed.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Narrowing {
    kind: Option<Kind>,
    state: Option<State>,
    username: Option<String>,
    employee_id: Option<String>,
}

/// What is looked for, by name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Search {
    #[schema(max_length = 100)]
    text: String,
    #[schema(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// The answer to a write: the account as it stands now.
fn answered(app: &App, status: StatusCode, done: &Written<Named>) -> Answer {
    let value = views::account(&done.value, app.context().clock.now());
    written(status, &Written { value, revision: done.revision })
}

/// `GET /api/v1/accounts?kind=&state=&username=&employee_id=`: ordered by id.
///
/// # Errors
/// 422 for a limit or cursor that makes no sense.
#[utoipa::path(get, path = "/api/v1/accounts", params(Narrowing, Paging), responses((status = 200, body = Listed<AccountDetail>)))]
pub async fn index(
    app: web::Data<App>,
    caller: Caller,
    narrowing: web::Query<Narrowing>,
    paging: web::Query<Paging>,
) -> Answer {
    let viewer = viewer::of(&app, &caller)?;
    let limit = u32::try_from(paging.limit()?).unwrap_or(1);
    let after = paging.cursor.as_deref().map(cursor).transpose()?;
    let Narrowing { kind, state, username, employee_id } = narrowing.into_inner();
    let filter = Filter { kind, state, username, employee_id, ..Filter::default() };
    let mut found = app.read(move |reader| viewer.list(reader, &filter, after.as_ref(), limit + 1)).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(|last| last.account.id.to_string());
    let now = app.context().clock.now();
    list(found.iter().map(|named| views::account(named, now)).collect::<Vec<_>>(), next)
}

fn cursor(text: &str) -> Result<AccountId> {
    AccountId::parse(text).ok_or_else(|| Error::field("cursor", "must be the `next` of the page before"))
}

/// `POST /api/v1/accounts/search {text}`: by name or username, best first.
///
/// # Errors
/// 422 for a text of more than 100 characters.
#[utoipa::path(post, path = "/api/v1/accounts/search", request_body = Search, responses((status = 200, body = Listed<AccountDetail>)))]
pub async fn search(app: web::Data<App>, caller: Caller, body: Json<Search>) -> Answer {
    let Search { text, limit } = body.into_inner();
    if text.chars().count() > 100 {
        return Err(Error::field("text", "must have at most 100 characters").into());
    }
    let limit = Paging { limit, cursor: None }.limit()?.unsigned_abs();
    let viewer = viewer::of(&app, &caller)?;
    let house = app.clone();
    let found = app.read(move |reader| viewer.search(&house, reader, &text, limit as usize)).await?;
    let now = app.context().clock.now();
    list(found.iter().map(|named| views::account(named, now)).collect::<Vec<_>>(), None)
}

/// `POST /api/v1/accounts`.
///
/// # Errors
/// 422 for a field that makes no sense, 409 for a name that is taken.
#[utoipa::path(post, path = "/api/v1/accounts", request_body = NewAccount, responses((status = 201, body = AccountDetail)))]
pub async fn create(app: web::Data<App>, caller: Caller, body: Json<NewAccount>) -> Answer {
    let zone = app.organisation().time_zone;
    let new = body.into_inner();
    let done = app
        .write(&caller, move |tx| {
            let account = new.create(tx, zone)?;
            find_named(tx, &account.id)
        })
        .await?;
    let value = views::account(&done.value, app.context().clock.now());
    created(&Written { value, revision: done.revision })
}

/// `GET /api/v1/accounts/{id}`.
///
/// # Errors
/// 404 if there is none that the caller may see.
#[utoipa::path(get, path = "/api/v1/accounts/{id}", responses((status = 200, body = AccountDetail)))]
pub async fn show(app: web::Data<App>, caller: Caller, id: web::Path<AccountId>) -> Answer {
    let viewer = viewer::of(&app, &caller)?;
    let found = app.read(move |reader| viewer.find(reader, &id)).await?;
    ok(views::account(&found, app.context().clock.now()))
}

/// `PATCH /api/v1/accounts/{id}`: absent fields stay, `null` clears.
///
/// # Errors
/// 404; 422 for a field that makes no sense; 409 for a name that is taken; 403 for one's own manager or dates.
#[utoipa::path(patch, path = "/api/v1/accounts/{id}", request_body = AccountPatch, responses((status = 200, body = AccountDetail)))]
pub async fn change(
    app: web::Data<App>,
    caller: Caller,
    id: web::Path<AccountId>,
    body: Json<AccountPatch>,
) -> Answer {
    let (id, patch, zone) = (id.into_inner(), body.into_inner(), app.organisation().time_zone);
    patch.check_own(&caller, &id)?;
    let done = app
        .write(&caller, move |tx| {
            let changes = patch.changes(tx, &id, zone)?;
            if let Some(Some(_)) = changes.ends_at {
                floor::without_account(tx, &id)?;
            }
            super::change(tx, &id, &changes)?;
            find_named(tx, &id)
        })
        .await?;
    answered(&app, StatusCode::OK, &done)
}

/// `POST /api/v1/accounts/{id}/suspend {cause?, until?, reason?}`.
///
/// # Errors
/// 404; 409 if the account is gone or the house needs it.
#[utoipa::path(post, path = "/api/v1/accounts/{id}/suspend", request_body = Option<Suspended>, responses((status = 200, body = AccountDetail)))]
pub async fn suspension(
    app: web::Data<App>,
    caller: Caller,
    id: web::Path<AccountId>,
    body: OptionalJson<Suspended>,
) -> Answer {
    let done = suspended(&app, &caller, id.into_inner(), body.0).await?;
    answered(&app, StatusCode::OK, &done)
}

async fn suspended(app: &App, caller: &Caller, id: AccountId, wanted: Suspended) -> Result<Written<Named>> {
    app.write(caller, move |tx| {
        floor::without_account(tx, &id)?;
        suspend(tx, &id, (wanted.cause, wanted.until), wanted.reason.as_deref())?;
        find_named(tx, &id)
    })
    .await
}

/// `POST /api/v1/accounts/{id}/reinstate {reason?}`.
///
/// # Errors
/// 404; 409 if the account does not rest.
#[utoipa::path(post, path = "/api/v1/accounts/{id}/reinstate", request_body = Option<Reinstatement>, responses((status = 200, body = AccountDetail)))]
pub async fn reinstatement(
    app: web::Data<App>,
    caller: Caller,
    id: web::Path<AccountId>,
    body: OptionalJson<Reinstatement>,
) -> Answer {
    let done = reinstated(&app, &caller, id.into_inner(), body.0).await?;
    answered(&app, StatusCode::OK, &done)
}

async fn reinstated(
    app: &App,
    caller: &Caller,
    id: AccountId,
    wanted: Reinstatement,
) -> Result<Written<Named>> {
    app.write(caller, move |tx| {
        reinstate(tx, &id, wanted.reason.as_deref())?;
        find_named(tx, &id)
    })
    .await
}
