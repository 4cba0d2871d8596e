//! Rows of proposals.

use diesel::prelude::*;

use crate::access::proposals::{Proposal, ProposalState};
use crate::access::records::{from_json, to_json};
use crate::clock::Timestamp;
use crate::db::schema::proposals;
use crate::db::{Reader, Tx};
use crate::error::Result;
use crate::ids::{ProposalId, TextId};

#[derive(Queryable)]
struct Row {
    id: ProposalId,
    state: ProposalState,
    applications: String,
    content: TextId,
    digest: String,
    basis: String,
    proposed_by: String,
    proposed_at: Timestamp,
    lapses_at: Timestamp,
    decided_by: Option<String>,
    decided_at: Option<Timestamp>,
    note: Option<TextId>,
    revision: i64,
}

fn read(row: Row) -> Result<Proposal> {
    Ok(Proposal {
        id: row.id,
        state: row.state,
        applications: from_json(&row.applications, "reading a proposal's applications")?,
        content: row.content,
        digest: row.digest,
        basis: row.basis,
        proposed_by: row.proposed_by,
        proposed_at: row.proposed_at,
        lapses_at: row.lapses_at,
        decided: row.decided_by.zip(row.decided_at),
        note: row.note,
        revision: row.revision.unsigned_abs(),
    })
}

fn all(rows: Vec<Row>) -> Result<Vec<Proposal>> {
    rows.into_iter().map(read).collect()
}

pub(crate) fn insert(tx: &mut Tx<'_>, proposal: &Proposal) -> Result<()> {
    diesel::insert_into(proposals::table)
        .values((
            proposals::id.eq(&proposal.id),
            proposals::state.eq(proposal.state),
            proposals::applications.eq(to_json(&proposal.applications)?),
            proposals::content.eq(&proposal.content),
            proposals::digest.eq(&proposal.digest),
            proposals::basis.eq(&proposal.basis),
            proposals::proposed_by.eq(&proposal.proposed_by),
            proposals::proposed_at.eq(proposal.proposed_at),
            proposals::lapses_at.eq(proposal.lapses_at),
            proposals::revision.eq(proposal.revision.cast_signed()),
        ))
        .execute(tx.connection)?;
    Ok(())
}

/// Writes what can change of a proposal.
pub(crate) fn update(tx: &mut Tx<'_>, proposal: &Proposal) -> Result<()> {
    let (by, at) = proposal.decided.clone().unzip();
    diesel::update(proposals::table.find(&proposal.id))
        .set((
            proposals::state.eq(proposal.state),
            proposals::decided_by.eq(by),
            proposals::decided_at.eq(at),
            proposals::note.eq(&proposal.note),
            proposals::revision.eq(proposal.revision.cast_signed()),
        ))
        .execute(tx.connection)?;
    Ok(())
}

pub(crate) fn find(reader: &mut Reader<'_>, id: &ProposalId) -> Result<Option<Proposal>> {
    let row: Option<Row> =
        proposals::table.find(id).select(proposals::all_columns).first(reader.connection).optional()?;
    row.map(read).transpose()
}

/// A proposal of the same files against the same catalogue that waits.
pub(crate) fn same(reader: &mut Reader<'_>, digest: &str, basis: &str) -> Result<Option<Proposal>> {
    let row: Option<Row> = proposals::table
        .filter(proposals::state.eq(ProposalState::Proposed))
        .filter(proposals::lapses_at.gt(reader.now))
        .filter(proposals::digest.eq(digest))
        .filter(proposals::basis.eq(basis))
        .order(proposals::id)
        .select(proposals::all_columns)
        .first(reader.connection)
        .optional()?;
    row.map(read).transpose()
}

/// Proposals that nobody has decided, the oldest first; also those whose time is over.
pub(crate) fn waiting(reader: &mut Reader<'_>, limit: i64) -> Result<Vec<Proposal>> {
    let query = proposals::table
        .filter(proposals::state.eq(ProposalState::Proposed))
        .order(proposals::id)
        .limit(limit);
    all(query.select(proposals::all_columns).load(reader.connection)?)
}

pub(crate) fn count_waiting(reader: &mut Reader<'_>) -> Result<i64> {
    Ok(proposals::table
        .filter(proposals::state.eq(ProposalState::Proposed))
        .count()
        .get_result(reader.connection)?)
}

/// Proposals by their ids, newest first; with `open` only those that wait, or are over.
pub(crate) fn list(
    reader: &mut Reader<'_>,
    open: Option<bool>,
    before: Option<&ProposalId>,
    limit: i64,
) -> Result<Vec<Proposal>> {
    let now = reader.now;
    let mut query =
        proposals::table.select(proposals::all_columns).order(proposals::id.desc()).limit(limit).into_boxed();
    query = match open {
        Some(true) => {
            query.filter(proposals::state.eq(ProposalState::Proposed)).filter(proposals::lapses_at.gt(now))
        }
        Some(false) => {
            query.filter(proposals::state.ne(ProposalState::Proposed).or(proposals::lapses_at.le(now)))
        }
        None => query,
    };
    if let Some(before) = before {
        query = query.filter(proposals::id.lt(before));
    }
    all(query.load(reader.connection)?)
}
