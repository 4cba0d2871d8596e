//! Rows of campaigns.

use diesel::prelude::*;

use super::json;
use crate::clock::Timestamp;
use crate::db::schema::campaigns;
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::ids::{CampaignId, TextId};
use crate::reviews::{Campaign, CampaignState, Origin};

#[derive(Queryable)]
struct CampaignRow {
    id: CampaignId,
    name: TextId,
    origin: Origin,
    period: Option<String>,
    scope: String,
    state: CampaignState,
    population_revision: i64,
    population: i64,
    opened_at: Timestamp,
    due_at: Timestamp,
    suspends_at: Timestamp,
    closed_at: Option<Timestamp>,
    opened_by: String,
    report: Option<String>,
    revision: i64,
}

impl CampaignRow {
    fn read(self) -> Result<Campaign> {
        Ok(Campaign {
            scope: json(&self.scope)?,
            id: self.id,
            name: self.name,
            origin: self.origin,
            period: self.period,
            state: self.state,
            population_revision: self.population_revision.unsigned_abs(),
            population: self.population.unsigned_abs(),
            opened_at: self.opened_at,
            due_at: self.due_at,
            suspends_at: self.suspends_at,
            closed_at: self.closed_at,
            opened_by: self.opened_by,
            report: self.report,
            revision: self.revision.unsigned_abs(),
        })
    }
}

pub(in crate::reviews) fn find_campaign(
    reader: &mut Reader<'_>,
    id: &CampaignId,
) -> Result<Option<Campaign>> {
    let row: Option<CampaignRow> =
        campaigns::table.find(id).select(campaigns::all_columns).first(reader.connection).optional()?;
    row.map(CampaignRow::read).transpose()
}

pub(in crate::reviews) fn has_period(reader: &mut Reader<'_>, period: &str) -> Result<bool> {
    let count: i64 =
        campaigns::table.filter(campaigns::period.eq(period)).count().get_result(reader.connection)?;
    Ok(count > 0)
}

/// Campaigns, newest first, from the one before `before`.
pub(in crate::reviews) fn campaigns(
    reader: &mut Reader<'_>,
    state: Option<CampaignState>,
    before: Option<&str>,
    limit: i64,
) -> Result<Vec<Campaign>> {
    let mut query =
        campaigns::table.select(campaigns::all_columns).order(campaigns::id.desc()).limit(limit).into_boxed();
    if let Some(state) = state {
        query = query.filter(campaigns::state.eq(state));
    }
    if let Some(before) = before.and_then(CampaignId::parse) {
        query = query.filter(campaigns::id.lt(before));
    }
    let rows: Vec<CampaignRow> = query.load(reader.connection)?;
    rows.into_iter().map(CampaignRow::read).collect()
}

pub(in crate::reviews) fn insert_campaign(tx: &mut Tx<'_>, campaign: &Campaign) -> Result<()> {
    let scope =
        serde_json::to_string(&campaign.scope).map_err(|cause| Error::internal("writing a scope", cause))?;
    diesel::insert_into(campaigns::table)
        .values((
            campaigns::id.eq(&campaign.id),
            campaigns::name.eq(&campaign.name),
            campaigns::origin.eq(campaign.origin),
            campaigns::period.eq(&campaign.period),
            campaigns::scope.eq(scope),
            campaigns::state.eq(campaign.state),
            campaigns::population_revision.eq(campaign.population_revision.cast_signed()),
            campaigns::population.eq(campaign.population.cast_signed()),
            campaigns::opened_at.eq(campaign.opened_at),
            campaigns::due_at.eq(campaign.due_at),
            campaigns::suspends_at.eq(campaign.suspends_at),
            campaigns::opened_by.eq(&campaign.opened_by),
            campaigns::revision.eq(campaign.revision.cast_signed()),
        ))
        .execute(tx.connection)?;
    Ok(())
}

/// Writes what can change of a campaign.
pub(in crate::reviews) fn update_campaign(tx: &mut Tx<'_>, campaign: &Campaign) -> Result<()> {
    diesel::update(campaigns::table.find(&campaign.id))
        .set((
            campaigns::state.eq(campaign.state),
            campaigns::population_revision.eq(campaign.population_revision.cast_signed()),
            campaigns::population.eq(campaign.population.cast_signed()),
            campaigns::closed_at.eq(campaign.closed_at),
            campaigns::report.eq(&campaign.report),
            campaigns::revision.eq(campaign.revision.cast_signed()),
        ))
        .execute(tx.connection)?;
    Ok(())
}
