//! Requests for callers: JSON at `/api/v1/requests`, and giving directly at `/api/v1/grants`. Pages stand in `pages`.

pub mod pages;

use actix_web::http::StatusCode;
use actix_web::web;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::lists::{self, Plain, Viewer};
use super::{Ask, Asked, Request, RequestState, Until, approve, ask, give, refuse, withdraw};
use crate::access::http::account_of;
use crate::access::http::views::{self as access_views, AccountView, GrantView};
use crate::access::own;
use crate::access::scope::{self, Scope};
use crate::app::{App, Written};
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::http::answer::{Listed, Paging, WithRevision};
use crate::http::{Answer, Json, OptionalJson, created, list, ok, written};
use crate::ids::{AccountId, RequestId};
use crate::profile::Period;

/// What is asked for, as callers say it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskBody {
    #[serde(default)]
    account: Option<AccountId>,
    /// `application/role`.
    #[schema(max_length = 200)]
    role: String,
    #[schema(min_length = 3, max_length = 1000)]
    reason: String,
    #[serde(default)]
    #[schema(schema_with = scope::schema)]
    scope: Option<Scope>,
    #[serde(default)]
    valid_from: Option<Timestamp>,
    #[serde(default)]
    expires_at: Option<Timestamp>,
    /// A count and a unit, such as `30d`, `12h` or `3mo`; or `expires_at`.
    #[serde(default)]
    #[schema(max_length = 20)]
    duration: Option<String>,
}

impl AskBody {
    fn wanted(self) -> Result<Ask> {
        let until = match (self.expires_at, self.duration) {
            (Some(at), None) => Until::At(at),
            (None, Some(text)) => Until::For(period(&text)?),
            (None, None) => {
                let detail = "say until when: expires_at, or a duration such as \"30d\"";
                return Err(Error::field_by_clause("expires_at", detail, "O12"));
            }
            (Some(_), Some(_)) => {
                return Err(Error::field("duration", "say either expires_at or duration, not both"));
            }
        };
        Ok(Ask {
            account: self.account,
            role: self.role,
            reason: self.reason,
            scope: self.scope,
            valid_from: self.valid_from,
            until,
        })
    }
}

/// Reads a duration such as `30d`, `12h` or `3mo`.
fn period(text: &str) -> Result<Period> {
    let wrong = || Error::field("duration", "must be a count and a unit, such as 30d, 12h or 3mo");
    let period: Period = text.parse().map_err(|_| wrong())?;
    if period.count == 0 { Err(wrong()) } else { Ok(period) }
}

/// What a caller may see: what concerns them, or everybody's if a grant of theirs says so. By position one reads what
/// concerns the own team.
pub(super) fn viewer(reader: &mut Reader<'_>, caller: &Caller) -> Result<Viewer> {
    let account = account_of(caller)?;
    let everybody = own::by_grant(reader, &account, ("requests", "read"))?;
    Ok(Viewer { account, everybody })
}

/// A request as callers see it.
#[derive(Serialize, ToSchema)]
pub struct RequestView {
    /// Who is to get the role.
    account: AccountView,
    #[serde(flatten)]
    plain: Plain,
}

/// With the names of the account that it is for.
fn named(app: &App, request: Plain) -> RequestView {
    RequestView { account: AccountView::of(request.account.clone()).with_names(app), plain: request }
}

fn shown(reader: &mut Reader<'_>, id: &RequestId, viewer: &Viewer) -> Result<Plain> {
    let (request, approvers) = lists::find(reader, id, viewer)?;
    lists::plain(reader, &request, &approvers)
}

/// How a list of requests is narrowed.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct View {
    view: Option<String>,
    state: Option<RequestState>,
}

/// `GET /api/v1/requests?view=mine|decide|all&state=`: newest first; `mine` if not said.
///
/// # Errors
/// As the list.
#[utoipa::path(get, path = "/api/v1/requests", params(View, Paging), responses((status = 200, body = Listed<RequestView>)))]
pub async fn index(
    app: web::Data<App>,
    caller: Caller,
    view: web::Query<View>,
    paging: web::Query<Paging>,
) -> Answer {
    let limit = paging.limit()?;
    let (found, next) = app
        .read(move |reader| {
            let viewer = viewer(reader, &caller)?;
            let word = view.view.as_deref().unwrap_or("mine");
            let (found, next) =
                lists::list(reader, word, view.state, &viewer, paging.cursor.as_deref(), limit)?;
            let shown = found
                .iter()
                .map(|request| shown(reader, &request.id, &viewer))
                .collect::<Result<Vec<_>>>()?;
            Ok((shown, next))
        })
        .await?;
    let found: Vec<RequestView> = found.into_iter().map(|request| named(&app, request)).collect();
    list(found, next)
}

/// `POST /api/v1/requests`: 201, with the state `approved` if nobody has to approve it.
///
/// # Errors
/// 422 for what the grant may not be; 403 for somebody else's account; 409 if it waits already.
#[utoipa::path(post, path = "/api/v1/requests", request_body = AskBody, responses((status = 201, body = WithRevision<RequestView>)))]
pub async fn create(app: web::Data<App>, caller: Caller, body: Json<AskBody>) -> Answer {
    let wanted = body.into_inner().wanted()?;
    let done = app.write(&caller, move |tx| ask(tx, &wanted)).await?;
    changed(&app, &caller, done, StatusCode::CREATED).await
}

/// `POST /api/v1/grants`: 201 with the grant, or 202 with the request that waits for more approval.
///
/// # Errors
/// As [`create`]; 403 `self-approval` for oneself and the own service.
#[utoipa::path(post, path = "/api/v1/grants", request_body = AskBody, responses((status = 201, body = WithRevision<GrantView>), (status = 202, body = WithRevision<RequestView>)))]
pub async fn give_grant(app: web::Data<App>, caller: Caller, body: Json<AskBody>) -> Answer {
    let wanted = body.into_inner().wanted()?;
    let done = app.write(&caller, move |tx| give(tx, &wanted)).await?;
    given(&app, &caller, done).await
}

/// What giving answers: the grant (201), or the request that waits (202).
async fn given(app: &App, caller: &Caller, done: Written<Asked>) -> Answer {
    match done.value {
        Asked::Given(_, grant) => {
            let view = app.read(move |reader| access_views::one_grant(reader, grant)).await?;
            created(&Written { value: view.with_names(app), revision: done.revision })
        }
        Asked::Waits(request) => {
            changed(app, caller, Written { value: request, revision: done.revision }, StatusCode::ACCEPTED)
                .await
        }
    }
}

/// `GET /api/v1/requests/{id}`.
///
/// # Errors
/// 404 if there is none that the caller may see.
#[utoipa::path(get, path = "/api/v1/requests/{id}", responses((status = 200, body = RequestView)))]
pub async fn show(app: web::Data<App>, caller: Caller, id: web::Path<RequestId>) -> Answer {
    let request = app
        .read(move |reader| {
            let viewer = viewer(reader, &caller)?;
            shown(reader, &id, &viewer)
        })
        .await?;
    ok(named(&app, request))
}

/// What somebody says to their answer.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NoteBody {
    #[schema(max_length = 1000)]
    note: Option<String>,
}

/// The request as it stands after a change by this caller.
async fn changed(app: &App, caller: &Caller, done: Written<Request>, status: StatusCode) -> Answer {
    let viewer = Viewer { account: account_of(caller)?, everybody: true };
    let id = done.value.id;
    let value = app.read(move |reader| shown(reader, &id, &viewer)).await?;
    written(status, &Written { value: named(app, value), revision: done.revision })
}

/// `POST /api/v1/requests/{id}/approval`.
///
/// # Errors
/// 404; 403 `self-approval` or `not-yours-to-decide`; 409 if it is over or the grant has become impossible.
#[utoipa::path(post, path = "/api/v1/requests/{id}/approval", request_body = Option<NoteBody>, responses((status = 200, body = WithRevision<RequestView>)))]
pub async fn approval(
    app: web::Data<App>,
    caller: Caller,
    id: web::Path<RequestId>,
    body: OptionalJson<NoteBody>,
) -> Answer {
    let note = body.0.note;
    let done = app.write(&caller, move |tx| approve(tx, &id, note.as_deref())).await?;
    changed(&app, &caller, done, StatusCode::OK).await
}

/// `POST /api/v1/requests/{id}/refusal`.
///
/// # Errors
/// As [`approval`].
#[utoipa::path(post, path = "/api/v1/requests/{id}/refusal", request_body = Option<NoteBody>, responses((status = 200, body = WithRevision<RequestView>)))]
pub async fn refusal(
    app: web::Data<App>,
    caller: Caller,
    id: web::Path<RequestId>,
    body: OptionalJson<NoteBody>,
) -> Answer {
    let note = body.0.note;
    let done = app.write(&caller, move |tx| refuse(tx, &id, note.as_deref())).await?;
    changed(&app, &caller, done, StatusCode::OK).await
}

/// `POST /api/v1/requests/{id}/withdrawal`.
///
/// # Errors
/// 404; 403 for anybody but who asked or was to get it; 409 if it is over.
#[utoipa::path(post, path = "/api/v1/requests/{id}/withdrawal", responses((status = 200, body = WithRevision<RequestView>)))]
pub async fn withdrawal(app: web::Data<App>, caller: Caller, id: web::Path<RequestId>) -> Answer {
    let done = app.write(&caller, move |tx| withdraw(tx, &id)).await?;
    changed(&app, &caller, done, StatusCode::OK).await
}
