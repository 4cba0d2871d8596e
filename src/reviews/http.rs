//! Reviews for callers: JSON at `/api/v1/reviews`. The pages stand in `pages`.

pub mod pages;

use actix_web::http::StatusCode;
use actix_web::web;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::deciding::{self, Answer as ItemAnswer, Outcome, SignedOff};
use super::lists::{self, CampaignView, ItemView, Narrow};
use super::opening::{self, NewCampaign};
use super::report::Evidence;
use super::{CampaignScope, CampaignState, Item, ItemState};
use crate::app::{App, Written};
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::http::answer::{Listed, Paging, WithRevision};
use crate::http::body::as_object;
use crate::http::{Answer, Json, JsonList, OptionalJson, created, identify, list, ok, written};
use crate::ids::{AccountId, CampaignId, ItemId};

/// A campaign to be opened by hand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenBody {
    #[schema(min_length = 3, max_length = 120)]
    name: String,
    #[serde(default, deserialize_with = "as_object")]
    scope: CampaignScope,
    due_at: Timestamp,
    /// People to decide instead of those who would by position; not offered yet, and so refused if given.
    #[serde(default)]
    #[schema(max_items = 0)]
    reviewers: Option<Vec<AccountId>>,
}

/// `GET /api/v1/reviews`: campaigns, newest first.
///
/// # Errors
/// As the list.
#[utoipa::path(get, path = "/api/v1/reviews", params(Paging), responses((status = 200, body = Listed<CampaignView>)))]
pub async fn index(app: web::Data<App>, paging: web::Query<Paging>) -> Answer {
    let limit = paging.limit()?;
    let cursor = paging.into_inner().cursor;
    let (campaigns, next) =
        app.read(move |reader| lists::campaigns(reader, cursor.as_deref(), limit)).await?;
    list(campaigns, next)
}

/// `POST /api/v1/reviews`: opens a campaign over its scope.
///
/// # Errors
/// 422 for a name, scope or date that does not do.
#[utoipa::path(post, path = "/api/v1/reviews", request_body = OpenBody, responses((status = 201, body = CampaignView)))]
pub async fn open(app: web::Data<App>, caller: Caller, body: Json<OpenBody>) -> Answer {
    let body = body.into_inner();
    if body.reviewers.is_some() {
        return Err(Error::field("reviewers", "reviewers follow from positions; leave this out").into());
    }
    let new = NewCampaign::by_hand(&body.name, body.scope, body.due_at, app.context().clock.now())?;
    let opened = app.to_its_end(move |app| opening::open(app, &caller, &new)).await?;
    let id = opened.value.id.clone();
    let view = app.read(move |reader| lists::view(reader, &id)).await?;
    created(&Written { value: view, revision: opened.revision })
}

/// `GET /api/v1/reviews/{id}`.
///
/// # Errors
/// 404.
#[utoipa::path(get, path = "/api/v1/reviews/{id}", responses((status = 200, body = CampaignView)))]
pub async fn show(app: web::Data<App>, id: web::Path<CampaignId>) -> Answer {
    ok(app.read(move |reader| lists::view(reader, &id)).await?)
}

/// How a list of items is narrowed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ItemQuery {
    state: Option<ItemState>,
    reviewer: Option<String>,
}

/// `GET /api/v1/reviews/{id}/items?state=&reviewer=me&limit=&cursor=`: riskiest first.
///
/// # Errors
/// 404; 422 for a reviewer that is neither `me` nor an account's id.
#[utoipa::path(get, path = "/api/v1/reviews/{id}/items", params(ItemQuery, Paging), responses((status = 200, body = Listed<ItemView>)))]
pub async fn items(
    app: web::Data<App>,
    caller: Caller,
    id: web::Path<CampaignId>,
    query: web::Query<ItemQuery>,
    paging: web::Query<Paging>,
) -> Answer {
    let narrow = narrow(&app, &caller, query.into_inner())?;
    let limit = paging.limit()?;
    let (found, next) = app
        .read({
            let app = app.clone();
            move |reader| {
                lists::find(reader, &id)?;
                let (items, next) = lists::items(reader, &id, &narrow, paging.cursor.as_deref(), limit)?;
                let shown = items.iter().map(|item| shown(&app, reader, item)).collect::<Result<Vec<_>>>()?;
                Ok((shown, next))
            }
        })
        .await?;
    list(found, next)
}

fn shown(app: &App, reader: &mut crate::db::Reader<'_>, item: &Item) -> Result<ItemView> {
    let username = app.directory().card(&item.account).map(|card| card.username);
    lists::item_view(reader, item, username)
}

/// Whoever neither manages reviews nor audits sees the own items only.
fn narrow(app: &App, caller: &Caller, query: ItemQuery) -> Result<Narrow> {
    let me = caller.account().cloned().ok_or(Error::Unauthenticated)?;
    let named = match query.reviewer.as_deref() {
        None => None,
        Some("me") => Some(me.clone()),
        Some(text) => Some(
            AccountId::parse(text)
                .ok_or_else(|| Error::field("reviewer", "must be `me` or an account's id"))?,
        ),
    };
    let reviewer = if sees_all(app, caller) { named } else { Some(me) };
    Ok(Narrow { state: query.state, reviewer })
}

/// Whether a caller may see items that wait for others: who manages reviews, and who reads the log (the auditor).
pub(super) fn sees_all(app: &App, caller: &Caller) -> bool {
    identify::permits(app, caller, "reviews", "manage") || identify::permits(app, caller, "log", "read")
}

/// `POST /api/v1/reviews/{id}/decisions`: answers in pencil, each for itself.
///
/// # Errors
/// 404; 409 once everything is decided.
#[utoipa::path(post, path = "/api/v1/reviews/{id}/decisions", request_body = Vec<ItemAnswer>, responses((status = 200, body = WithRevision<Outcomes>)))]
pub async fn decisions(
    app: web::Data<App>,
    caller: Caller,
    id: web::Path<CampaignId>,
    body: JsonList<ItemAnswer>,
) -> Answer {
    let answers = body.0;
    let done = app.write(&caller, move |tx| deciding::draft(tx, &id, &answers)).await?;
    written(StatusCode::OK, &Written { value: Outcomes { items: done.value }, revision: done.revision })
}

/// What became of each answer, in their order.
#[derive(Serialize, ToSchema)]
pub struct Outcomes {
    items: Vec<Outcome>,
}

/// The evidence of a campaign.
#[derive(Serialize, ToSchema)]
pub struct ReportView {
    #[serde(flatten)]
    evidence: Evidence,
    /// SHA-256 of the evidence as it was signed, as hex; null while the campaign runs.
    #[schema(required)]
    digest: Option<String>,
}

/// What is to be signed.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SignOffBody {
    #[schema(max_items = 1000)]
    items: Option<Vec<ItemId>>,
}

/// `POST /api/v1/reviews/{id}/sign-off`: the caller's own drafts, all or those named, take effect.
///
/// # Errors
/// 404; 409 once everything is decided.
#[utoipa::path(post, path = "/api/v1/reviews/{id}/sign-off", request_body = Option<SignOffBody>, responses((status = 200, body = WithRevision<SignedOff>)))]
pub async fn sign_off(
    app: web::Data<App>,
    caller: Caller,
    id: web::Path<CampaignId>,
    body: OptionalJson<SignOffBody>,
) -> Answer {
    let only = body.0.items;
    let signed = app.to_its_end(move |app| deciding::sign_off(app, &caller, &id, only.as_deref())).await?;
    written(StatusCode::OK, &signed)
}

/// Why one item is revoked at once.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RevocationBody {
    #[schema(max_length = 1000)]
    reason: Option<String>,
}

/// `POST /api/v1/reviews/{id}/items/{item}/revocation`: decide and sign in one.
///
/// # Errors
/// 404; 403 if it waits for somebody else; 409 if it is decided or the grant changed.
#[utoipa::path(post, path = "/api/v1/reviews/{id}/items/{item}/revocation", request_body = Option<RevocationBody>, responses((status = 200, body = WithRevision<Outcome>)))]
pub async fn revocation(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(CampaignId, ItemId)>,
    body: OptionalJson<RevocationBody>,
) -> Answer {
    let (campaign, item) = path.into_inner();
    let reason = body.0.reason;
    let done = app
        .to_its_end(move |app| deciding::revoke_now(app, &caller, &campaign, &item, reason.as_deref()))
        .await?;
    written(StatusCode::OK, &done)
}

/// `GET /api/v1/reviews/{id}/report`: the evidence, signed if the campaign is closed.
///
/// # Errors
/// 404.
#[utoipa::path(get, path = "/api/v1/reviews/{id}/report", responses((status = 200, body = ReportView)))]
pub async fn report(app: web::Data<App>, id: web::Path<CampaignId>) -> Answer {
    let (evidence, signed) = app.read(move |reader| lists::report(reader, &id)).await?;
    let digest = if signed { Some(evidence.digest()?) } else { None };
    ok(ReportView { evidence, digest })
}

/// The word for where a campaign stands, as pages say it.
pub(super) fn standing(state: CampaignState) -> (&'static str, &'static str, Option<&'static str>) {
    match state {
        CampaignState::Opening => ("being opened", "quiet", Some("clock")),
        CampaignState::Active => ("open", "due", Some("clock")),
        CampaignState::Remediating | CampaignState::Verifying => ("being verified", "quiet", Some("clock")),
        CampaignState::Closed => ("closed", "settled", Some("check")),
        CampaignState::ClosedWithExceptions => ("closed with exceptions", "due", Some("warning")),
    }
}
