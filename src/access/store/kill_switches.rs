//! Rows of kill switches.

use diesel::prelude::*;

use crate::access::kill_switches::KillSwitch;
use crate::clock::Timestamp;
use crate::db::schema::kill_switches;
use crate::db::{Reader, Tx};
use crate::error::Result;
use crate::ids::{KillSwitchId, TextId};

type Row = (KillSwitchId, String, Option<TextId>, Timestamp, String, Option<Timestamp>, Option<String>, i64);

macro_rules! columns {
    () => {
        (
            kill_switches::id,
            kill_switches::target,
            kill_switches::reason,
            kill_switches::pulled_at,
            kill_switches::pulled_by,
            kill_switches::lifted_at,
            kill_switches::lifted_by,
            kill_switches::revision,
        )
    };
}

fn read(row: Row) -> KillSwitch {
    let (id, target, reason, pulled_at, pulled_by, lifted_at, lifted_by, revision) = row;
    let revision = revision.unsigned_abs();
    KillSwitch { id, target, reason, pulled_at, pulled_by, lifted_at, lifted_by, revision }
}

/// The kill switches that are pulled, by id.
pub(crate) fn pulled(reader: &mut Reader<'_>) -> Result<Vec<KillSwitch>> {
    let rows: Vec<Row> = kill_switches::table
        .filter(kill_switches::lifted_at.is_null())
        .order(kill_switches::id)
        .select(columns!())
        .load(reader.connection)?;
    Ok(rows.into_iter().map(read).collect())
}

/// All kill switches after `after` by id.
pub(crate) fn after(reader: &mut Reader<'_>, after: &str, limit: i64) -> Result<Vec<KillSwitch>> {
    let rows: Vec<Row> = kill_switches::table
        .filter(kill_switches::id.gt(after))
        .order(kill_switches::id)
        .limit(limit)
        .select(columns!())
        .load(reader.connection)?;
    Ok(rows.into_iter().map(read).collect())
}

/// The kill switch of that id.
pub(crate) fn find(reader: &mut Reader<'_>, id: &KillSwitchId) -> Result<Option<KillSwitch>> {
    let row: Option<Row> =
        kill_switches::table.find(id).select(columns!()).first(reader.connection).optional()?;
    Ok(row.map(read))
}

/// Writes a kill switch that was pulled.
pub(crate) fn insert(tx: &mut Tx<'_>, switch: &KillSwitch) -> Result<()> {
    diesel::insert_into(kill_switches::table)
        .values((
            kill_switches::id.eq(&switch.id),
            kill_switches::target.eq(&switch.target),
            kill_switches::reason.eq(&switch.reason),
            kill_switches::pulled_at.eq(switch.pulled_at),
            kill_switches::pulled_by.eq(&switch.pulled_by),
            kill_switches::revision.eq(switch.revision.cast_signed()),
        ))
        .execute(tx.connection)?;
    Ok(())
}

/// Writes that a kill switch was lifted.
pub(crate) fn lift(tx: &mut Tx<'_>, switch: &KillSwitch) -> Result<()> {
    diesel::update(kill_switches::table.find(&switch.id))
        .set((
            kill_switches::lifted_at.eq(switch.lifted_at),
            kill_switches::lifted_by.eq(&switch.lifted_by),
            kill_switches::revision.eq(switch.revision.cast_signed()),
        ))
        .execute(tx.connection)?;
    Ok(())
}
