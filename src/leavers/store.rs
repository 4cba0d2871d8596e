//! Rows of cases and their steps.

use std::collections::HashSet;

use diesel::prelude::*;

use super::{Case, CaseState, Source, Step, StepKind, StepState};
use crate::clock::Timestamp;
use crate::db::schema::{accounts, leaver_cases, leaver_steps};
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::ids::{AccountId, CaseId, TextId};

const OVER: [CaseState; 2] = [CaseState::Closed, CaseState::Withdrawn];

#[derive(Queryable)]
struct CaseRow {
    id: CaseId,
    account: AccountId,
    state: CaseState,
    source: Source,
    reason: Option<TextId>,
    confidential: bool,
    effective_at: Timestamp,
    known_at: Timestamp,
    deadline: Timestamp,
    breached_on_arrival: bool,
    opened_by: String,
    closed_at: Option<Timestamp>,
    revision: i64,
}

impl CaseRow {
    fn read(self) -> Case {
        Case {
            id: self.id,
            account: self.account,
            state: self.state,
            source: self.source,
            reason: self.reason,
            confidential: self.confidential,
            effective_at: self.effective_at,
            known_at: self.known_at,
            deadline: self.deadline,
            breached_on_arrival: self.breached_on_arrival,
            opened_by: self.opened_by,
            closed_at: self.closed_at,
            revision: self.revision.unsigned_abs(),
        }
    }
}

pub(super) fn find(reader: &mut Reader<'_>, id: &CaseId) -> Result<Option<Case>> {
    let row: Option<CaseRow> =
        leaver_cases::table.find(id).select(leaver_cases::all_columns).first(reader.connection).optional()?;
    Ok(row.map(CaseRow::read))
}

/// The case of an account that is not over.
pub(super) fn open_of(reader: &mut Reader<'_>, account: &AccountId) -> Result<Option<Case>> {
    let row: Option<CaseRow> = leaver_cases::table
        .filter(leaver_cases::account.eq(account))
        .filter(leaver_cases::state.ne_all(OVER))
        .select(leaver_cases::all_columns)
        .first(reader.connection)
        .optional()?;
    Ok(row.map(CaseRow::read))
}

pub(super) fn insert(tx: &mut Tx<'_>, case: &Case) -> Result<()> {
    diesel::insert_into(leaver_cases::table)
        .values((
            leaver_cases::id.eq(&case.id),
            leaver_cases::account.eq(&case.account),
            leaver_cases::state.eq(case.state),
            leaver_cases::source.eq(case.source),
            leaver_cases::reason.eq(&case.reason),
            leaver_cases::confidential.eq(case.confidential),
            leaver_cases::effective_at.eq(case.effective_at),
            leaver_cases::known_at.eq(case.known_at),
            leaver_cases::deadline.eq(case.deadline),
            leaver_cases::breached_on_arrival.eq(case.breached_on_arrival),
            leaver_cases::opened_by.eq(&case.opened_by),
            leaver_cases::revision.eq(case.revision.cast_signed()),
        ))
        .execute(tx.connection)?;
    Ok(())
}

/// Writes what can change of a case.
pub(super) fn update(tx: &mut Tx<'_>, case: &Case) -> Result<()> {
    diesel::update(leaver_cases::table.find(&case.id))
        .set((
            leaver_cases::state.eq(case.state),
            leaver_cases::effective_at.eq(case.effective_at),
            leaver_cases::deadline.eq(case.deadline),
            leaver_cases::breached_on_arrival.eq(case.breached_on_arrival),
            leaver_cases::confidential.eq(case.confidential),
            leaver_cases::closed_at.eq(case.closed_at),
            leaver_cases::revision.eq(case.revision.cast_signed()),
        ))
        .execute(tx.connection)?;
    Ok(())
}

/// Cases whose instant has come and that are not over, earliest first.
pub(super) fn due(reader: &mut Reader<'_>, limit: i64) -> Result<Vec<CaseId>> {
    let now = reader.now;
    Ok(leaver_cases::table
        .filter(leaver_cases::state.ne_all(OVER))
        .filter(leaver_cases::effective_at.le(now))
        .order((leaver_cases::effective_at, leaver_cases::id))
        .limit(limit)
        .select(leaver_cases::id)
        .load(reader.connection)?)
}

/// People in use who have an end and no open case.
pub(super) fn without_case(reader: &mut Reader<'_>, limit: i64) -> Result<Vec<(AccountId, Timestamp)>> {
    let open = leaver_cases::table
        .filter(leaver_cases::account.eq(accounts::id))
        .filter(leaver_cases::state.ne_all(OVER));
    let rows: Vec<(AccountId, Option<Timestamp>)> = accounts::table
        .filter(accounts::kind.eq("person"))
        .filter(accounts::state.ne_all(["left", "erased"]))
        .filter(accounts::ends_at.is_not_null())
        .filter(diesel::dsl::not(diesel::dsl::exists(open)))
        .order(accounts::id)
        .limit(limit)
        .select((accounts::id, accounts::ends_at))
        .load(reader.connection)?;
    Ok(rows.into_iter().filter_map(|(account, end)| Some((account, end?))).collect())
}

/// Cases still ahead whose instant is not the account's end any more, with that end.
pub(super) fn moved(reader: &mut Reader<'_>, limit: i64) -> Result<Vec<(Case, Option<Timestamp>)>> {
    let differs =
        accounts::ends_at.is_null().or(accounts::ends_at.assume_not_null().ne(leaver_cases::effective_at));
    let rows: Vec<(CaseRow, Option<Timestamp>)> = leaver_cases::table
        .inner_join(accounts::table.on(accounts::id.eq(leaver_cases::account)))
        .filter(leaver_cases::state.eq(CaseState::Reported))
        .filter(differs)
        .order(leaver_cases::id)
        .limit(limit)
        .select((leaver_cases::all_columns, accounts::ends_at))
        .load(reader.connection)?;
    Ok(rows.into_iter().map(|(case, end)| (case.read(), end)).collect())
}

/// Which cases a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// In effect and not over.
    Running,
    /// Their instant lies ahead.
    Coming,
    /// Over.
    Closed,
}

/// Cases of a part, by their ids; newest first. `hidden` leaves out confidential ones that lie ahead.
pub(super) fn list(
    reader: &mut Reader<'_>,
    part: Option<Part>,
    hidden: bool,
    before: Option<&str>,
    limit: i64,
) -> Result<Vec<Case>> {
    let now = reader.now;
    let last = match before.and_then(CaseId::parse) {
        Some(last) => find(reader, &last)?,
        None => None,
    };
    let mut query = leaver_cases::table.select(leaver_cases::all_columns).limit(limit).into_boxed();
    query = match part {
        Some(Part::Running) => {
            query.filter(leaver_cases::state.ne_all(OVER)).filter(leaver_cases::effective_at.le(now))
        }
        Some(Part::Coming) => {
            query.filter(leaver_cases::state.ne_all(OVER)).filter(leaver_cases::effective_at.gt(now))
        }
        Some(Part::Closed) => query.filter(leaver_cases::state.eq_any(OVER)),
        None => query,
    };
    // What is coming is read like a calendar; the rest by what is newest.
    query = match part {
        Some(Part::Coming) => query.order((leaver_cases::effective_at.asc(), leaver_cases::id.asc())),
        _ => query.order(leaver_cases::id.desc()),
    };
    if hidden {
        query = query.filter(leaver_cases::confidential.eq(false).or(leaver_cases::effective_at.le(now)));
    }
    if let Some(last) = last {
        let (at, id) = (last.effective_at, last.id);
        query = match part {
            Some(Part::Coming) => {
                let same = leaver_cases::effective_at.eq(at).and(leaver_cases::id.gt(id));
                query.filter(leaver_cases::effective_at.gt(at).or(same))
            }
            _ => query.filter(leaver_cases::id.lt(id)),
        };
    }
    let rows: Vec<CaseRow> = query.load(reader.connection)?;
    Ok(rows.into_iter().map(CaseRow::read).collect())
}

/// The confidential cases whose instant lies ahead.
pub(super) fn hidden(reader: &mut Reader<'_>) -> Result<HashSet<CaseId>> {
    let ahead = leaver_cases::effective_at.gt(reader.now);
    let ids: Vec<CaseId> = leaver_cases::table
        .filter(leaver_cases::confidential.eq(true).and(ahead))
        .select(leaver_cases::id)
        .load(reader.connection)?;
    Ok(ids.into_iter().collect())
}

/// How many cases run.
pub(super) fn count_running(reader: &mut Reader<'_>) -> Result<u64> {
    let now = reader.now;
    let count: i64 = leaver_cases::table
        .filter(leaver_cases::state.ne_all(OVER))
        .filter(leaver_cases::effective_at.le(now))
        .count()
        .get_result(reader.connection)?;
    Ok(count.unsigned_abs())
}

// ---- steps ----------------------------------------------------------------------------------------------------------

type StepRow = (StepKind, String, StepState, Option<Timestamp>, Option<i64>, Option<String>);

/// The steps of a case, in the order in which they are taken.
pub(super) fn steps(reader: &mut Reader<'_>, case: &CaseId) -> Result<Vec<Step>> {
    let rows: Vec<StepRow> = leaver_steps::table
        .filter(leaver_steps::leaver_case.eq(case))
        .select((
            leaver_steps::kind,
            leaver_steps::target,
            leaver_steps::state,
            leaver_steps::at,
            leaver_steps::applied_revision,
            leaver_steps::evidence,
        ))
        .load(reader.connection)?;
    let mut steps = rows.into_iter().map(read_step).collect::<Result<Vec<_>>>()?;
    steps.sort_by(|a, b| (a.kind, &a.target).cmp(&(b.kind, &b.target)));
    Ok(steps)
}

fn read_step((kind, target, state, at, applied, evidence): StepRow) -> Result<Step> {
    let evidence = evidence.as_deref().map(serde_json::from_str).transpose();
    Ok(Step {
        kind,
        target,
        state,
        at,
        applied_revision: applied.map(i64::unsigned_abs),
        evidence: evidence.map_err(|cause| Error::internal("reading a step", cause))?,
    })
}

/// Writes a step; one that is there is replaced.
pub(super) fn put_step(tx: &mut Tx<'_>, case: &CaseId, step: &Step) -> Result<()> {
    let evidence = step.evidence.as_ref().map(ToString::to_string);
    let values = (
        leaver_steps::state.eq(step.state),
        leaver_steps::at.eq(step.at),
        leaver_steps::applied_revision.eq(step.applied_revision.map(u64::cast_signed)),
        leaver_steps::evidence.eq(&evidence),
    );
    let key = (case, step.kind, &step.target);
    let row = leaver_steps::table
        .filter(leaver_steps::leaver_case.eq(key.0))
        .filter(leaver_steps::kind.eq(key.1))
        .filter(leaver_steps::target.eq(key.2));
    if diesel::update(row).set(values).execute(tx.connection)? == 0 {
        diesel::insert_into(leaver_steps::table)
            .values((
                leaver_steps::leaver_case.eq(key.0),
                leaver_steps::kind.eq(key.1),
                leaver_steps::target.eq(key.2),
                values.0,
                values.1,
                values.2,
                values.3,
            ))
            .execute(tx.connection)?;
    }
    Ok(())
}
