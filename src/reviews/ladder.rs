//! What follows from silence, and what keeps a campaign moving: the work of the jobs.
//!
//! Rules: at the due date an item goes to the next authority and a drafted revocation suspends; at the last day what
//! nobody decided is suspended (E8.2), unless the floor needs the grant, which becomes an exception; an item follows
//! its grant's end and its reviewer's leaving at once. Each step is a short transaction and can be repeated.

use super::calendar::{self, Cadence};
use super::deciding::{after_objections, record_decided, save, supersede};
use super::reviewers::Reviewers;
use super::store::{self, ItemFilter};
use super::{
    Authority, Campaign, CampaignScope, CampaignState, Decided, Item, ItemState, Origin, closing, opening,
};
use crate::access::grants::{self, GrantState};
use crate::app::App;
use crate::caller::Caller;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::exceptions::own::{self, Matter};
use crate::ids::ItemId;
use crate::jobs::Lease;
use crate::log::event::Change;
use crate::provisioning::tasks;
use crate::{organisation, provisioning, vault};

/// How many items one transaction takes.
const CHUNK: i64 = 100;
/// How many campaigns are looked at in one run.
const CAMPAIGNS: i64 = 100;

/// Opens the campaign of the current period if it is due and has none. A house that was set up after the period's
/// opening begins with the next one.
///
/// # Errors
/// Whatever the database returns.
pub fn open_due(app: &App, lease: &Lease) -> Result<String> {
    let caller = Caller::house("reviews.open");
    let due = app.read_now(|reader| {
        let organisation = organisation::get(reader)?;
        let Some(begun) = organisation.set_up_at else { return Ok(None) };
        let (now, cadence) = (reader.now, Cadence::of(reader.profile().review().cadence));
        let period = calendar::period(cadence, organisation.time_zone, begun, now);
        let open =
            period.opens_at <= now && begun < period.opens_at && !store::has_period(reader, &period.key)?;
        Ok(open.then_some(period))
    })?;
    let Some(period) = due else { return Ok("nothing due".to_owned()) };
    let now = app.context().clock.now();
    let new = opening::NewCampaign {
        name: format!("Review {}", period.key),
        origin: Origin::Cadence,
        period: Some(period.key),
        scope: CampaignScope::default(),
        dates: calendar::dates(now, period.ends_at),
    };
    let begun = app.write_now(&caller, |tx| {
        lease.check(tx)?;
        opening::begin(tx, &new)
    })?;
    let opened = opening::fill(app, &caller, &begun.value.id)?;
    Ok(format!("opened with {} items", opened.value.population))
}

/// Keeps every campaign that is not closed moving.
///
/// # Errors
/// Whatever the database returns.
pub fn tend(app: &App, lease: &Lease) -> Result<String> {
    let caller = Caller::house("reviews.tend");
    let mut moved = steps(app, &caller, lease, take_effect)?;
    for state in
        [CampaignState::Opening, CampaignState::Active, CampaignState::Remediating, CampaignState::Verifying]
    {
        let campaigns = app.read_now(|reader| store::campaigns(reader, Some(state), None, CAMPAIGNS))?;
        for campaign in campaigns {
            match state {
                CampaignState::Opening => match opening::fill(app, &caller, &campaign.id) {
                    // Another node, or the caller who opened it, was quicker.
                    Ok(_) | Err(Error::Stale) => {}
                    Err(error) => return Err(error),
                },
                CampaignState::Active => moved += tend_active(app, &caller, lease, &campaign)?,
                _ => {}
            }
            closing::advance(app, &caller, &campaign.id)?;
        }
    }
    Ok(format!("{moved} items moved"))
}

/// Decisions about oneself to which nobody objected for a day take effect.
fn take_effect(tx: &mut Tx<'_>) -> Result<usize> {
    let due = own::due(tx, Matter::ReviewItem, CHUNK)?;
    let count = due.len();
    for decision in due {
        let brought_about = tx.savepoint(|tx| match ItemId::parse(&decision.thing) {
            Some(item) => after_objections(tx, &item, &decision.account),
            None => Ok(false),
        });
        let took_effect = match brought_about {
            Ok(took_effect) => took_effect,
            Err(error @ (Error::Internal(_) | Error::Unavailable(..))) => return Err(error),
            Err(_) => false,
        };
        own::settle(tx, decision, took_effect)?;
    }
    Ok(count)
}

fn tend_active(app: &App, caller: &Caller, lease: &Lease, campaign: &Campaign) -> Result<usize> {
    let now = app.context().clock.now();
    let mut moved = steps(app, caller, lease, |tx| follow_grants(tx, campaign))?;
    if now >= campaign.suspends_at {
        moved += steps(app, caller, lease, |tx| end_silence(tx, campaign))?;
        return Ok(moved);
    }
    moved += steps(app, caller, lease, |tx| replace_reviewers(tx, campaign))?;
    if now >= campaign.due_at {
        moved += steps(app, caller, lease, |tx| suspend_drafted(tx, campaign))?;
        moved += steps(app, caller, lease, |tx| escalate(tx, campaign))?;
    }
    Ok(moved)
}

/// Repeats a step, each time in a transaction of its own, until it finds nothing more to do.
fn steps(
    app: &App,
    caller: &Caller,
    lease: &Lease,
    mut step: impl FnMut(&mut Tx<'_>) -> Result<usize>,
) -> Result<usize> {
    let mut total = 0;
    loop {
        let done = app.write_now(caller, |tx| {
            lease.check(tx)?;
            step(tx)
        })?;
        if done.value == 0 {
            return Ok(total);
        }
        total += done.value;
    }
}

/// Items whose grant ended in some other way have nothing left to decide.
fn follow_grants(tx: &mut Tx<'_>, campaign: &Campaign) -> Result<usize> {
    let gone = store::items_of_ended_grants(tx, &campaign.id, CHUNK)?;
    let count = gone.len();
    for item in gone {
        supersede(tx, item)?;
    }
    Ok(count)
}

/// Items of a reviewer who is gone go to whoever decides now.
fn replace_reviewers(tx: &mut Tx<'_>, campaign: &Campaign) -> Result<usize> {
    let waiting = store::items_of_absent_reviewers(tx, &campaign.id, CHUNK)?;
    let mut reviewers = Reviewers::default();
    let mut moved = 0;
    for item in waiting {
        let (reviewer, authority) = reviewers.find(tx, &item.account, &item.application)?;
        if item.reviewer.as_ref() != Some(&reviewer) {
            reassign(tx, item, reviewer, authority)?;
            moved += 1;
        }
    }
    Ok(moved)
}

/// After the due date an item of a manager who did not answer goes to the owner or a fallback.
fn escalate(tx: &mut Tx<'_>, campaign: &Campaign) -> Result<usize> {
    let filter = ItemFilter {
        states: vec![ItemState::Pending],
        authority: Some(Authority::Manager),
        ..ItemFilter::default()
    };
    let mut reviewers = Reviewers::default();
    first_page_that_moves(tx, campaign, &filter, |tx, item| {
        let next = reviewers.next(tx, &item.account, &item.application, item.reviewer.as_ref())?;
        let Some((reviewer, authority)) = next else { return Ok(false) };
        reassign(tx, item, reviewer, authority)?;
        Ok(true)
    })
}

/// Goes through the items that match, a page at a time, until a page had something to move; returns how many moved.
fn first_page_that_moves(
    tx: &mut Tx<'_>,
    campaign: &Campaign,
    filter: &ItemFilter,
    mut step: impl FnMut(&mut Tx<'_>, Item) -> Result<bool>,
) -> Result<usize> {
    let (mut moved, mut after) = (0, None);
    loop {
        let page = store::items(tx, &campaign.id, filter, after, CHUNK)?;
        let Some(last) = page.last() else { return Ok(moved) };
        after = Some((last.risk, last.id.clone()));
        for item in page {
            moved += usize::from(step(tx, item)?);
        }
        if moved > 0 {
            return Ok(moved);
        }
    }
}

fn reassign(
    tx: &mut Tx<'_>,
    mut item: Item,
    reviewer: crate::ids::AccountId,
    authority: Authority,
) -> Result<()> {
    item.reviewer = Some(reviewer.clone());
    item.authority = authority;
    item.draft = None;
    item.state = if authority == Authority::Subject { ItemState::Conflicted } else { ItemState::Pending };
    save(tx, &mut item)?;
    tx.record(Change::ItemReassigned {
        campaign: item.campaign,
        item: item.id,
        reviewer: Some(reviewer),
        authority: authority.to_string(),
    });
    Ok(())
}

/// A revocation that was drafted and never signed lets the grant rest from the due date on.
fn suspend_drafted(tx: &mut Tx<'_>, campaign: &Campaign) -> Result<usize> {
    let filter = ItemFilter {
        states: vec![ItemState::Pending, ItemState::Conflicted],
        revocation_drafted: true,
        ..ItemFilter::default()
    };
    first_page_that_moves(tx, campaign, &filter, |tx, mut item| {
        if grants::find(tx, &item.grant)?.state != GrantState::Active {
            return Ok(false);
        }
        let resting = match tx.savepoint(|tx| grants::suspend(tx, &item.grant, "review: drafted")) {
            Ok(resting) => resting,
            // The floor needs it: it stays until somebody signs.
            Err(Error::Conflict(..)) => return Ok(false),
            Err(error) => return Err(error),
        };
        item.grant_revision = resting.revision;
        save(tx, &mut item)?;
        Ok(true)
    })
}

/// What nobody decided is suspended on the last day; silence is never a yes.
fn end_silence(tx: &mut Tx<'_>, campaign: &Campaign) -> Result<usize> {
    let filter =
        ItemFilter { states: vec![ItemState::Pending, ItemState::Conflicted], ..ItemFilter::default() };
    let silent = store::items(tx, &campaign.id, &filter, None, CHUNK)?;
    let count = silent.len();
    for mut item in silent {
        let suspended = tx.savepoint(|tx| grants::suspend(tx, &item.grant, "review: no response"));
        let reason = match suspended {
            Ok(grant) => {
                let origin = tasks::Origin::Review(item.campaign.clone());
                provisioning::take_away(tx, &grant, &origin)?;
                item.applied_revision = Some(grant.revision);
                None
            }
            Err(Error::Conflict(_, detail)) => Some(vault::keep(tx, &detail)?),
            Err(error) => return Err(error),
        };
        item.state = ItemState::NoResponse;
        item.draft = None;
        item.decided = Some(Decided { by: tx.caller.label(), at: tx.now, reason, until: None });
        save(tx, &mut item)?;
        record_decided(tx, &item);
    }
    Ok(count)
}
