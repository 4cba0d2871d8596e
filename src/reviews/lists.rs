//! Looking at campaigns and items: what callers and pages are shown.
//!
//! Rules: a reviewer sees the own items; whoever may manage or audit sees all of them; names are resolved by whoever
//! shows them, from the directory.

use serde::Serialize;
use utoipa::ToSchema;

use super::store::{self, ItemFilter};
use super::{Authority, Campaign, CampaignScope, Decision, Item, ItemState, Recommendation, Used, report};
use crate::access::catalogue::Class;
use crate::access::scope::{self, Scope};
use crate::clock::Timestamp;
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::ids::{AccountId, CampaignId, GrantId, ItemId, TextId};
use crate::vault;

/// A campaign as it is shown.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CampaignView {
    /// Which campaign.
    pub id: CampaignId,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub state: super::CampaignState,
    /// How it came about.
    pub origin: super::Origin,
    /// The period it stands for.
    #[schema(required)]
    pub period: Option<String>,
    /// What it looks at.
    pub scope: CampaignScope,
    /// When it opened.
    pub opened_at: Timestamp,
    /// When every reviewer is to have decided.
    pub due_at: Timestamp,
    /// When what nobody decided is suspended.
    pub suspends_at: Timestamp,
    /// When it closed.
    #[schema(required)]
    pub closed_at: Option<Timestamp>,
    /// The revision at which its population was read.
    pub population_revision: u64,
    /// How many grants that were.
    pub population: u64,
    /// How far it is.
    pub progress: Progress,
    /// The revision of its last change.
    pub revision: u64,
}

/// How far a campaign is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Progress {
    /// How many items there are.
    pub items: u64,
    /// How many are decided, in whatever way.
    pub decided: u64,
    /// How many have an answer in pencil.
    pub drafted: u64,
    /// How many wait for an answer.
    pub open: u64,
}

/// What a list of items may be narrowed by, as callers say it.
#[derive(Debug, Clone, Default)]
pub struct Narrow {
    /// Only items in this state.
    pub state: Option<ItemState>,
    /// Only items that wait for, or were decided by the authority of, this reviewer.
    pub reviewer: Option<AccountId>,
}

/// The campaign of that id.
///
/// # Errors
/// [`Error::NotFound`] if there is none.
pub fn find(reader: &mut Reader<'_>, id: &CampaignId) -> Result<Campaign> {
    store::find_campaign(reader, id)?.ok_or(Error::NotFound("review"))
}

/// The campaign of that id, as it is shown.
///
/// # Errors
/// [`Error::NotFound`] if there is none.
pub fn view(reader: &mut Reader<'_>, id: &CampaignId) -> Result<CampaignView> {
    let campaign = find(reader, id)?;
    shown(reader, campaign)
}

/// Campaigns as they are shown, newest first, and the cursor of the next page.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn campaigns(
    reader: &mut Reader<'_>,
    cursor: Option<&str>,
    limit: i64,
) -> Result<(Vec<CampaignView>, Option<String>)> {
    let mut found = store::campaigns(reader, None, cursor, limit + 1)?;
    let more = found.len() as i64 > limit;
    found.truncate(usize::try_from(limit).unwrap_or_default());
    let next = found.last().filter(|_| more).map(|last| last.id.to_string());
    let shown = found.into_iter().map(|campaign| shown(reader, campaign)).collect::<Result<_>>()?;
    Ok((shown, next))
}

fn shown(reader: &mut Reader<'_>, campaign: Campaign) -> Result<CampaignView> {
    let progress = progress(reader, &campaign.id, None)?;
    let mut scope = campaign.scope;
    if let Some(text) = scope.department.as_deref().and_then(TextId::parse) {
        scope.department = Some(vault::show(reader, &text)?);
    }
    Ok(CampaignView {
        name: vault::show(reader, &campaign.name)?,
        id: campaign.id,
        state: campaign.state,
        origin: campaign.origin,
        period: campaign.period,
        scope,
        opened_at: campaign.opened_at,
        due_at: campaign.due_at,
        suspends_at: campaign.suspends_at,
        closed_at: campaign.closed_at,
        population_revision: campaign.population_revision,
        population: campaign.population,
        progress,
        revision: campaign.revision,
    })
}

/// How far a campaign is; only one reviewer's part of it if one is named.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn progress(reader: &mut Reader<'_>, id: &CampaignId, reviewer: Option<&AccountId>) -> Result<Progress> {
    let of =
        |states: Vec<ItemState>| ItemFilter { states, reviewer: reviewer.cloned(), ..ItemFilter::default() };
    let items = store::count_items(reader, id, &of(Vec::new()))?;
    let undecided = vec![ItemState::Pending, ItemState::Conflicted];
    let open = store::count_items(reader, id, &of(undecided.clone()))?;
    let drafted = store::count_items(reader, id, &ItemFilter { drafted: true, ..of(undecided) })?;
    Ok(Progress { items, decided: items - open, drafted, open: open - drafted })
}

/// How many items wait for a reviewer, in all campaigns.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn waiting_for(reader: &mut Reader<'_>, reviewer: &AccountId) -> Result<u64> {
    store::count_waiting(reader, reviewer)
}

/// Items that match, riskiest first, and the cursor of the next page.
///
/// # Errors
/// [`Error::Invalid`] for a cursor that is none.
pub fn items(
    reader: &mut Reader<'_>,
    id: &CampaignId,
    narrow: &Narrow,
    cursor: Option<&str>,
    limit: i64,
) -> Result<(Vec<Item>, Option<String>)> {
    let filter = ItemFilter {
        states: narrow.state.into_iter().collect(),
        reviewer: narrow.reviewer.clone(),
        ..ItemFilter::default()
    };
    let after = cursor.map(read_cursor).transpose()?;
    let mut found = store::items(reader, id, &filter, after, limit + 1)?;
    let more = found.len() as i64 > limit;
    found.truncate(usize::try_from(limit).unwrap_or_default());
    let next = found.last().filter(|_| more).map(|last| format!("{}.{}", last.risk, last.id));
    Ok((found, next))
}

/// Every item that a reviewer has drafted and not signed, whatever part of the list is shown.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn drafts(reader: &mut Reader<'_>, id: &CampaignId, reviewer: &AccountId) -> Result<Vec<Item>> {
    let filter = ItemFilter {
        states: vec![ItemState::Pending, ItemState::Conflicted],
        reviewer: Some(reviewer.clone()),
        drafted: true,
        ..ItemFilter::default()
    };
    store::items(reader, id, &filter, None, i64::MAX)
}

fn read_cursor(text: &str) -> Result<(i32, ItemId)> {
    text.split_once('.')
        .and_then(|(risk, id)| Some((risk.parse().ok()?, ItemId::parse(id)?)))
        .ok_or_else(|| Error::field("cursor", "must be the `next` of the page before"))
}

/// One item.
///
/// # Errors
/// [`Error::NotFound`] if the campaign has no such item.
pub fn item(reader: &mut Reader<'_>, campaign: &CampaignId, id: &ItemId) -> Result<Item> {
    store::find_item(reader, campaign, id)?.ok_or(Error::NotFound("item"))
}

/// Whose grant an item is about.
#[derive(Serialize, ToSchema)]
pub struct Holder {
    id: AccountId,
    #[schema(required)]
    username: Option<String>,
}

/// An answer in pencil, as callers see it.
#[derive(Serialize, ToSchema)]
pub struct DraftView {
    decision: Decision,
    #[schema(required)]
    reason: Option<String>,
    #[schema(required)]
    keep_until: Option<Timestamp>,
    at: Timestamp,
}

/// An answer in ink, as callers see it.
#[derive(Serialize, ToSchema)]
pub struct DecidedView {
    /// Null if nobody answered.
    #[schema(required)]
    decision: Option<Decision>,
    by: String,
    at: Timestamp,
    #[schema(required)]
    reason: Option<String>,
    #[schema(required)]
    keep_until: Option<Timestamp>,
}

/// An item as callers see it.
#[derive(Serialize, ToSchema)]
pub struct ItemView {
    id: ItemId,
    grant: GrantId,
    account: Holder,
    role: String,
    application: String,
    class: Class,
    #[schema(schema_with = scope::schema)]
    scope: Option<Scope>,
    #[schema(required)]
    reviewer: Option<AccountId>,
    authority: Authority,
    state: ItemState,
    recommendation: Recommendation,
    /// A time, `never` or `unknown`: three different things.
    last_used: String,
    #[schema(required)]
    draft: Option<DraftView>,
    #[schema(required)]
    decided: Option<DecidedView>,
    #[schema(required)]
    verified_revision: Option<u64>,
    revision: u64,
}

/// An item as callers see it; `username` is the directory's.
///
/// # Errors
/// [`Error::Internal`] if a reason does not open.
pub fn item_view(reader: &mut Reader<'_>, item: &Item, username: Option<String>) -> Result<ItemView> {
    let mut reason_of = |text: Option<&TextId>| text.map(|text| vault::show(reader, text)).transpose();
    let draft = match &item.draft {
        Some(draft) => Some(DraftView {
            decision: draft.decision,
            reason: reason_of(draft.reason.as_ref())?,
            keep_until: draft.until,
            at: draft.at,
        }),
        None => None,
    };
    let decided = match &item.decided {
        Some(decided) => Some(DecidedView {
            decision: Decision::parse(item.state.as_str()),
            by: decided.by.clone(),
            at: decided.at,
            reason: reason_of(decided.reason.as_ref())?,
            keep_until: decided.until,
        }),
        None => None,
    };
    Ok(ItemView {
        id: item.id.clone(),
        grant: item.grant.clone(),
        account: Holder { id: item.account.clone(), username },
        role: item.role.clone(),
        application: item.application.clone(),
        class: item.class,
        scope: item.scope.clone(),
        reviewer: item.reviewer.clone(),
        authority: item.authority,
        state: item.state,
        recommendation: item.recommendation,
        last_used: last_used(item),
        draft,
        decided,
        verified_revision: item.verified.map(|(_, revision)| revision),
        revision: item.revision,
    })
}

/// A time, `never` or `unknown`: three different things.
fn last_used(item: &Item) -> String {
    match (item.used, item.used_at) {
        (Used::On, Some(at)) => at.to_string(),
        (Used::Never, _) => "never".to_owned(),
        _ => "unknown".to_owned(),
    }
}

/// The report of a campaign: the signed evidence of a closed one, else how it stands.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Internal`] for a fault of the database.
pub fn report(reader: &mut Reader<'_>, id: &CampaignId) -> Result<(report::Evidence, bool)> {
    let campaign = find(reader, id)?;
    match report::signed(&campaign)? {
        Some(evidence) => Ok((evidence, true)),
        None => Ok((report::evidence(reader, id)?, false)),
    }
}
