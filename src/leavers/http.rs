//! Leavers for callers: JSON at `/api/v1/leavers`. The pages stand in `pages`.

pub mod pages;

use actix_web::web;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::lists::{self, CaseView, Viewer};
use super::{NewLeaver, confirm_target, process, report, withdraw};
use crate::accounts;
use crate::app::{App, Written};
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::http::answer::{Listed, Paging, WithRevision};
use crate::http::{Answer, Json, created, identify, list, ok, written};
use crate::ids::{AccountId, CaseId};

/// Who leaves, and when.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeaverBody {
    account: AccountId,
    effective_at: Timestamp,
    #[schema(min_length = 3, max_length = 1000)]
    reason: String,
    #[serde(default)]
    confidential: bool,
}

/// What a viewer may see: who handles leavers sees everybody's, also before the instant; auditors see everybody's;
/// a manager sees the own team's.
pub(super) fn viewer(app: &App, caller: &Caller) -> Result<Viewer> {
    let account = caller.account().cloned().ok_or(Error::Unauthenticated)?;
    let handles = identify::permits(app, caller, "leavers", "manage");
    let everybody = handles || identify::permits(app, caller, "log", "read");
    Ok(Viewer { account, handles, everybody })
}

/// Starts a case and takes it as far as it goes now. A manager may only report people of the own team.
pub(super) async fn start_case(app: &App, caller: &Caller, new: NewLeaver) -> Result<Written<CaseId>> {
    let viewer = viewer(app, caller)?;
    let caller = caller.clone();
    app.to_its_end(move |app| {
        let begun = app.write_now(&caller, |tx| {
            let own = accounts::chain(tx, &new.account)?.contains(&viewer.account);
            if !own && !viewer.handles {
                let detail =
                    "You may report people of your own team; the people administrator reports anybody.";
                return Err(Error::forbidden("not-your-team", detail));
            }
            report(tx, &new)
        })?;
        let done = process(app, &Caller::house("leavers.run"), &begun.value.id)?;
        Ok(Written { value: begun.value.id, revision: done.revision.max(begun.revision) })
    })
    .await
}

async fn shown(app: &App, caller: &Caller, id: CaseId) -> Result<CaseView> {
    let viewer = viewer(app, caller)?;
    app.read(move |reader| {
        let (case, steps) = lists::find(reader, &id, &viewer)?;
        lists::case_view(reader, &case, &steps)
    })
    .await
}

/// How a list of cases is narrowed.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct View {
    view: Option<String>,
}

/// `GET /api/v1/leavers?view=running|coming|closed`: newest first.
///
/// # Errors
/// As the list.
#[utoipa::path(get, path = "/api/v1/leavers", params(View, Paging), responses((status = 200, body = Listed<CaseView>)))]
pub async fn index(
    app: web::Data<App>,
    caller: Caller,
    view: web::Query<View>,
    paging: web::Query<Paging>,
) -> Answer {
    let viewer = viewer(&app, &caller)?;
    let limit = paging.limit()?;
    let (cases, next) = app
        .read(move |reader| {
            let (cases, next) =
                lists::list(reader, view.view.as_deref(), &viewer, paging.cursor.as_deref(), limit)?;
            let shown =
                cases.iter().map(|case| lists::case_view(reader, case, &[])).collect::<Result<Vec<_>>>()?;
            Ok((shown, next))
        })
        .await?;
    list(cases, next)
}

/// `POST /api/v1/leavers`.
///
/// # Errors
/// 422 for a time or reason that does not do; 409 if the person has an open case or has left; 403 for other teams.
#[utoipa::path(post, path = "/api/v1/leavers", request_body = LeaverBody, responses((status = 201, body = WithRevision<CaseView>)))]
pub async fn start(app: web::Data<App>, caller: Caller, body: Json<LeaverBody>) -> Answer {
    let body = body.into_inner();
    let new = NewLeaver {
        account: body.account,
        effective_at: body.effective_at,
        reason: body.reason,
        confidential: body.confidential,
    };
    let begun = start_case(&app, &caller, new).await?;
    let value = shown(&app, &caller, begun.value).await?;
    created(&Written { value, revision: begun.revision })
}

/// `GET /api/v1/leavers/{id}`.
///
/// # Errors
/// 404 if there is none that the caller may see.
#[utoipa::path(get, path = "/api/v1/leavers/{id}", responses((status = 200, body = CaseView)))]
pub async fn show(app: web::Data<App>, caller: Caller, id: web::Path<CaseId>) -> Answer {
    ok(shown(&app, &caller, id.into_inner()).await?)
}

/// `POST /api/v1/leavers/{id}/withdrawal`: before the instant, the person stays.
///
/// # Errors
/// 404; 409 once the instant has come.
#[utoipa::path(post, path = "/api/v1/leavers/{id}/withdrawal", responses((status = 200, body = WithRevision<CaseView>)))]
pub async fn withdrawal(app: web::Data<App>, caller: Caller, id: web::Path<CaseId>) -> Answer {
    let case = id.clone();
    let done = app.write(&caller, move |tx| withdraw(tx, &case)).await?;
    let value = shown(&app, &caller, id.into_inner()).await?;
    written(actix_web::http::StatusCode::OK, &Written { value, revision: done.revision })
}

/// How somebody knows that access in a system is gone.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProofBody {
    #[schema(min_length = 3, max_length = 1000)]
    proof: String,
}

/// `POST /api/v1/leavers/{id}/targets/{system}/confirmation`.
///
/// # Errors
/// 404; 409 if the system does not wait for a word; 422 without a proof.
#[utoipa::path(post, path = "/api/v1/leavers/{id}/targets/{system}/confirmation", request_body = ProofBody, responses((status = 200, body = WithRevision<CaseView>)))]
pub async fn confirmation(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(CaseId, String)>,
    body: Json<ProofBody>,
) -> Answer {
    let (id, system) = path.into_inner();
    let (case, by) = (id.clone(), caller.clone());
    let done = app
        .to_its_end(move |app| {
            app.write_now(&by, |tx| confirm_target(tx, &case, &system, &body.0.proof))?;
            process(app, &Caller::house("leavers.run"), &case)
        })
        .await?;
    let value = shown(&app, &caller, id).await?;
    written(actix_web::http::StatusCode::OK, &Written { value, revision: done.revision })
}
