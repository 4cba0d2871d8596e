//! The end of a campaign: everything is decided, then seen to be gone, then closed with its report.
//!
//! Rules: a campaign closes only when every revocation and suspension was seen to have its effect: every living node
//! has applied it, and the decision point, asked for each permission of the role, does not answer yes by that grant.
//! In a system that does not ask here its tasks must be verified; those that hang past their deadline are carried on.
//! What decided about itself, or could not be suspended, makes it `closed_with_exceptions`. May call `decision`.

use super::deciding::save;
use super::store::{self, ItemFilter};
use super::{Authority, Campaign, CampaignState, Item, ItemState, report};
use crate::app::{App, Written};
use crate::caller::Caller;
use crate::db::Tx;
use crate::decision::effect;
use crate::error::{Error, Result};
use crate::ids::{CampaignId, ItemId};
use crate::log::append::next_revision;
use crate::log::event::Change;
use crate::provisioning::tasks::lists;

/// How many items are verified in one transaction.
const CHUNK: i64 = 200;

/// The states whose effect must be seen.
const WITH_EFFECT: [ItemState; 2] = [ItemState::Revoke, ItemState::NoResponse];

/// Moves a campaign on as far as it goes now: to `verifying` once nothing is open, to its close once everything is
/// verified. Stands on a blocking thread; can be repeated.
///
/// # Errors
/// [`Error::NotFound`]; whatever the database returns.
pub fn advance(app: &App, caller: &Caller, id: &CampaignId) -> Result<Written<Campaign>> {
    verify(app, caller, id)?;
    let campaign =
        app.read_now(|reader| store::find_campaign(reader, id)?.ok_or(Error::NotFound("review")))?;
    let open = app.read_now(|reader| {
        let filter =
            ItemFilter { states: vec![ItemState::Pending, ItemState::Conflicted], ..ItemFilter::default() };
        store::count_items(reader, id, &filter)
    })?;
    if campaign.state.is_closed() || campaign.state == CampaignState::Opening || open > 0 {
        return Ok(Written { revision: app.applied(), value: campaign });
    }
    if campaign.state == CampaignState::Active {
        app.write_now(caller, |tx| decided(tx, id))?;
    }
    if something_waits(app, id)? {
        let campaign =
            app.read_now(|reader| store::find_campaign(reader, id)?.ok_or(Error::NotFound("review")))?;
        return Ok(Written { revision: app.applied(), value: campaign });
    }
    let evidence = app.read_now(|reader| report::evidence(reader, id))?;
    app.write_now(caller, |tx| close(tx, id, &evidence))
}

fn unverified() -> ItemFilter {
    ItemFilter { states: WITH_EFFECT.to_vec(), unverified: true, ..ItemFilter::default() }
}

/// Everything is decided: what was revoked takes effect, and is verified from here on.
fn decided(tx: &mut Tx<'_>, id: &CampaignId) -> Result<()> {
    let mut campaign = store::find_campaign(tx, id)?.ok_or(Error::NotFound("review"))?;
    if campaign.state != CampaignState::Active {
        return Ok(());
    }
    // Decisions take effect as they are signed, so remediation is over when the last one is made.
    for to in [CampaignState::Remediating, CampaignState::Verifying] {
        let from = std::mem::replace(&mut campaign.state, to);
        tx.record(Change::CampaignStateChanged {
            campaign: id.clone(),
            from: from.to_string(),
            to: to.to_string(),
        });
    }
    campaign.revision = next_revision(tx)?;
    store::update_campaign(tx, &campaign)
}

/// Asks for the effect of every decision that has not been seen yet.
fn verify(app: &App, caller: &Caller, id: &CampaignId) -> Result<()> {
    let mut after = None;
    loop {
        let page = app.read_now(|reader| store::items(reader, id, &unverified(), after.clone(), CHUNK))?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some((last.risk, last.id.clone()));
        let mut seen = Vec::new();
        for item in page {
            if let Some(revision) = effect_of(app, &item)? {
                seen.push((item.id, revision));
            }
        }
        if !seen.is_empty() {
            app.write_now(caller, |tx| mark(tx, id, &seen))?;
        }
    }
}

/// Whether an item waits for its effect. One whose tasks by hand had their time and hang waits no more: it is an
/// exception, and its tasks go on without the campaign.
fn something_waits(app: &App, id: &CampaignId) -> Result<bool> {
    let mut after = None;
    loop {
        let page = app.read_now(|reader| store::items(reader, id, &unverified(), after.clone(), CHUNK))?;
        let Some(last) = page.last() else { return Ok(false) };
        after = Some((last.risk, last.id.clone()));
        for item in page {
            let hangs = app.read_now(|reader| {
                let now = reader.now;
                let mut tasks = lists::of_grant(reader, &item.grant)?;
                tasks.retain(|task| task.state.is_unfinished());
                Ok(!tasks.is_empty() && tasks.iter().all(|task| task.is_overdue(now)))
            })?;
            if !hangs || effect::gone(app, &item.account, &item.role, &item.grant)?.is_none() {
                return Ok(true);
            }
        }
    }
}

/// The revision at which an item's decision was seen to have its effect; none if it is not seen yet.
fn effect_of(app: &App, item: &Item) -> Result<Option<u64>> {
    // What the floor kept in use has no effect to wait for: it is an exception of the report.
    let Some(applied) = item.applied_revision else { return Ok(Some(app.applied())) };
    let (everywhere, tasks) =
        app.read_now(|reader| Ok((app.everywhere(reader, applied)?, lists::of_grant(reader, &item.grant)?)))?;
    if !everywhere || tasks.iter().any(|task| task.state.is_unfinished()) {
        return Ok(None);
    }
    effect::gone(app, &item.account, &item.role, &item.grant)
}

fn mark(tx: &mut Tx<'_>, campaign: &CampaignId, seen: &[(ItemId, u64)]) -> Result<()> {
    for (id, revision) in seen {
        let Some(mut item) = store::find_item(tx, campaign, id)?.filter(|item| item.verified.is_none())
        else {
            continue;
        };
        item.verified = Some((tx.now, *revision));
        save(tx, &mut item)?;
        tx.record(Change::ItemVerified {
            campaign: campaign.clone(),
            item: id.clone(),
            verified_revision: *revision,
        });
    }
    Ok(())
}

fn close(tx: &mut Tx<'_>, id: &CampaignId, evidence: &report::Evidence) -> Result<Campaign> {
    let mut campaign = store::find_campaign(tx, id)?.ok_or(Error::NotFound("review"))?;
    if campaign.state.is_closed() {
        return Ok(campaign);
    }
    let exceptions = [
        ItemFilter { authority: Some(Authority::Subject), ..ItemFilter::default() },
        ItemFilter { states: vec![ItemState::NoResponse], without_effect: true, ..ItemFilter::default() },
        unverified(),
    ];
    let mut count = 0;
    for filter in &exceptions {
        count += store::count_items(tx, id, filter)?;
    }
    campaign.state = if count > 0 { CampaignState::ClosedWithExceptions } else { CampaignState::Closed };
    campaign.closed_at = Some(tx.now);
    campaign.report = Some(evidence.text()?);
    campaign.revision = next_revision(tx)?;
    store::update_campaign(tx, &campaign)?;
    tx.record(Change::CampaignClosed {
        campaign: id.clone(),
        state: campaign.state.to_string(),
        digest: evidence.digest()?,
    });
    Ok(campaign)
}
