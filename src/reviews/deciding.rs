//! Deciding: drafts in pencil, signing in ink, and "revoke now", which is both at once.
//!
//! Rules: only the item's reviewer decides; an answer that needs a reason has one before it is signed; signing takes
//! the caller's own drafts and applies at once what still stands as they saw it, the rest comes back. May call
//! `access::grants`, `provisioning` for what has to be taken away elsewhere.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::store::{self, ItemFilter};
use super::{Authority, Campaign, CampaignState, Decided, Decision, Draft, Item, ItemState, Recommendation};
use crate::access::catalogue::Class;
use crate::access::grants::{self, Grant, GrantState};
use crate::access::importing;
use crate::app::{App, Written};
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::{Error, FieldError, Result};
use crate::exceptions::own::{self, Matter};
use crate::ids::{AccountId, CampaignId, ItemId};
use crate::log::append::next_revision;
use crate::log::event::Change;
use crate::provisioning::tasks::Origin;
use crate::provisioning::{self, holdings};
use crate::vault;

/// The most answers that one call may carry.
pub const MOST: usize = 1_000;
/// How many items are signed in one transaction.
const CHUNK: usize = 100;

/// One answer as it comes from a page or a caller.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ItemAnswer)]
pub struct Answer {
    /// Which item.
    pub item: ItemId,
    /// The answer; none takes the draft back.
    #[serde(default)]
    pub decision: Option<Decision>,
    /// Why.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub reason: Option<String>,
    /// Until when the grant is to stay; only with `keep_until`.
    #[serde(default)]
    pub keep_until: Option<Timestamp>,
}

/// What became of one answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Outcome {
    /// Which item.
    pub item: ItemId,
    /// `drafted`, `withdrawn`, `applied`, `waits`, `returned` or `refused`.
    pub outcome: &'static str,
    /// What is wrong, if something is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<FieldError>,
}

impl Outcome {
    fn new(item: &ItemId, outcome: &'static str) -> Self {
        Self { item: item.clone(), outcome, errors: Vec::new() }
    }

    fn refused(item: &ItemId, outcome: &'static str, error: Error) -> Result<Self> {
        let errors = match error {
            Error::Invalid(errors) => errors,
            internal @ Error::Internal(_) => return Err(internal),
            other => vec![FieldError { field: "item".to_owned(), detail: other.to_string(), clause: None }],
        };
        Ok(Self { item: item.clone(), outcome, errors })
    }
}

/// What signing brought about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct SignedOff {
    /// How many answers took effect.
    pub applied: u64,
    /// How many were decisions about oneself, to which anybody may object for a day.
    pub waiting: u64,
    /// Answers that did not: the grant had changed, or a reason is missing. They are open again.
    pub returned: Vec<Outcome>,
}

/// Drafts answers: nothing takes effect. Each answer stands for itself.
///
/// # Errors
/// [`Error::NotFound`] or [`Error::Conflict`] about the campaign; [`Error::Invalid`] for too many answers.
pub fn draft(tx: &mut Tx<'_>, campaign: &CampaignId, answers: &[Answer]) -> Result<Vec<Outcome>> {
    if answers.len() > MOST {
        return Err(Error::field("decisions", format!("may hold {MOST} at most")));
    }
    let reviewer = reviewer(tx)?;
    deciding_campaign(tx, campaign)?;
    let mut outcomes = Vec::with_capacity(answers.len());
    for answer in answers {
        let drafted = tx.savepoint(|tx| draft_one(tx, campaign, &reviewer, answer));
        outcomes.push(match drafted {
            Ok(outcome) => outcome,
            Err(error) => Outcome::refused(&answer.item, "refused", error)?,
        });
    }
    Ok(outcomes)
}

fn draft_one(
    tx: &mut Tx<'_>,
    campaign: &CampaignId,
    reviewer: &AccountId,
    answer: &Answer,
) -> Result<Outcome> {
    let mut item = own_item(tx, campaign, reviewer, &answer.item)?;
    let Some(decision) = answer.decision else {
        item.draft = None;
        save(tx, &mut item)?;
        tx.record(Change::ItemDrafted { campaign: campaign.clone(), item: item.id.clone(), draft: None });
        return Ok(Outcome::new(&item.id, "withdrawn"));
    };
    let until = checked_until(tx.now, decision, answer.keep_until)?;
    let reason = match answer.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty()) {
        Some(text) => Some(vault::keep(tx, grants::checked_reason(text)?)?),
        // The same answer again keeps the reason that was given with it.
        None => item.draft.take().filter(|draft| draft.decision == decision).and_then(|draft| draft.reason),
    };
    item.draft = Some(Draft { decision, by: reviewer.clone(), reason, until, at: tx.now });
    save(tx, &mut item)?;
    tx.record(Change::ItemDrafted {
        campaign: campaign.clone(),
        item: item.id.clone(),
        draft: Some(decision.to_string()),
    });
    Ok(Outcome::new(&item.id, "drafted"))
}

fn checked_until(now: Timestamp, decision: Decision, until: Option<Timestamp>) -> Result<Option<Timestamp>> {
    match (decision, until) {
        (Decision::KeepUntil, None) => {
            Err(Error::field("keep_until", "says until when the grant is to stay"))
        }
        (Decision::KeepUntil, Some(until)) if until <= now => {
            Err(Error::field("keep_until", "must lie ahead"))
        }
        (Decision::KeepUntil, until) => Ok(until),
        (_, Some(_)) => Err(Error::field("keep_until", "goes with the decision keep_until only")),
        (_, None) => Ok(None),
    }
}

/// Signs the caller's drafts of a campaign: all of them, or those named. Stands on a blocking thread.
///
/// # Errors
/// [`Error::NotFound`] or [`Error::Conflict`] about the campaign.
pub fn sign_off(
    app: &App,
    caller: &Caller,
    campaign: &CampaignId,
    only: Option<&[ItemId]>,
) -> Result<Written<SignedOff>> {
    let drafted = app.read_now(|reader| {
        let account = caller.account().cloned().ok_or(Error::Unauthenticated)?;
        deciding_campaign(reader, campaign)?;
        own_drafts(reader, campaign, account, only)
    })?;
    let mut signed = SignedOff::default();
    let mut revision = app.applied();
    for chunk in drafted.chunks(CHUNK) {
        let done = app.write_now(caller, |tx| sign_chunk(tx, campaign, chunk))?;
        revision = done.revision;
        for outcome in done.value {
            match outcome.outcome {
                "applied" => signed.applied += 1,
                "waits" => signed.waiting += 1,
                _ => signed.returned.push(outcome),
            }
        }
    }
    let advanced = super::closing::advance(app, caller, campaign)?;
    Ok(Written { value: signed, revision: revision.max(advanced.revision) })
}

pub(super) fn own_drafts(
    reader: &mut crate::db::Reader<'_>,
    campaign: &CampaignId,
    account: AccountId,
    only: Option<&[ItemId]>,
) -> Result<Vec<ItemId>> {
    let filter = ItemFilter {
        drafted_by: Some(account),
        states: vec![ItemState::Pending, ItemState::Conflicted],
        ..ItemFilter::default()
    };
    let mut ids = Vec::new();
    let mut after = None;
    loop {
        let page = store::items(reader, campaign, &filter, after, 1_000)?;
        let Some(last) = page.last() else { return Ok(ids) };
        after = Some((last.risk, last.id.clone()));
        ids.extend(
            page.into_iter().map(|item| item.id).filter(|id| only.is_none_or(|only| only.contains(id))),
        );
    }
}

fn sign_chunk(tx: &mut Tx<'_>, campaign: &CampaignId, ids: &[ItemId]) -> Result<Vec<Outcome>> {
    let reviewer = reviewer(tx)?;
    deciding_campaign(tx, campaign)?;
    let mut outcomes = Vec::with_capacity(ids.len());
    for id in ids {
        let applied = tx.savepoint(|tx| {
            let item = own_item(tx, campaign, &reviewer, id)?;
            sign(tx, item)
        });
        outcomes.push(match applied {
            Ok(outcome) => outcome,
            Err(error) => Outcome::refused(id, "returned", error)?,
        });
    }
    Ok(outcomes)
}

/// Decides one item for revocation and signs it, at once. Stands on a blocking thread.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] if the item is not the caller's; [`Error::Stale`] if the grant changed.
pub fn revoke_now(
    app: &App,
    caller: &Caller,
    campaign: &CampaignId,
    id: &ItemId,
    reason: Option<&str>,
) -> Result<Written<Outcome>> {
    let answer = Answer {
        item: id.clone(),
        decision: Some(Decision::Revoke),
        reason: reason.map(str::to_owned),
        keep_until: None,
    };
    let done = app.write_now(caller, |tx| {
        let reviewer = reviewer(tx)?;
        deciding_campaign(tx, campaign)?;
        draft_one(tx, campaign, &reviewer, &answer)?;
        let item = own_item(tx, campaign, &reviewer, id)?;
        match sign(tx, item)? {
            outcome if outcome.outcome == "returned" => Err(Error::Stale),
            outcome => Ok(outcome),
        }
    })?;
    let advanced = super::closing::advance(app, caller, campaign)?;
    Ok(Written { value: done.value, revision: done.revision.max(advanced.revision) })
}

/// Turns the draft of an item into ink.
fn sign(tx: &mut Tx<'_>, mut item: Item) -> Result<Outcome> {
    let Some(draft) = item.draft.clone() else { return Err(Error::Stale) };
    let grant = grants::find(tx, &item.grant)?;
    if !grant.lives(tx.now) {
        supersede(tx, item.clone())?;
        return Ok(Outcome::new(&item.id, "applied"));
    }
    if grant.revision != item.grant_revision {
        // The reviewer decided about something else than what is there now: it comes back, to be looked at again.
        item.draft = None;
        item.grant_revision = grant.revision;
        save(tx, &mut item)?;
        tx.record(Change::ItemDrafted {
            campaign: item.campaign.clone(),
            item: item.id.clone(),
            draft: None,
        });
        return Ok(Outcome::new(&item.id, "returned"));
    }
    needs_reason(tx, &item, &draft)?;
    first_word(tx, &item, &grant, &draft)?;
    if item.authority == Authority::Subject && draft.decision != Decision::Revoke {
        let reason = draft.reason.ok_or(Error::Stale)?;
        own::open(tx, Matter::ReviewItem, item.id.as_str(), &item.role, reason)?;
        return Ok(Outcome::new(&item.id, "waits"));
    }
    ink(tx, item, draft, &grant)
}

/// Applies an answer and writes it into the item.
fn ink(tx: &mut Tx<'_>, mut item: Item, draft: Draft, grant: &Grant) -> Result<Outcome> {
    let after = apply(tx, &item, grant, &draft)?;
    item.state = match draft.decision {
        Decision::Keep => ItemState::Keep,
        Decision::KeepUntil => ItemState::KeepUntil,
        Decision::Revoke => ItemState::Revoke,
    };
    item.decided =
        Some(Decided { by: draft.by.to_string(), at: tx.now, reason: draft.reason, until: draft.until });
    item.draft = None;
    item.applied_revision = Some(after.revision);
    save(tx, &mut item)?;
    record_decided(tx, &item);
    Ok(Outcome::new(&item.id, "applied"))
}

/// A decision about oneself whose day is over without an objection: false if there is nothing left that it could
/// bring about, because the item was decided or went to somebody else, or the grant changed.
pub(super) fn after_objections(tx: &mut Tx<'_>, id: &ItemId, by: &AccountId) -> Result<bool> {
    let Some(item) = store::find_item_of_any(tx, id)?.filter(|item| item.state.is_open()) else {
        return Ok(false);
    };
    let Some(draft) = item.draft.clone().filter(|draft| draft.by == *by) else { return Ok(false) };
    let grant = grants::find(tx, &item.grant)?;
    let stands = item.authority == Authority::Subject
        && grant.lives(tx.now)
        && grant.revision == item.grant_revision
        && deciding_campaign(tx, &item.campaign).is_ok();
    if stands {
        ink(tx, item, draft, &grant)?;
    }
    Ok(stands)
}

fn apply(tx: &mut Tx<'_>, item: &Item, grant: &Grant, draft: &Draft) -> Result<Grant> {
    match draft.decision {
        Decision::Revoke => {
            let ended = grants::revoke(tx, &grant.id, "review", None)?;
            provisioning::take_away(tx, &ended, &Origin::Review(item.campaign.clone()))?;
            Ok(ended)
        }
        Decision::Keep | Decision::KeepUntil => {
            if grant.state == GrantState::Suspended {
                grants::resume(tx, &grant.id, "review")?;
                provisioning::leave_alone(tx, &grant.id)?;
            }
            let until = match draft.until {
                Some(until) => Some(until),
                None => importing::end_when_kept(tx, grant)?,
            };
            grants::keep(tx, &grant.id, until, "review")
        }
    }
}

/// Keeping what came from a file and rests gives it: the word is neither with the one who brought it here nor with
/// the one who would have it.
fn first_word(tx: &mut Tx<'_>, item: &Item, grant: &Grant, draft: &Draft) -> Result<()> {
    let gives = draft.decision != Decision::Revoke
        && grant.state == GrantState::Suspended
        && grant.awaits_first_word();
    let label = tx.caller.label();
    if gives && (item.authority == Authority::Subject || holdings::brought_by(tx, &grant.id, &label)?) {
        let advice = "It came from a list and rests: keeping it would give it. Somebody else decides, neither who \
                      brought it here nor whose it is.";
        return Err(Error::forbidden("self-approval", advice));
    }
    Ok(())
}

/// Refuses an answer that an auditor could not understand alone: keeping customers' data, keeping against the advice,
/// deciding about oneself.
fn needs_reason(tx: &Tx<'_>, item: &Item, draft: &Draft) -> Result<()> {
    let keeps = draft.decision != Decision::Revoke;
    if item.authority == Authority::Subject {
        tx.caller.check_proof(tx.now)?;
    }
    let why = match () {
        () if item.authority == Authority::Subject => "deciding about yourself needs a reason",
        () if keeps && item.class == Class::Pii => "keeping access to customers' data needs a reason",
        () if keeps && item.recommendation == Recommendation::Revoke => {
            "keeping it against the advice needs a reason"
        }
        () => return Ok(()),
    };
    if draft.reason.is_none() { Err(Error::field_by_clause("reason", why, "E8.2")) } else { Ok(()) }
}

/// Closes an item that has nothing left to decide.
pub(super) fn supersede(tx: &mut Tx<'_>, mut item: Item) -> Result<()> {
    item.state = ItemState::Superseded;
    item.draft = None;
    save(tx, &mut item)?;
    tx.record(Change::ItemSuperseded { campaign: item.campaign, item: item.id, grant: item.grant });
    Ok(())
}

pub(super) fn record_decided(tx: &mut Tx<'_>, item: &Item) {
    tx.record(Change::ItemDecided {
        campaign: item.campaign.clone(),
        item: item.id.clone(),
        grant: item.grant.clone(),
        decision: item.state.to_string(),
        keep_until: item.decided.as_ref().and_then(|decided| decided.until),
    });
}

pub(super) fn save(tx: &mut Tx<'_>, item: &mut Item) -> Result<()> {
    item.revision = next_revision(tx)?;
    store::update_item(tx, item)
}

fn reviewer(tx: &Tx<'_>) -> Result<AccountId> {
    tx.caller.account().cloned().ok_or(Error::Unauthenticated)
}

fn own_item(tx: &mut Tx<'_>, campaign: &CampaignId, reviewer: &AccountId, id: &ItemId) -> Result<Item> {
    let item = store::find_item(tx, campaign, id)?.ok_or(Error::NotFound("item"))?;
    if item.reviewer.as_ref() != Some(reviewer) {
        return Err(Error::forbidden("not-your-item", "This item waits for somebody else."));
    }
    if !item.state.is_open() {
        return Err(Error::conflict("decided", "This item is decided already."));
    }
    if item.authority == Authority::Subject
        && let Some(open) = own::waiting(tx, Matter::ReviewItem, id.as_str())?
    {
        return Err(own::runs(&open));
    }
    Ok(item)
}

fn deciding_campaign(reader: &mut crate::db::Reader<'_>, id: &CampaignId) -> Result<Campaign> {
    let campaign = store::find_campaign(reader, id)?.ok_or(Error::NotFound("review"))?;
    match campaign.state {
        CampaignState::Active => Ok(campaign),
        CampaignState::Opening => Err(Error::conflict("opening", "This review is still being opened.")),
        _ => Err(Error::conflict("review-over", "Everything in this review is decided.")),
    }
}
