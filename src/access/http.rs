//! Applications, roles, grants and kill switches over HTTP: the JSON calls of DESIGN §6.
//!
//! Rules: who reads by position sees their own alone; giving stands in `requests`, since it may have to ask.

pub mod attestations;
pub mod pages;
pub mod proposals;
pub mod views;

use actix_web::http::StatusCode;
use actix_web::web;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::grants::{self, Filter, GrantState};
use super::own;
use super::{kill_switches, roles};
use crate::app::App;
use crate::caller::Caller;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::http::answer::{Listed, Paging, WithRevision};
use crate::http::{Answer, Json, created, list, written};
use crate::ids::{AccountId, GrantId, KillSwitchId};
use views::{ApplicationView, GrantView, KillSwitchView, RoleView};

/// The permission to read grants.
const READ: (&str, &str) = ("grants", "read");

/// What a list of roles may be narrowed by.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RoleFilter {
    app: Option<String>,
}

/// What a list of grants may be narrowed by.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct GrantFilter {
    account: Option<String>,
    role: Option<String>,
    app: Option<String>,
    state: Option<GrantState>,
}

/// Why somebody does something.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    #[schema(min_length = 3, max_length = 1000)]
    reason: String,
}

/// A kill switch that somebody wants pulled.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Pull {
    /// `*`, an application, `application/feature`, or an account's id.
    #[schema(max_length = 200)]
    target: String,
    #[schema(min_length = 3, max_length = 1000)]
    reason: String,
}

/// `GET /api/v1/apps`.
///
/// # Errors
/// 422 for a page that makes no sense.
#[utoipa::path(get, path = "/api/v1/apps", params(Paging), responses((status = 200, body = Listed<ApplicationView>)))]
pub async fn apps(app: web::Data<App>, paging: web::Query<Paging>) -> Answer {
    let all = app.read(views::applications).await?;
    let (items, next) = page_of(all, &paging, |application| &application.key)?;
    let items: Vec<_> = items.into_iter().map(|application| application.with_names(&app)).collect();
    list(items, next)
}

/// `GET /api/v1/roles`.
///
/// # Errors
/// 422 for a page that makes no sense.
#[utoipa::path(get, path = "/api/v1/roles", params(RoleFilter, Paging), responses((status = 200, body = Listed<RoleView>)))]
pub async fn roles(
    app: web::Data<App>,
    filter: web::Query<RoleFilter>,
    paging: web::Query<Paging>,
) -> Answer {
    let wanted = filter.into_inner().app;
    let all = app.read(move |reader| views::roles(reader, wanted.as_deref())).await?;
    let (items, next) = page_of(all, &paging, |role| &role.id)?;
    list(items, next)
}

/// The items of one page of a list that is in memory and in the order of its keys.
fn page_of<T>(
    mut all: Vec<T>,
    paging: &Paging,
    key: impl Fn(&T) -> &String,
) -> Result<(Vec<T>, Option<String>)> {
    let limit = usize::try_from(paging.limit()?).unwrap_or(usize::MAX);
    if let Some(cursor) = &paging.cursor {
        all.retain(|item| key(item) > cursor);
    }
    let more = all.len() > limit;
    all.truncate(limit);
    let next = all.last().filter(|_| more).map(|item| key(item).clone());
    Ok((all, next))
}

/// `GET /api/v1/grants`.
///
/// # Errors
/// 422 for a filter or page that makes no sense.
#[utoipa::path(get, path = "/api/v1/grants", params(GrantFilter, Paging), responses((status = 200, body = Listed<GrantView>)))]
pub async fn grants(
    app: web::Data<App>,
    caller: Caller,
    filter: web::Query<GrantFilter>,
    paging: web::Query<Paging>,
) -> Answer {
    let (limit, cursor) = (paging.limit()?, paging.into_inner().cursor);
    let wanted = filter.into_inner();
    let found = app
        .read(move |reader| {
            let mut filter = read_filter(wanted)?;
            filter.reach = Some(own::reach(reader, &account_of(&caller)?, READ)?);
            let mut grants = grants::list(reader, &filter, cursor.as_deref(), limit + 1)?;
            let more = grants.len() as u64 > limit.unsigned_abs();
            grants.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            let next = grants.last().filter(|_| more).map(|last| last.id.to_string());
            Ok((views::grants(reader, grants)?, next))
        })
        .await?;
    list(named(&app, found.0), found.1)
}

fn read_filter(wanted: GrantFilter) -> Result<Filter> {
    let account = match wanted.account {
        Some(text) => {
            Some(AccountId::parse(&text).ok_or_else(|| Error::field("account", "must be an account's id"))?)
        }
        None => None,
    };
    Ok(Filter { account, role: wanted.role, app: wanted.app, state: wanted.state, reach: None })
}

/// `DELETE /api/v1/grants/{id}`.
///
/// # Errors
/// 403 outside the caller's reach, 409 where the floor would break.
#[utoipa::path(delete, path = "/api/v1/grants/{id}", request_body = Reason, responses((status = 200, body = WithRevision<GrantView>)))]
pub async fn revoke(
    app: web::Data<App>,
    caller: Caller,
    id: web::Path<String>,
    body: Json<Reason>,
) -> Answer {
    let id = grant_id(&id)?;
    let reason = body.into_inner().reason;
    let done = app.write(&caller, move |tx| revoke_within_reach(tx, &id, &reason)).await?;
    written(StatusCode::OK, &done.map(|view| view.with_names(&app)))
}

/// Revokes a grant that lies within the caller's reach.
fn revoke_within_reach(tx: &mut Tx<'_>, id: &GrantId, reason: &str) -> Result<GrantView> {
    let caller = account_of(&tx.caller)?;
    let grant = grants::find(tx, id)?;
    let role = roles::role(tx, &grant.role)?;
    let reach = own::reach(tx, &caller, ("grants", "revoke"))?;
    own::within(&reach, &grant.account, &role.application)?;
    let ended = grants::revoke(tx, id, "direct", Some(reason))?;
    views::one_grant(tx, ended)
}

/// `GET /api/v1/me/access`.
///
/// # Errors
/// 401 for nobody.
#[utoipa::path(get, path = "/api/v1/me/access", responses((status = 200, body = Listed<GrantView>)))]
pub async fn own_access(app: web::Data<App>, caller: Caller) -> Answer {
    let held = app
        .read(move |reader| {
            let account = account_of(&caller)?;
            views::held(reader, &account)
        })
        .await?;
    let items: Vec<_> = held.into_iter().map(|view| view.with_names(&app)).collect();
    list(items, None)
}

/// `GET /api/v1/kill-switches`.
///
/// # Errors
/// 422 for a page that makes no sense.
#[utoipa::path(get, path = "/api/v1/kill-switches", params(Paging), responses((status = 200, body = Listed<KillSwitchView>)))]
pub async fn kill_switches(app: web::Data<App>, paging: web::Query<Paging>) -> Answer {
    let (limit, cursor) = (paging.limit()?, paging.into_inner().cursor);
    let (items, next) = app
        .read(move |reader| {
            let mut found = kill_switches::list(reader, cursor.as_deref(), limit + 1)?;
            let more = found.len() as u64 > limit.unsigned_abs();
            found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            let next = found.last().filter(|_| more).map(|last| last.id.to_string());
            let views =
                found.into_iter().map(|one| KillSwitchView::of(reader, one)).collect::<Result<Vec<_>>>()?;
            Ok((views, next))
        })
        .await?;
    list(items, next)
}

/// `POST /api/v1/kill-switches`.
///
/// # Errors
/// 422 for a target that means nothing here.
#[utoipa::path(post, path = "/api/v1/kill-switches", request_body = Pull, responses((status = 201, body = WithRevision<KillSwitchView>)))]
pub async fn pull(app: web::Data<App>, caller: Caller, body: Json<Pull>) -> Answer {
    let Pull { target, reason } = body.into_inner();
    let done = app
        .write(&caller, move |tx| {
            let pulled = kill_switches::pull(tx, &target, &reason)?;
            KillSwitchView::of(tx, pulled)
        })
        .await?;
    created(&done)
}

/// `DELETE /api/v1/kill-switches/{id}`.
///
/// # Errors
/// 404 for one that was never pulled.
#[utoipa::path(delete, path = "/api/v1/kill-switches/{id}", responses((status = 200, body = WithRevision<KillSwitchView>)))]
pub async fn lift(app: web::Data<App>, caller: Caller, id: web::Path<String>) -> Answer {
    let id = KillSwitchId::parse(&id).ok_or(Error::NotFound("kill switch"))?;
    let done = app
        .write(&caller, move |tx| {
            let lifted = kill_switches::lift(tx, &id)?;
            KillSwitchView::of(tx, lifted)
        })
        .await?;
    written(StatusCode::OK, &done)
}

fn named(app: &App, views: Vec<GrantView>) -> Vec<GrantView> {
    views.into_iter().map(|view| view.with_names(app)).collect()
}

fn grant_id(text: &str) -> Result<GrantId> {
    GrantId::parse(text).ok_or(Error::NotFound("grant"))
}

/// The account behind a call.
///
/// # Errors
/// [`Error::Unauthenticated`] if there is none.
pub fn account_of(caller: &Caller) -> Result<AccountId> {
    caller.account().cloned().ok_or(Error::Unauthenticated)
}
