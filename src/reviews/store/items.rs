//! Rows of review items.

use diesel::prelude::*;
use serde::Serialize;

use super::{json, word};
use crate::clock::Timestamp;
use crate::db::batch::{self, Kind};
use crate::db::schema::{accounts, grants, review_items};
use crate::db::{Reader, Tx};
use crate::error::Result;
use crate::ids::{AccountId, CampaignId, GrantId, ItemId, TextId};
use crate::reviews::{Authority, Decided, Decision, Draft, Item, ItemState, Recommendation, Used};

/// A new item as a batch carries it.
#[derive(Serialize)]
pub(in crate::reviews) struct NewItem {
    pub(in crate::reviews) id: ItemId,
    pub(in crate::reviews) campaign: CampaignId,
    pub(in crate::reviews) grant_id: GrantId,
    pub(in crate::reviews) account: AccountId,
    pub(in crate::reviews) role: String,
    pub(in crate::reviews) application: String,
    pub(in crate::reviews) class: String,
    pub(in crate::reviews) risk: i32,
    pub(in crate::reviews) scope: Option<String>,
    pub(in crate::reviews) reviewer: Option<AccountId>,
    pub(in crate::reviews) authority: Authority,
    pub(in crate::reviews) state: ItemState,
    pub(in crate::reviews) recommendation: Recommendation,
    pub(in crate::reviews) used: Used,
    pub(in crate::reviews) used_at: Option<String>,
    pub(in crate::reviews) grant_revision: u64,
    pub(in crate::reviews) revision: u64,
}

pub(in crate::reviews) fn insert_items(tx: &mut Tx<'_>, items: &[NewItem]) -> Result<()> {
    const COLUMNS: &[(&str, Kind)] = &[
        ("id", Kind::Text),
        ("campaign", Kind::Text),
        ("grant_id", Kind::Text),
        ("account", Kind::Text),
        ("role", Kind::Text),
        ("application", Kind::Text),
        ("class", Kind::Text),
        ("risk", Kind::Whole),
        ("scope", Kind::Text),
        ("reviewer", Kind::Text),
        ("authority", Kind::Text),
        ("state", Kind::Text),
        ("recommendation", Kind::Text),
        ("used", Kind::Text),
        ("used_at", Kind::Instant),
        ("grant_revision", Kind::Whole),
        ("revision", Kind::Whole),
    ];
    batch::insert(tx.connection, "review_items", COLUMNS, items)
}

#[derive(Queryable)]
struct ItemRow {
    id: ItemId,
    campaign: CampaignId,
    grant_id: GrantId,
    account: AccountId,
    role: String,
    application: String,
    class: String,
    risk: i32,
    scope: Option<String>,
    reviewer: Option<AccountId>,
    authority: Authority,
    state: ItemState,
    recommendation: Recommendation,
    used: Used,
    used_at: Option<Timestamp>,
    grant_revision: i64,
    draft: Option<Decision>,
    draft_by: Option<AccountId>,
    draft_reason: Option<TextId>,
    draft_until: Option<Timestamp>,
    drafted_at: Option<Timestamp>,
    _decision: Option<Decision>,
    decided_by: Option<String>,
    decided_at: Option<Timestamp>,
    reason: Option<TextId>,
    keep_until: Option<Timestamp>,
    applied_revision: Option<i64>,
    verified_at: Option<Timestamp>,
    verified_revision: Option<i64>,
    revision: i64,
}

impl ItemRow {
    fn read(self) -> Result<Item> {
        let draft = match (self.draft, self.draft_by, self.drafted_at) {
            (Some(decision), Some(by), Some(at)) => {
                Some(Draft { decision, by, reason: self.draft_reason, until: self.draft_until, at })
            }
            _ => None,
        };
        let decided = match (self.decided_by, self.decided_at) {
            (Some(by), Some(at)) => Some(Decided { by, at, reason: self.reason, until: self.keep_until }),
            _ => None,
        };
        Ok(Item {
            class: word(&self.class)?,
            scope: self.scope.as_deref().map(json).transpose()?,
            id: self.id,
            campaign: self.campaign,
            grant: self.grant_id,
            account: self.account,
            role: self.role,
            application: self.application,
            risk: self.risk,
            reviewer: self.reviewer,
            authority: self.authority,
            state: self.state,
            recommendation: self.recommendation,
            used: self.used,
            used_at: self.used_at,
            grant_revision: self.grant_revision.unsigned_abs(),
            draft,
            decided,
            applied_revision: self.applied_revision.map(i64::unsigned_abs),
            verified: self.verified_at.zip(self.verified_revision.map(i64::unsigned_abs)),
            revision: self.revision.unsigned_abs(),
        })
    }
}

/// What a list of items may be narrowed by.
#[derive(Debug, Clone, Default)]
pub(in crate::reviews) struct ItemFilter {
    pub(in crate::reviews) states: Vec<ItemState>,
    pub(in crate::reviews) reviewer: Option<AccountId>,
    pub(in crate::reviews) drafted_by: Option<AccountId>,
    pub(in crate::reviews) revocation_drafted: bool,
    pub(in crate::reviews) unverified: bool,
    pub(in crate::reviews) drafted: bool,
    pub(in crate::reviews) without_effect: bool,
    pub(in crate::reviews) authority: Option<Authority>,
}

type Boxed<'a> = review_items::BoxedQuery<'a, <crate::db::AnyConnection as diesel::Connection>::Backend>;

fn narrowed<'a>(campaign: &'a CampaignId, filter: &'a ItemFilter) -> Boxed<'a> {
    let mut query = review_items::table.filter(review_items::campaign.eq(campaign)).into_boxed();
    if !filter.states.is_empty() {
        query = query.filter(review_items::state.eq_any(&filter.states));
    }
    if let Some(reviewer) = &filter.reviewer {
        query = query.filter(review_items::reviewer.eq(reviewer));
    }
    if let Some(by) = &filter.drafted_by {
        query = query.filter(review_items::draft_by.eq(by)).filter(review_items::draft.is_not_null());
    }
    if filter.revocation_drafted {
        query = query.filter(review_items::draft.eq(Decision::Revoke));
    }
    if filter.unverified {
        query = query.filter(review_items::verified_at.is_null());
    }
    if filter.drafted {
        query = query.filter(review_items::draft.is_not_null());
    }
    if filter.without_effect {
        query = query.filter(review_items::applied_revision.is_null());
    }
    if let Some(authority) = filter.authority {
        query = query.filter(review_items::authority.eq(authority));
    }
    query
}

/// Items that match, riskiest first, from the one after the place `after`.
pub(in crate::reviews) fn items(
    reader: &mut Reader<'_>,
    campaign: &CampaignId,
    filter: &ItemFilter,
    after: Option<(i32, ItemId)>,
    limit: i64,
) -> Result<Vec<Item>> {
    let mut query = narrowed(campaign, filter);
    if let Some((risk, id)) = after {
        let same = review_items::risk.eq(risk).and(review_items::id.gt(id));
        query = query.filter(review_items::risk.gt(risk).or(same));
    }
    let rows: Vec<ItemRow> = query
        .order((review_items::risk.asc(), review_items::id.asc()))
        .limit(limit)
        .select(review_items::all_columns)
        .load(reader.connection)?;
    rows.into_iter().map(ItemRow::read).collect()
}

pub(in crate::reviews) fn count_items(
    reader: &mut Reader<'_>,
    campaign: &CampaignId,
    filter: &ItemFilter,
) -> Result<u64> {
    let count: i64 = narrowed(campaign, filter).count().get_result(reader.connection)?;
    Ok(count.unsigned_abs())
}

pub(in crate::reviews) fn find_item(
    reader: &mut Reader<'_>,
    campaign: &CampaignId,
    id: &ItemId,
) -> Result<Option<Item>> {
    let row: Option<ItemRow> = review_items::table
        .find(id)
        .filter(review_items::campaign.eq(campaign))
        .select(review_items::all_columns)
        .first(reader.connection)
        .optional()?;
    row.map(ItemRow::read).transpose()
}

/// An item, whatever campaign it belongs to.
pub(in crate::reviews) fn find_item_of_any(reader: &mut Reader<'_>, id: &ItemId) -> Result<Option<Item>> {
    let row: Option<ItemRow> =
        review_items::table.find(id).select(review_items::all_columns).first(reader.connection).optional()?;
    row.map(ItemRow::read).transpose()
}

/// The grants of these that already have an item in the campaign.
pub(in crate::reviews) fn already_items(
    reader: &mut Reader<'_>,
    campaign: &CampaignId,
    of: &[GrantId],
) -> Result<Vec<GrantId>> {
    Ok(review_items::table
        .filter(review_items::campaign.eq(campaign))
        .filter(review_items::grant_id.eq_any(of))
        .select(review_items::grant_id)
        .load(reader.connection)?)
}

/// Writes what can change of an item.
pub(in crate::reviews) fn update_item(tx: &mut Tx<'_>, item: &Item) -> Result<()> {
    let draft = item.draft.as_ref();
    let decided = item.decided.as_ref();
    let decision = Decision::parse(item.state.as_str());
    diesel::update(review_items::table.find(&item.id))
        .set((
            review_items::reviewer.eq(&item.reviewer),
            review_items::authority.eq(item.authority),
            review_items::state.eq(item.state),
            review_items::grant_revision.eq(item.grant_revision.cast_signed()),
            (
                review_items::draft.eq(draft.map(|draft| draft.decision)),
                review_items::draft_by.eq(draft.map(|draft| &draft.by)),
                review_items::draft_reason.eq(draft.and_then(|draft| draft.reason.as_ref())),
                review_items::draft_until.eq(draft.and_then(|draft| draft.until)),
                review_items::drafted_at.eq(draft.map(|draft| draft.at)),
            ),
            (
                review_items::decision.eq(decision),
                review_items::decided_by.eq(decided.map(|decided| &decided.by)),
                review_items::decided_at.eq(decided.map(|decided| decided.at)),
                review_items::reason.eq(decided.and_then(|decided| decided.reason.as_ref())),
                review_items::keep_until.eq(decided.and_then(|decided| decided.until)),
            ),
            review_items::applied_revision.eq(item.applied_revision.map(u64::cast_signed)),
            review_items::verified_at.eq(item.verified.map(|(at, _)| at)),
            review_items::verified_revision.eq(item.verified.map(|(_, revision)| revision.cast_signed())),
            review_items::revision.eq(item.revision.cast_signed()),
        ))
        .execute(tx.connection)?;
    Ok(())
}

const OPEN: [ItemState; 2] = [ItemState::Pending, ItemState::Conflicted];

/// How many items of a campaign there are of each application and state.
pub(in crate::reviews) fn tally(
    reader: &mut Reader<'_>,
    campaign: &CampaignId,
) -> Result<Vec<(String, ItemState, u64)>> {
    let rows: Vec<(String, ItemState, i64)> = review_items::table
        .filter(review_items::campaign.eq(campaign))
        .group_by((review_items::application, review_items::state))
        .select((review_items::application, review_items::state, diesel::dsl::count_star()))
        .order((review_items::application, review_items::state))
        .load(reader.connection)?;
    Ok(rows
        .into_iter()
        .map(|(application, state, count)| (application, state, count.unsigned_abs()))
        .collect())
}

/// How many open items wait for a reviewer.
pub(in crate::reviews) fn count_waiting(reader: &mut Reader<'_>, reviewer: &AccountId) -> Result<u64> {
    let count: i64 = review_items::table
        .filter(review_items::reviewer.eq(reviewer))
        .filter(review_items::state.eq_any(OPEN))
        .count()
        .get_result(reader.connection)?;
    Ok(count.unsigned_abs())
}

/// Open items whose grant is over.
pub(in crate::reviews) fn items_of_ended_grants(
    reader: &mut Reader<'_>,
    campaign: &CampaignId,
    limit: i64,
) -> Result<Vec<Item>> {
    let now = reader.now;
    let over = grants::state.ne_all(["active", "suspended"]).or(grants::expires_at.le(now).assume_not_null());
    let rows: Vec<ItemRow> = review_items::table
        .inner_join(grants::table)
        .filter(review_items::campaign.eq(campaign))
        .filter(review_items::state.eq_any(OPEN))
        .filter(over)
        .order(review_items::id)
        .limit(limit)
        .select(review_items::all_columns)
        .load(reader.connection)?;
    rows.into_iter().map(ItemRow::read).collect()
}

/// Open items whose reviewer is not in use any more.
pub(in crate::reviews) fn items_of_absent_reviewers(
    reader: &mut Reader<'_>,
    campaign: &CampaignId,
    limit: i64,
) -> Result<Vec<Item>> {
    let now = reader.now;
    let absent = accounts::state.ne("active").or(accounts::ends_at.le(now).assume_not_null());
    let rows: Vec<ItemRow> = review_items::table
        .inner_join(accounts::table.on(accounts::id.nullable().eq(review_items::reviewer)))
        .filter(review_items::campaign.eq(campaign))
        .filter(review_items::state.eq_any(OPEN))
        .filter(absent)
        .order(review_items::id)
        .limit(limit)
        .select(review_items::all_columns)
        .load(reader.connection)?;
    rows.into_iter().map(ItemRow::read).collect()
}
