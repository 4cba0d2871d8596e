//! Rows of `names`: a blind index of the name, whose it is, and the name itself, sealed.

use diesel::prelude::*;
use serde::Serialize;

use super::{Name, NameKind, Space, place};
use crate::clock::Timestamp;
use crate::db::batch::{self, Kind as Column};
use crate::db::schema::names;
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::ids::AccountId;
use crate::vault::{Vault, fold};

/// SQLite takes 32,766 parameters a statement; this many is quick on both databases.
const CHUNK: usize = 5_000;

/// A row of `names`.
pub(in crate::accounts) struct NameRow {
    pub(super) space: Space,
    pub(super) digest: String,
    pub(super) kind: NameKind,
    pub(super) account: AccountId,
    pub(super) sealed: Vec<u8>,
    pub(super) since: Timestamp,
    pub(super) until: Option<Timestamp>,
}

impl NameRow {
    /// Whether this is the same name in another part.
    pub(in crate::accounts) fn is_same_name(&self, other: &Self) -> bool {
        (self.space, &self.digest) == (other.space, &other.digest)
    }

    /// The name in plain text.
    pub(super) fn into_name(self, vault: &Vault) -> Result<Name> {
        let folded = match self.kind {
            NameKind::Id => self.account.to_string(),
            _ => fold(&vault.open_text(place(&self.digest), &self.sealed)?),
        };
        Ok(Name { account: self.account, kind: self.kind, folded, until: self.until })
    }
}

/// A name as a batch carries it.
#[derive(Serialize)]
struct BatchName<'a> {
    space: Space,
    digest: &'a str,
    kind: NameKind,
    account: &'a AccountId,
    sealed: String,
    since: String,
    until: Option<String>,
}

impl<'a> From<&'a NameRow> for BatchName<'a> {
    fn from(row: &'a NameRow) -> Self {
        Self {
            space: row.space,
            digest: &row.digest,
            kind: row.kind,
            account: &row.account,
            sealed: hex::encode(&row.sealed),
            since: batch::instant(row.since),
            until: row.until.map(batch::instant),
        }
    }
}

/// Writes new names.
pub(in crate::accounts) fn insert(tx: &mut Tx<'_>, rows: &[&NameRow]) -> Result<()> {
    const COLUMNS: &[(&str, Column)] = &[
        ("space", Column::Text),
        ("digest", Column::Text),
        ("kind", Column::Text),
        ("account", Column::Text),
        ("sealed", Column::Bytes),
        ("since", Column::Instant),
        ("until", Column::Instant),
    ];
    for chunk in rows.chunks(batch::LIMIT) {
        let rows: Vec<BatchName<'_>> = chunk.iter().map(|row| BatchName::from(*row)).collect();
        batch::insert(tx.connection, "names", COLUMNS, &rows)?;
    }
    Ok(())
}

/// Who has a name: space, digest, kind, account, until.
pub(super) type Found = (Space, String, NameKind, AccountId, Option<Timestamp>);

/// Names by their digests. The space leads the key, so without it both databases would read the whole table.
pub(super) fn of_digests(reader: &mut Reader<'_>, space: Space, digests: &[&String]) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for chunk in digests.chunks(CHUNK) {
        let rows: Vec<Found> = names::table
            .filter(names::space.eq(space))
            .filter(names::digest.eq_any(chunk.iter().copied()))
            .select((names::space, names::digest, names::kind, names::account, names::until))
            .load(reader.connection)?;
        found.extend(rows);
    }
    Ok(found)
}

/// The names by which these accounts can be asked, as subjects.
pub(super) fn subject_rows(reader: &mut Reader<'_>, accounts: &[AccountId]) -> Result<Vec<NameRow>> {
    type Row = (String, NameKind, AccountId, Vec<u8>, Timestamp, Option<Timestamp>);
    let mut found = Vec::new();
    for chunk in accounts.chunks(CHUNK) {
        let rows: Vec<Row> = names::table
            .filter(names::account.eq_any(chunk))
            .filter(names::space.eq(Space::Subject))
            .select((names::digest, names::kind, names::account, names::sealed, names::since, names::until))
            .load(reader.connection)?;
        found.extend(rows.into_iter().map(|(digest, kind, account, sealed, since, until)| NameRow {
            space: Space::Subject,
            digest,
            kind,
            account,
            sealed,
            since,
            until,
        }));
    }
    Ok(found)
}

/// Ends a name's use; it resolves until then.
pub(super) fn retire(tx: &mut Tx<'_>, space: Space, digest: &str, until: Timestamp) -> Result<()> {
    let changed = diesel::update(names::table.find((space, digest)))
        .set(names::until.eq(until))
        .execute(tx.connection)?;
    one(changed)
}

/// Takes a name into use again, in the spelling given.
pub(super) fn use_again(tx: &mut Tx<'_>, digest: &str, kind: NameKind, sealed: Vec<u8>) -> Result<()> {
    let changed = diesel::update(names::table.find((kind.space(), digest)))
        .set((names::until.eq(None::<Timestamp>), names::kind.eq(kind), names::sealed.eq(sealed)))
        .execute(tx.connection)?;
    one(changed)
}

/// Makes a name free again.
pub(super) fn delete(tx: &mut Tx<'_>, space: Space, digest: &str) -> Result<()> {
    one(diesel::delete(names::table.find((space, digest))).execute(tx.connection)?)
}

fn one(changed: usize) -> Result<()> {
    if changed == 1 { Ok(()) } else { Err(Error::internal("changing a name", "it is not there")) }
}
