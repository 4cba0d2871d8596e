//! Who can, what can, and what a change would do, as JSON at `/api/v1/decisions`.
//!
//! Rules: everything is asked with POST, so that no name stands in an address; nothing is changed. What is asked of the
//! past is answered from histories, page by page.

use actix_web::web;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::access::apply::{Applied, PolicyFile};
use crate::access::grants::Source;
use crate::access::past::PastGrant;
use crate::app::App;
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::decision::foresee::{Foreseen, Given, Wanted, foresee};
use crate::decision::lookup::{self, Found, Place};
use crate::decision::{Difference, Differences, Effect, Held};
use crate::error::{Error, Result};
use crate::http::answer::Paging;
use crate::http::{Answer, Json, ok};
use crate::ids::{AccountId, GrantId, RequestId};

/// The longest name of a catalogue's file, in characters.
const MAX_NAME: usize = 100;

/// A person or service as lists name them.
#[derive(Serialize, ToSchema)]
#[schema(as = NamedAccount)]
pub struct Named {
    id: AccountId,
    username: String,
}

impl Named {
    pub(super) fn of(app: &App, id: &AccountId) -> Self {
        let card = app.directory().card(id);
        Self { id: id.clone(), username: card.map(|card| card.username).unwrap_or_default() }
    }
}

/// How somebody came by a permission, and who said so.
#[derive(Serialize, ToSchema)]
pub struct WayView {
    #[serde(flatten)]
    held: Held,
    /// How the grant came about.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source>,
    /// Who approved it.
    approvers: Vec<Named>,
    /// The request it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<RequestId>,
}

impl WayView {
    pub(super) fn of<T>(app: &App, held: &Held, found: &Found<T>) -> Self {
        let grant: Option<&PastGrant> = held.grant.as_ref().and_then(|id| found.grants.get(id));
        let approvers = grant.into_iter().flat_map(|grant| &grant.approvers);
        Self {
            held: held.clone(),
            source: grant.map(|grant| grant.source),
            approvers: approvers.map(|approver| Named::of(app, approver)).collect(),
            request: grant.and_then(|grant| grant.request.clone()),
        }
    }

    /// One way, as a page shows it.
    pub(super) fn words(&self, app: &App) -> Value {
        let names: Vec<String> =
            self.approvers.iter().map(|approver| app.directory().display_name(&approver.id)).collect();
        json!({
            "by": match self.held.by.as_str() {
                "grant" => "grant".to_owned(),
                "birthright" => "every employee has it".to_owned(),
                "manager" => "as a manager".to_owned(),
                _ => "as an owner".to_owned(),
            },
            "grant": self.held.grant, "roles": self.held.roles, "terms": self.held.terms,
            "source": self.source, "approvers": names, "request": self.request,
        })
    }
}

/// Who holds a permission.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldersBody {
    /// `application/feature:action`.
    #[schema(max_length = 200)]
    permission: String,
    /// As of when; now if left out.
    #[serde(default)]
    at: Option<Timestamp>,
    /// At most so many; 50 if not said.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// The `next` of the page before.
    #[serde(default)]
    cursor: Option<AccountId>,
}

/// Somebody who holds it.
#[derive(Serialize, ToSchema)]
#[schema(as = PermissionHolder)]
pub struct Holder {
    account: Named,
    ways: Vec<WayView>,
}

/// Those who hold it.
#[derive(Serialize, ToSchema)]
#[schema(as = PermissionHolders)]
pub struct Holders {
    items: Vec<Holder>,
    /// The cursor to ask on with; null at the end.
    #[schema(required)]
    next: Option<AccountId>,
    /// The number of the last event that the answer takes in.
    revision: u64,
}

/// `POST /api/v1/decisions/holders`: who can do this, now or at a past instant, and who said so.
///
/// # Errors
/// 422 for a permission or an instant that means nothing.
#[utoipa::path(post, path = "/api/v1/decisions/holders", request_body = HoldersBody, responses((status = 200, body = Holders)))]
pub async fn holders(app: web::Data<App>, body: Json<HoldersBody>) -> Answer {
    let (house, body) = (app.clone(), body.into_inner());
    let limit = limit(body.limit)?;
    let found = app
        .read(move |reader| {
            let place = Place { at: body.at, after: body.cursor.as_ref(), limit };
            lookup::holders(&house, reader, &body.permission, &place)
        })
        .await?;
    let ways = |held: &[Held]| held.iter().map(|way| WayView::of(&app, way, &found)).collect();
    let items = found.page.items.iter();
    let items =
        items.map(|(account, held)| Holder { account: Named::of(&app, account), ways: ways(held) }).collect();
    ok(Holders { items, next: found.page.next.clone(), revision: found.revision })
}

/// What an account holds.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldingsBody {
    account: AccountId,
    /// As of when; now if left out.
    #[serde(default)]
    at: Option<Timestamp>,
    /// At most so many; 50 if not said.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// The `next` of the page before.
    #[serde(default)]
    #[schema(max_length = 200)]
    cursor: Option<String>,
}

/// Something that it holds.
#[derive(Serialize, ToSchema)]
pub struct HeldPermission {
    /// `application/feature:action`.
    permission: String,
    ways: Vec<WayView>,
}

/// All that it holds.
#[derive(Serialize, ToSchema)]
pub struct HeldPermissions {
    items: Vec<HeldPermission>,
    /// The cursor to ask on with; null at the end.
    #[schema(required)]
    next: Option<String>,
    /// The number of the last event that the answer takes in.
    revision: u64,
}

/// `POST /api/v1/decisions/holdings`: what an account can do, now or at a past instant, and who said so.
///
/// # Errors
/// 422 for an instant that means nothing.
#[utoipa::path(post, path = "/api/v1/decisions/holdings", request_body = HoldingsBody, responses((status = 200, body = HeldPermissions)))]
pub async fn holdings(app: web::Data<App>, body: Json<HoldingsBody>) -> Answer {
    let (house, body) = (app.clone(), body.into_inner());
    let limit = limit(body.limit)?;
    let found = app
        .read(move |reader| {
            let place = Place { at: body.at, after: body.cursor.as_deref(), limit };
            lookup::holdings(&house, reader, &body.account, &place)
        })
        .await?;
    let ways = |held: &[Held]| held.iter().map(|way| WayView::of(&app, way, &found)).collect();
    let items = found.page.items.iter();
    let items = items
        .map(|(permission, held)| HeldPermission { permission: permission.clone(), ways: ways(held) })
        .collect();
    ok(HeldPermissions { items, next: found.page.next.clone(), revision: found.revision })
}

/// A catalogue that is tried.
#[derive(Deserialize, ToSchema)]
#[schema(as = CatalogueFile)]
#[serde(deny_unknown_fields)]
pub struct FileBody {
    /// Its name, for complaints.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// Its text, TOML.
    #[schema(max_length = 1_000_000)]
    text: String,
}

impl FileBody {
    fn checked(self) -> Result<PolicyFile> {
        match self.name.chars().count() {
            1..=MAX_NAME => Ok(PolicyFile { name: self.name, text: self.text }),
            _ => Err(Error::field("files.name", format!("must have between 1 and {MAX_NAME} characters"))),
        }
    }
}

/// What would be done.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SimulationBody {
    /// Catalogues that would be applied.
    #[serde(default)]
    #[schema(max_items = 200)]
    files: Vec<FileBody>,
    /// Grants that would be revoked.
    #[serde(default)]
    #[schema(max_items = 100)]
    revoked: Vec<GrantId>,
    /// Roles that would be given.
    #[serde(default)]
    #[schema(max_items = 100)]
    given: Vec<Given>,
    /// About so many; 50 if not said.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// The `next` of the page before.
    #[serde(default)]
    cursor: Option<AccountId>,
}

/// A difference, with the account's name.
#[derive(Serialize, ToSchema)]
pub struct DifferenceView {
    account: Named,
    /// `application/feature:action`.
    permission: String,
    effect: Effect,
    /// The terms under which it is held, one entry for each way.
    before: Vec<String>,
    /// The terms under which it would be held.
    after: Vec<String>,
}

/// What a change would do.
#[derive(Serialize, ToSchema)]
pub struct Simulated {
    /// What would become of each application.
    #[schema(value_type = Object)]
    applied: Applied,
    items: Vec<DifferenceView>,
    /// The cursor to ask on with; null at the end.
    #[schema(required)]
    next: Option<AccountId>,
    /// The number of the last event before the change that was tried.
    revision: u64,
}

impl Simulated {
    /// A part of the differences, with names.
    pub fn of(app: &App, foreseen: &Foreseen, differences: Differences) -> Self {
        let view = |difference: Difference| {
            let Difference { account, permission, effect, before, after } = difference;
            DifferenceView { account: Named::of(app, &account), permission, effect, before, after }
        };
        Self {
            applied: foreseen.applied.clone(),
            items: differences.items.into_iter().map(view).collect(),
            next: differences.next,
            revision: foreseen.revision(),
        }
    }
}

/// `POST /api/v1/decisions/simulation`: who would gain and who would lose what; nothing is changed.
///
/// # Errors
/// 422 and 409 for what could not be done either.
#[utoipa::path(post, path = "/api/v1/decisions/simulation", request_body = SimulationBody, responses((status = 200, body = Simulated)))]
pub async fn simulation(app: web::Data<App>, caller: Caller, body: Json<SimulationBody>) -> Answer {
    let body = body.into_inner();
    let limit = limit(body.limit)?;
    let files = body.files.into_iter().map(FileBody::checked).collect::<Result<Vec<_>>>()?;
    let wanted = Wanted { files, revoked: body.revoked, given: body.given };
    let cursor = body.cursor;
    let simulated = app
        .to_its_end(move |app| {
            let foreseen = foresee(app, &caller, &wanted)?;
            let differences = foreseen.differences(cursor.as_ref(), limit);
            Ok(Simulated::of(app, &foreseen, differences))
        })
        .await?;
    ok(simulated)
}

fn limit(limit: Option<u32>) -> Result<usize> {
    let paging = Paging { limit, cursor: None };
    Ok(usize::try_from(paging.limit()?).unwrap_or(usize::MAX))
}
