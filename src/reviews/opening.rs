//! Opening a campaign: the population in one snapshot, its items in chunks, and one visible end.
//!
//! Rules: no chunk holds the log's lock for long; while items are being written the campaign is `opening` and nobody
//! decides; it becomes active in a last transaction that proves grants − items = 0. A node that dies in between leaves
//! an `opening` campaign, which the job takes up again: only grants without an item get one.

use chrono::Duration;

use super::reviewers::{Found, Reviewers};
use super::store::{self, ItemFilter, NewItem, Subject};
use super::{
    Authority, Campaign, CampaignScope, CampaignState, ItemState, Origin, advice, calendar, checked_name,
    closing,
};
use crate::access::roles;
use crate::accounts;
use crate::app::{App, Written};
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::db::batch;
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::ids::{CampaignId, GrantId, ItemId, TextId};
use crate::log::append::next_revision;
use crate::log::event::Change;
use crate::{provisioning, vault};

/// How many items are written in one transaction: some 20 ms of the log's lock.
const CHUNK: i64 = 500;
/// How long after its opening a campaign opened by hand is due at the latest.
const LONGEST: Duration = Duration::days(90);

/// What a campaign is to be.
#[derive(Debug, Clone)]
pub struct NewCampaign {
    /// Its name, as people read it.
    pub name: String,
    /// How it came about.
    pub origin: Origin,
    /// The period it stands for.
    pub period: Option<String>,
    /// What it looks at.
    pub scope: CampaignScope,
    /// Its dates.
    pub dates: calendar::Dates,
}

impl NewCampaign {
    /// A campaign that somebody opens by hand, due at `due_at`.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a name or date that does not do.
    pub fn by_hand(name: &str, scope: CampaignScope, due_at: Timestamp, now: Timestamp) -> Result<Self> {
        if due_at <= now {
            return Err(Error::field("due_at", "must lie ahead"));
        }
        if due_at > now.plus(LONGEST) {
            return Err(Error::field("due_at", format!("must be within {} days", LONGEST.num_days())));
        }
        let dates = calendar::dates_by_hand(now, due_at);
        Ok(Self { name: checked_name(name)?.to_owned(), origin: Origin::Hand, period: None, scope, dates })
    }
}

/// Opens a campaign and writes all its items. Stands on a blocking thread.
///
/// # Errors
/// [`Error::Invalid`] for a scope that names nothing; whatever the database returns.
pub fn open(app: &App, caller: &Caller, new: &NewCampaign) -> Result<Written<Campaign>> {
    let begun = app.write_now(caller, |tx| begin(tx, new))?;
    fill(app, caller, &begun.value.id)
}

/// The first transaction: the campaign is there, `opening`, without items.
///
/// # Errors
/// [`Error::Invalid`] for a scope that names nothing; [`Error::Conflict`] if the period has its campaign.
pub fn begin(tx: &mut Tx<'_>, new: &NewCampaign) -> Result<Campaign> {
    check_scope(tx, &new.scope)?;
    if let Some(period) = &new.period
        && store::has_period(tx, period)?
    {
        return Err(Error::conflict("period-reviewed", "This period has its review already."));
    }
    let name = vault::keep(tx, &new.name)?;
    let mut scope = new.scope.clone();
    if let Some(department) = &new.scope.department {
        scope.department = Some(vault::keep(tx, department.trim())?.to_string());
    }
    let revision = next_revision(tx)?;
    let campaign = Campaign {
        id: CampaignId::new(tx.now, tx.entropy()),
        name,
        origin: new.origin,
        period: new.period.clone(),
        scope,
        state: CampaignState::Opening,
        population_revision: revision,
        population: 0,
        opened_at: tx.now,
        due_at: new.dates.due_at,
        suspends_at: new.dates.suspends_at,
        closed_at: None,
        opened_by: tx.caller.label(),
        report: None,
        revision,
    };
    store::insert_campaign(tx, &campaign)?;
    tx.record(Change::CampaignOpened {
        campaign: campaign.id.clone(),
        origin: campaign.origin.to_string(),
        period: campaign.period.clone(),
    });
    Ok(campaign)
}

fn check_scope(reader: &mut Reader<'_>, scope: &CampaignScope) -> Result<()> {
    if let Some(app) = &scope.app {
        roles::application(reader, app)
            .map_err(|_| Error::field("scope.app", "there is no such application"))?;
    }
    if let Some(role) = &scope.role {
        roles::role(reader, role).map_err(|_| Error::field("scope.role", "there is no such role"))?;
    }
    if scope.department.as_ref().is_some_and(|department| department.chars().count() > 200) {
        return Err(Error::field("scope.department", "may have 200 characters at most"));
    }
    Ok(())
}

/// Reads the population of an `opening` campaign in one snapshot, writes the items that are missing, and activates it.
/// Stands on a blocking thread.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Stale`] if the campaign is past its opening.
pub fn fill(app: &App, caller: &Caller, id: &CampaignId) -> Result<Written<Campaign>> {
    let (revision, population) = app.read_now(|reader| {
        let campaign = opening_campaign(reader, id)?;
        let revision = crate::log::store::size(reader.connection)?;
        let mut reviewers = Reviewers::default();
        let mut population = 0;
        each_page(reader, &campaign.scope, |reader, page| {
            population += page.len() as u64;
            let items = with_reviewers(reader, &mut reviewers, page)?;
            app.write_now(caller, |tx| write_items(tx, id, &items)).map(drop)
        })?;
        Ok((revision, population))
    })?;
    let activated = app.write_now(caller, |tx| activate(tx, id, revision, population))?;
    if activated.value.population == 0 {
        return closing::advance(app, caller, id);
    }
    Ok(activated)
}

fn opening_campaign(reader: &mut Reader<'_>, id: &CampaignId) -> Result<Campaign> {
    let campaign = store::find_campaign(reader, id)?.ok_or(Error::NotFound("review"))?;
    if campaign.state == CampaignState::Opening { Ok(campaign) } else { Err(Error::Stale) }
}

fn each_page(
    reader: &mut Reader<'_>,
    scope: &CampaignScope,
    mut page_of: impl FnMut(&mut Reader<'_>, Vec<Subject>) -> Result<()>,
) -> Result<()> {
    let department = match scope.department.as_deref().and_then(TextId::parse) {
        Some(text) => {
            let text = vault::show(reader, &text)?;
            Some(accounts::department_indexes(reader.vault(), &text))
        }
        None => None,
    };
    let mut after = String::new();
    loop {
        let page = store::population(reader, scope, department.as_deref(), &after, CHUNK)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.grant.to_string();
        page_of(reader, page)?;
    }
}

/// A grant with its reviewer.
type Assigned = (Subject, Found);

fn with_reviewers(
    reader: &mut Reader<'_>,
    reviewers: &mut Reviewers,
    page: Vec<Subject>,
) -> Result<Vec<Assigned>> {
    let grants: Vec<GrantId> = page.iter().map(|subject| subject.grant.clone()).collect();
    let said = provisioning::last_uses(reader, &grants)?;
    page.into_iter()
        .map(|mut subject| {
            subject.said = said.get(&subject.grant).copied();
            let found = reviewers.find(reader, &subject.account, &subject.application)?;
            Ok((subject, found))
        })
        .collect()
}

fn write_items(tx: &mut Tx<'_>, campaign: &CampaignId, assigned: &[Assigned]) -> Result<()> {
    let grants: Vec<_> = assigned.iter().map(|(subject, _)| subject.grant.clone()).collect();
    let there = store::already_items(tx, campaign, &grants)?;
    let revision = next_revision(tx)?;
    let mut items = Vec::with_capacity(assigned.len());
    for (subject, reviewer) in assigned.iter().filter(|(subject, _)| !there.contains(&subject.grant)) {
        items.push(new_item(tx, campaign, subject, reviewer, revision)?);
    }
    store::insert_items(tx, &items)
}

fn new_item(
    tx: &Tx<'_>,
    campaign: &CampaignId,
    subject: &Subject,
    (reviewer, authority): &Found,
    revision: u64,
) -> Result<NewItem> {
    let known = advice::Known {
        integration: subject.integration,
        created_at: subject.created_at,
        used_at: subject.used_at,
        said: subject.said,
    };
    let advised = advice::of_use(&known, tx.now);
    let conflicted = *authority == Authority::Subject;
    Ok(NewItem {
        id: ItemId::new(tx.now, tx.entropy()),
        campaign: campaign.clone(),
        grant_id: subject.grant.clone(),
        account: subject.account.clone(),
        role: subject.role.clone(),
        application: subject.application.clone(),
        class: store::word_of(subject.class)?,
        risk: advice::risk(subject.class, advised.recommendation),
        scope: subject.scope.clone(),
        reviewer: Some(reviewer.clone()),
        authority: *authority,
        state: if conflicted { ItemState::Conflicted } else { ItemState::Pending },
        recommendation: advised.recommendation,
        used: advised.used,
        used_at: advised.used_at.map(batch::instant),
        grant_revision: subject.revision,
        revision,
    })
}

/// The last transaction: every grant of the population has its item, or the campaign stays `opening`.
fn activate(tx: &mut Tx<'_>, id: &CampaignId, revision: u64, population: u64) -> Result<Campaign> {
    let mut campaign = opening_campaign(tx, id)?;
    let items = store::count_items(tx, id, &ItemFilter::default())?;
    // Items of an earlier, broken-off opening may be about grants that ended since: they only add to the count.
    if items < population {
        return Err(Error::internal("opening a review", format!("{population} grants have {items} items")));
    }
    campaign.state = CampaignState::Active;
    campaign.population_revision = revision;
    campaign.population = items;
    campaign.revision = next_revision(tx)?;
    store::update_campaign(tx, &campaign)?;
    tx.record(Change::CampaignActivated {
        campaign: id.clone(),
        population_revision: revision,
        population,
        items,
    });
    Ok(campaign)
}
