//! Rows of attestations.

use diesel::prelude::*;

use crate::access::attestations::Attestation;
use crate::clock::Timestamp;
use crate::db::schema::attestations;
use crate::db::{Reader, Tx};
use crate::error::Result;
use crate::ids::{AccountId, AttestationId, TextId};

#[derive(Queryable)]
struct Row {
    id: AttestationId,
    account: AccountId,
    kind: String,
    given_at: Timestamp,
    ends_at: Option<Timestamp>,
    attested_by: String,
    evidence: TextId,
    recorded_at: Timestamp,
    revision: i64,
}

fn read(row: Row) -> Attestation {
    Attestation {
        id: row.id,
        account: row.account,
        kind: row.kind,
        given_at: row.given_at,
        ends_at: row.ends_at,
        attested_by: row.attested_by,
        evidence: row.evidence,
        recorded_at: row.recorded_at,
        revision: row.revision.unsigned_abs(),
    }
}

fn all(rows: Vec<Row>) -> Vec<Attestation> {
    rows.into_iter().map(read).collect()
}

pub(crate) fn insert(tx: &mut Tx<'_>, attestation: &Attestation) -> Result<()> {
    diesel::insert_into(attestations::table)
        .values((
            attestations::id.eq(&attestation.id),
            attestations::account.eq(&attestation.account),
            attestations::kind.eq(&attestation.kind),
            attestations::given_at.eq(attestation.given_at),
            attestations::ends_at.eq(attestation.ends_at),
            attestations::attested_by.eq(&attestation.attested_by),
            attestations::evidence.eq(&attestation.evidence),
            attestations::recorded_at.eq(attestation.recorded_at),
            attestations::revision.eq(attestation.revision.cast_signed()),
        ))
        .execute(tx.connection)?;
    Ok(())
}

/// Writes what can change of an attestation.
pub(crate) fn update(tx: &mut Tx<'_>, attestation: &Attestation) -> Result<()> {
    diesel::update(attestations::table.find(&attestation.id))
        .set((
            attestations::ends_at.eq(attestation.ends_at),
            attestations::revision.eq(attestation.revision.cast_signed()),
        ))
        .execute(tx.connection)?;
    Ok(())
}

pub(crate) fn find(reader: &mut Reader<'_>, id: &AttestationId) -> Result<Option<Attestation>> {
    let row: Option<Row> =
        attestations::table.find(id).select(attestations::all_columns).first(reader.connection).optional()?;
    Ok(row.map(read))
}

/// The attestations of an account, in the order in which they were recorded.
pub(crate) fn of(reader: &mut Reader<'_>, account: &AccountId) -> Result<Vec<Attestation>> {
    let query = attestations::table.filter(attestations::account.eq(account)).order(attestations::id);
    Ok(all(query.select(attestations::all_columns).load(reader.connection)?))
}

/// The attestations of these accounts.
pub(crate) fn among(reader: &mut Reader<'_>, accounts: &[AccountId]) -> Result<Vec<Attestation>> {
    let query = attestations::table.filter(attestations::account.eq_any(accounts)).order(attestations::id);
    Ok(all(query.select(attestations::all_columns).load(reader.connection)?))
}

/// Attestations after `after` by id, for the replay.
pub(crate) fn all_after(reader: &mut Reader<'_>, after: &str, limit: i64) -> Result<Vec<Attestation>> {
    let query = attestations::table.filter(attestations::id.gt(after)).order(attestations::id).limit(limit);
    Ok(all(query.select(attestations::all_columns).load(reader.connection)?))
}
