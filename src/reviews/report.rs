//! The evidence of a campaign: what was to be looked at, that nothing was left out, and what became of each item.
//!
//! Rules: opaque ids only, so that the evidence can be shown to anybody; names are added at view time. The digest of
//! the evidence stands in the event that closes the campaign, and so under the log's signed checkpoints.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{Context, SHA256, digest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::store::{self, ItemFilter};
use super::{Campaign, CampaignScope, CampaignState, Item, ItemState};
use crate::clock::Timestamp;
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::ids::{CampaignId, GrantId};
use crate::provisioning::holdings;
use crate::provisioning::tasks::reconciling::BY_LIST;
use crate::provisioning::tasks::{Task, lists};

/// The counts of one system.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct System {
    /// The application's key.
    pub application: String,
    /// How many grants were looked at.
    pub items: u64,
    /// Kept as they are.
    pub kept: u64,
    /// Kept until a day.
    pub kept_until: u64,
    /// Revoked.
    pub revoked: u64,
    /// Not answered, and so suspended.
    pub no_response: u64,
    /// Ended in some other way meanwhile.
    pub superseded: u64,
    /// Not decided yet.
    pub open: u64,
    /// Logins with a role that the system's own list had while the campaign ran: matched and orphans.
    #[serde(default)]
    pub imported: u64,
    /// Those that belong to a grant.
    #[serde(default)]
    pub matched: u64,
    /// Those of nobody known.
    #[serde(default)]
    pub orphans: u64,
    /// Of what was taken away: seen to be gone there by a second person.
    #[serde(default)]
    pub confirmed_by_hand: u64,
    /// Of what was taken away: not in the system's next list any more.
    #[serde(default)]
    pub confirmed_by_list: u64,
    /// Of what was taken away: not confirmed, and carried on as a task.
    #[serde(default)]
    pub carried: u64,
}

/// The summary that is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Evidence {
    /// The campaign.
    pub campaign: CampaignId,
    /// Its period, if it stands for one.
    #[schema(required)]
    pub period: Option<String>,
    /// What it looked at.
    pub scope: CampaignScope,
    /// The question whose answer is the population, in words.
    pub population_query: String,
    /// The revision at which it was asked.
    pub population_revision: u64,
    /// How many grants it found.
    pub population: u64,
    /// How many items there are.
    pub items: u64,
    /// The subtraction: grants − items.
    pub difference: i64,
    /// The counts by system.
    pub systems: Vec<System>,
    /// SHA-256 over the canonical JSON of every item, one after the other in the order of the list, as hex.
    pub items_digest: String,
}

impl Evidence {
    /// Its canonical text (RFC 8785).
    ///
    /// # Errors
    /// [`Error::Internal`] if it cannot be written as JSON.
    pub fn text(&self) -> Result<String> {
        serde_json_canonicalizer::to_string(self).map_err(|cause| Error::internal("writing a report", cause))
    }

    /// SHA-256 over its canonical text, as hex.
    ///
    /// # Errors
    /// As [`Evidence::text`].
    pub fn digest(&self) -> Result<String> {
        Ok(hex::encode(digest(&SHA256, self.text()?.as_bytes())))
    }
}

/// One item as evidence: who decided what, when, and the revision at which it was seen to be gone.
#[derive(Serialize)]
struct Line<'a> {
    item: &'a str,
    grant: &'a str,
    account: &'a str,
    role: &'a str,
    state: ItemState,
    decided_by: Option<&'a str>,
    decided_at: Option<Timestamp>,
    verified_revision: Option<u64>,
}

impl<'a> Line<'a> {
    fn of(item: &'a Item) -> Self {
        Self {
            item: item.id.as_str(),
            grant: item.grant.as_str(),
            account: item.account.as_str(),
            role: &item.role,
            state: item.state,
            decided_by: item.decided.as_ref().map(|decided| decided.by.as_str()),
            decided_at: item.decided.as_ref().map(|decided| decided.at),
            verified_revision: item.verified.map(|(_, revision)| revision),
        }
    }
}

/// The population's question in words, as the report prints it.
pub fn population_query(scope: &CampaignScope) -> String {
    let mut query = "every grant that is active or suspended and not past its end".to_owned();
    let mut narrow = |what: &str, value: &str| {
        query.push_str(" and ");
        query.push_str(what);
        query.push_str(" = ");
        query.push_str(value);
    };
    if let Some(app) = &scope.app {
        narrow("application", app);
    }
    if let Some(role) = &scope.role {
        narrow("role", role);
    }
    if let Some(class) = scope.class {
        narrow("class", &store::word_of(class).unwrap_or_default());
    }
    if scope.department.is_some() {
        query.push_str(" and the department of the campaign");
    }
    query
}

/// The counts by system as they stand.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
fn systems(reader: &mut Reader<'_>, campaign: &Campaign) -> Result<BTreeMap<String, System>> {
    let mut systems: BTreeMap<String, System> = BTreeMap::new();
    for (application, state, count) in store::tally(reader, &campaign.id)? {
        let system = of(&mut systems, &application);
        system.items += count;
        *match state {
            ItemState::Keep => &mut system.kept,
            ItemState::KeepUntil => &mut system.kept_until,
            ItemState::Revoke => &mut system.revoked,
            ItemState::NoResponse => &mut system.no_response,
            ItemState::Superseded => &mut system.superseded,
            ItemState::Pending | ItemState::Conflicted => &mut system.open,
        } += count;
    }
    let scope = &campaign.scope;
    let whole = scope.class.is_none() && scope.role.is_none() && scope.department.is_none();
    if !whole {
        // A system's list knows neither classes nor departments: its numbers would not belong to this scope.
        return Ok(systems);
    }
    for (application, _) in holdings::newest_lists(reader)? {
        let (matched, orphans) = holdings::tally(reader, &application, campaign.opened_at)?;
        if matched + orphans > 0 && scope.app.as_ref().is_none_or(|app| *app == application) {
            let system = of(&mut systems, &application);
            (system.imported, system.matched, system.orphans) = (matched + orphans, matched, orphans);
        }
    }
    Ok(systems)
}

fn of<'s>(systems: &'s mut BTreeMap<String, System>, application: &str) -> &'s mut System {
    systems
        .entry(application.to_owned())
        .or_insert_with(|| System { application: application.to_owned(), ..System::default() })
}

/// What became of a page's revocations in systems that do not ask here.
fn count_tasks(reader: &mut Reader<'_>, page: &[Item], systems: &mut BTreeMap<String, System>) -> Result<()> {
    let taken = |item: &&Item| matches!(item.state, ItemState::Revoke | ItemState::NoResponse);
    let grants: Vec<GrantId> = page.iter().filter(taken).map(|item| item.grant.clone()).collect();
    let tasks = lists::of_grants(reader, &grants)?;
    for item in page.iter().filter(taken) {
        let Some(own) = tasks.get(&item.grant) else { continue };
        let system = of(systems, &item.application);
        let by_list = |task: &Task| task.verified.as_ref().is_some_and(|(by, ..)| by == BY_LIST);
        *match () {
            () if own.iter().any(|task| task.state.is_unfinished()) => &mut system.carried,
            () if own.iter().all(by_list) => &mut system.confirmed_by_list,
            () => &mut system.confirmed_by_hand,
        } += 1;
    }
    Ok(())
}

/// The evidence of a campaign as it stands in this snapshot.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Internal`] for a fault of the database.
pub fn evidence(reader: &mut Reader<'_>, id: &CampaignId) -> Result<Evidence> {
    let campaign = store::find_campaign(reader, id)?.ok_or(Error::NotFound("review"))?;
    let mut systems = systems(reader, &campaign)?;
    let mut hash = Context::new(&SHA256);
    let mut items = 0;
    let mut after = None;
    loop {
        let page = store::items(reader, id, &ItemFilter::default(), after, 1_000)?;
        let Some(last) = page.last() else { break };
        after = Some((last.risk, last.id.clone()));
        count_tasks(reader, &page, &mut systems)?;
        for item in &page {
            let line = serde_json_canonicalizer::to_vec(&Line::of(item))
                .map_err(|cause| Error::internal("writing a report", cause))?;
            hash.update(&line);
            items += 1;
        }
    }
    Ok(Evidence {
        campaign: campaign.id,
        period: campaign.period,
        population_query: population_query(&campaign.scope),
        scope: campaign.scope,
        population_revision: campaign.population_revision,
        population: campaign.population,
        items,
        difference: campaign.population.cast_signed() - items.cast_signed(),
        systems: systems.into_values().collect(),
        items_digest: hex::encode(hash.finish()),
    })
}

/// The evidence that was signed when the campaign closed.
///
/// # Errors
/// [`Error::Internal`] if it cannot be read back.
pub fn signed(campaign: &super::Campaign) -> Result<Option<Evidence>> {
    let closed = matches!(campaign.state, CampaignState::Closed | CampaignState::ClosedWithExceptions);
    let text = campaign.report.as_deref().filter(|_| closed);
    text.map(serde_json::from_str).transpose().map_err(|cause| Error::internal("reading a report", cause))
}
