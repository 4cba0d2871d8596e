//! Proposals for callers: JSON at `/api/v1/proposals`. The pages stand in `pages`.

pub mod pages;

use actix_web::http::StatusCode;
use actix_web::web;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::access::proposals::lists::{self, ProposalView, WholeProposal};
use crate::access::proposals::{Proposal, approve, refuse, withdraw};
use crate::app::{App, Written};
use crate::caller::Caller;
use crate::db::Tx;
use crate::error::Result;
use crate::http::answer::{Listed, Paging, WithRevision};
use crate::http::{Answer, OptionalJson, list, ok, written};
use crate::ids::ProposalId;

/// Which proposals.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct View {
    view: Option<String>,
}

/// What somebody says to their word.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProposalNote)]
pub struct Note {
    /// Needed where one person alone could decide.
    #[schema(max_length = 1000)]
    note: Option<String>,
}

/// `GET /api/v1/proposals?view=open|past`: newest first.
///
/// # Errors
/// 422 for a view or cursor that is none.
#[utoipa::path(get, path = "/api/v1/proposals", params(View, Paging), responses((status = 200, body = Listed<ProposalView>)))]
pub async fn index(app: web::Data<App>, view: web::Query<View>, paging: web::Query<Paging>) -> Answer {
    let limit = paging.limit()?;
    let (found, next) = app
        .read(move |reader| {
            let (found, next) = lists::list(reader, view.view.as_deref(), paging.cursor.as_deref(), limit)?;
            let shown = found.iter().map(|one| lists::view(reader, one)).collect::<Result<Vec<_>>>()?;
            Ok((shown, next))
        })
        .await?;
    list(found, next)
}

/// `GET /api/v1/proposals/{id}`: with its files.
///
/// # Errors
/// 404.
#[utoipa::path(get, path = "/api/v1/proposals/{id}", responses((status = 200, body = WholeProposal)))]
pub async fn show(app: web::Data<App>, id: web::Path<ProposalId>) -> Answer {
    let found = app
        .read(move |reader| {
            let proposal = lists::find(reader, &id)?;
            lists::whole(reader, &proposal)
        })
        .await?;
    ok(found)
}

type Act = fn(&mut Tx<'_>, &ProposalId, Option<&str>) -> Result<Proposal>;

async fn answer(app: &App, caller: &Caller, id: ProposalId, note: Note, act: Act) -> Answer {
    let done = app.write(caller, move |tx| act(tx, &id, note.note.as_deref())).await?;
    let proposal = done.value;
    let value = app.read(move |reader| lists::view(reader, &proposal)).await?;
    written(StatusCode::OK, &Written { value, revision: done.revision })
}

/// `POST /api/v1/proposals/{id}/approval`: its files are in force; still `proposed` if the word waits for objections.
///
/// # Errors
/// 404; 403 `not-yours-to-decide`, `self-approval`, `proof-required`; 409 `decided`, `overtaken`, `objections`; 422
/// without a reason where one person alone could decide.
#[utoipa::path(post, path = "/api/v1/proposals/{id}/approval", request_body = Note, responses((status = 200, body = WithRevision<ProposalView>)))]
pub async fn approval(
    app: web::Data<App>,
    caller: Caller,
    id: web::Path<ProposalId>,
    body: OptionalJson<Note>,
) -> Answer {
    answer(&app, &caller, id.into_inner(), body.0, approve).await
}

/// `POST /api/v1/proposals/{id}/refusal`.
///
/// # Errors
/// 404; 403 `not-yours-to-decide`, `self-approval`; 409 `decided`.
#[utoipa::path(post, path = "/api/v1/proposals/{id}/refusal", request_body = Note, responses((status = 200, body = WithRevision<ProposalView>)))]
pub async fn refusal(
    app: web::Data<App>,
    caller: Caller,
    id: web::Path<ProposalId>,
    body: OptionalJson<Note>,
) -> Answer {
    answer(&app, &caller, id.into_inner(), body.0, refuse).await
}

/// `POST /api/v1/proposals/{id}/withdrawal`.
///
/// # Errors
/// 404; 403 `not-yours`; 409 `decided`.
#[utoipa::path(post, path = "/api/v1/proposals/{id}/withdrawal", request_body = Note, responses((status = 200, body = WithRevision<ProposalView>)))]
pub async fn withdrawal(
    app: web::Data<App>,
    caller: Caller,
    id: web::Path<ProposalId>,
    body: OptionalJson<Note>,
) -> Answer {
    answer(&app, &caller, id.into_inner(), body.0, withdraw).await
}
