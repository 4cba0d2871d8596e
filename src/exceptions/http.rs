//! Exceptions for callers: JSON at `/api/v1/exceptions`, and decisions about oneself at `/api/v1/own-decisions`, to
//! which everybody of the organisation may object. The pages stand in `pages`.

pub mod pages;

use actix_web::http::StatusCode;
use actix_web::web;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::lists::{ExceptionView, OwnDecisionView};
use super::own::{self, OwnDecision};
use super::{Ask, Exception, ExceptionKind, approve, ask, end, lists};
use crate::access::settings;
use crate::app::{App, Written};
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::http::answer::{Listed, Paging, WithRevision};
use crate::http::{Answer, Json, created, identify, list, ok, written};
use crate::ids::{AccountId, ExceptionId, OwnDecisionId};

/// Which exceptions.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct View {
    view: Option<String>,
}

/// `GET /api/v1/exceptions?view=living|past`: newest first.
///
/// # Errors
/// 422 for a view or cursor that is none.
#[utoipa::path(get, path = "/api/v1/exceptions", params(View, Paging), responses((status = 200, body = Listed<ExceptionView>)))]
pub async fn index(app: web::Data<App>, view: web::Query<View>, paging: web::Query<Paging>) -> Answer {
    let limit = paging.limit()?;
    let (found, next) = app
        .read(move |reader| {
            let (found, next) = lists::list(reader, view.view.as_deref(), paging.cursor.as_deref(), limit)?;
            let shown =
                found.iter().map(|one| lists::exception_view(reader, one)).collect::<Result<Vec<_>>>()?;
            Ok((shown, next))
        })
        .await?;
    list(found, next)
}

/// An exception that is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExceptionBody {
    kind: ExceptionKind,
    /// The key of an exclusion in force.
    #[schema(max_length = 64)]
    what: String,
    account: AccountId,
    #[schema(min_length = 3, max_length = 1000)]
    reason: String,
    #[schema(min_length = 3, max_length = 1000)]
    control: String,
    ends_at: Timestamp,
}

/// `POST /api/v1/exceptions`: it waits for somebody else's approval.
///
/// # Errors
/// 422 for a rule, account, text or end that does not do; 409 `already-asked`.
#[utoipa::path(post, path = "/api/v1/exceptions", request_body = ExceptionBody, responses((status = 201, body = WithRevision<ExceptionView>)))]
pub async fn create(app: web::Data<App>, caller: Caller, body: Json<ExceptionBody>) -> Answer {
    let body = body.into_inner();
    let wanted = Ask {
        kind: body.kind,
        what: body.what,
        account: body.account,
        reason: body.reason,
        control: body.control,
        ends_at: body.ends_at,
    };
    let done = app.write(&caller, move |tx| ask_for_known(tx, &wanted)).await?;
    let value = shown(&app, done.value.id).await?;
    created(&Written { value, revision: done.revision })
}

/// Asks for an exception from a rule that there is.
pub(super) fn ask_for_known(tx: &mut Tx<'_>, wanted: &Ask) -> Result<Exception> {
    if !exclusion_keys(tx)?.iter().any(|(key, _)| *key == wanted.what) {
        return Err(Error::field("what", "must be the key of an exclusion that is in force"));
    }
    ask(tx, wanted)
}

/// The exclusions in force, each with why it is.
pub(super) fn exclusion_keys(reader: &mut Reader<'_>) -> Result<Vec<(String, String)>> {
    let all = settings::exclusions(reader)?;
    Ok(all.rules().map(|(key, reason)| (key.to_owned(), reason.to_owned())).collect())
}

/// `GET /api/v1/exceptions/{id}`.
///
/// # Errors
/// 404.
#[utoipa::path(get, path = "/api/v1/exceptions/{id}", responses((status = 200, body = ExceptionView)))]
pub async fn show(app: web::Data<App>, id: web::Path<ExceptionId>) -> Answer {
    ok(shown(&app, id.into_inner()).await?)
}

async fn shown(app: &App, id: ExceptionId) -> Result<ExceptionView> {
    app.read(move |reader| {
        let exception = lists::find(reader, &id)?;
        lists::exception_view(reader, &exception)
    })
    .await
}

/// `POST /api/v1/exceptions/{id}/approval`: 200, still `proposed` if the caller's own word waits for objections.
///
/// # Errors
/// 404; 403 `self-approval`, `proof-required`; 409 `decided`, `objections`.
#[utoipa::path(post, path = "/api/v1/exceptions/{id}/approval", responses((status = 200, body = WithRevision<ExceptionView>)))]
pub async fn approval(app: web::Data<App>, caller: Caller, id: web::Path<ExceptionId>) -> Answer {
    let others = others_approve(&app, &caller, &id).await?;
    moved(&app, &caller, move |tx| approve(tx, &id, others)).await
}

/// `POST /api/v1/exceptions/{id}/end`: before its time, or instead of an approval.
///
/// # Errors
/// 404; 409 `decided` if it is over.
#[utoipa::path(post, path = "/api/v1/exceptions/{id}/end", responses((status = 200, body = WithRevision<ExceptionView>)))]
pub async fn early_end(app: web::Data<App>, caller: Caller, id: web::Path<ExceptionId>) -> Answer {
    moved(&app, &caller, move |tx| end(tx, &id)).await
}

async fn moved<F>(app: &App, caller: &Caller, act: F) -> Answer
where
    F: FnOnce(&mut Tx<'_>) -> Result<Exception> + Send + 'static,
{
    let done = app.write(caller, act).await?;
    let value = shown(app, done.value.id).await?;
    written(StatusCode::OK, &Written { value, revision: done.revision })
}

/// Whether somebody could approve who is neither the caller, nor whom it is for, nor who asked.
pub(super) async fn others_approve(app: &App, caller: &Caller, id: &ExceptionId) -> Result<bool> {
    let wanted = id.clone();
    let exception = app.read(move |reader| lists::find(reader, &wanted)).await?;
    let people = identify::permitted(app, "profile", "write", 4);
    Ok(people.iter().any(|person| {
        Some(person) != caller.account()
            && *person != exception.account
            && person.as_str() != exception.asked_by
    }))
}

/// `GET /api/v1/own-decisions`: those to which anybody may object, newest first.
///
/// # Errors
/// 422 for a cursor that is none.
#[utoipa::path(get, path = "/api/v1/own-decisions", params(Paging), responses((status = 200, body = Listed<OwnDecisionView>)))]
pub async fn own_decisions(app: web::Data<App>, paging: web::Query<Paging>) -> Answer {
    let limit = paging.limit()?;
    let (found, next) = app
        .read(move |reader| {
            let (found, next) = lists::own_decisions(reader, true, paging.cursor.as_deref(), limit)?;
            let shown = found.iter().map(|one| lists::own_view(reader, one)).collect::<Result<Vec<_>>>()?;
            Ok((shown, next))
        })
        .await?;
    list(found, next)
}

/// Why somebody objects.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectionBody {
    #[schema(min_length = 3, max_length = 1000)]
    reason: String,
}

/// `POST /api/v1/own-decisions/{id}/objection`.
///
/// # Errors
/// 404; 403 for who decided it and for programs; 409 once the day is over; 422 without a reason.
#[utoipa::path(post, path = "/api/v1/own-decisions/{id}/objection", request_body = ObjectionBody, responses((status = 200, body = WithRevision<OwnDecisionView>)))]
pub async fn objection(
    app: web::Data<App>,
    caller: Caller,
    id: web::Path<OwnDecisionId>,
    body: Json<ObjectionBody>,
) -> Answer {
    let done = app.write(&caller, move |tx| own::object(tx, &id, &body.0.reason)).await?;
    let decision: OwnDecision = done.value;
    let value = app.read(move |reader| lists::own_view(reader, &decision)).await?;
    written(StatusCode::OK, &Written { value, revision: done.revision })
}
