//! What a list does not have any more: removals that it confirms, and access that went away elsewhere.
//!
//! Rule: only a whole list says that something is gone. One with refused rows is not whole; nor is one without most of
//! what was known, unless tasks had asked for that.

use super::CHUNK;
use super::plan::Import;
use super::report::Missing;
use crate::access::grants;
use crate::app::App;
use crate::caller::Caller;
use crate::db::{Reader, Tx};
use crate::error::Result;
use crate::provisioning::store::{holdings as store, tasks as task_store};
use crate::provisioning::{GoneHow, Holding, holdings, tasks};
use crate::sheet::shown;

/// Fewer holdings than this may all go at once.
const FEW: usize = 10;

/// Ends what is missing from each system's list.
pub(super) fn conclude(
    app: &App,
    caller: &Caller,
    import: &mut Import,
    dry_run: bool,
) -> Result<Vec<Missing>> {
    let systems: Vec<String> = import.systems.keys().cloned().collect();
    let mut missing = Vec::new();
    for system in systems {
        let gone = app.read_now(|reader| gone_from(reader, import, &system))?;
        if let Some(why) = app.read_now(|reader| not_whole(reader, import, &system, &gone))? {
            if let Some(report) = import.systems.get_mut(&system) {
                report.not_whole = Some(why);
            }
            continue;
        }
        for chunk in gone.chunks(CHUNK) {
            let ended = if dry_run {
                app.read_now(|reader| {
                    chunk.iter().map(|one| describe(reader, one)).collect::<Result<Vec<_>>>()
                })?
            } else {
                let end = |tx: &mut Tx<'_>| chunk.iter().map(|one| end(tx, one)).collect::<Result<Vec<_>>>();
                app.write_now(caller, end)?.value
            };
            if let Some(report) = import.systems.get_mut(&system) {
                let confirmed = ended.iter().filter(|one| one.how == GoneHow::Removed).count() as u64;
                report.confirmed += confirmed;
                report.gone += ended.len() as u64 - confirmed;
            }
            missing.extend(ended);
        }
    }
    Ok(missing)
}

/// The holdings of a system that its list does not have: what was neither seen nor new in this reading.
fn gone_from(reader: &mut Reader<'_>, import: &Import, system: &str) -> Result<Vec<Holding>> {
    let listed: std::collections::HashSet<(String, String)> = import
        .rows
        .iter()
        .filter(|row| row.system == system)
        .flat_map(|row| {
            let indexes = reader.vault().blind_indexes(&crate::provisioning::space(system), &row.named.login);
            indexes.into_iter().map(|digest| (row.role.clone(), digest))
        })
        .collect();
    let (mut gone, mut after) = (Vec::new(), String::new());
    loop {
        let page = store::missing(reader, system, import.list(), &after, 1_000)?;
        let Some(last) = page.last() else { return Ok(gone) };
        after = last.id.to_string();
        gone.extend(page.into_iter().filter(|one| !listed.contains(&(one.role.clone(), one.digest.clone()))));
    }
}

/// Why nothing is to be concluded, if so.
fn not_whole(
    reader: &mut Reader<'_>,
    import: &Import,
    system: &str,
    gone: &[Holding],
) -> Result<Option<String>> {
    let refused = import.rows.iter().filter(|row| row.system == system && !row.reasons.is_empty()).count();
    if refused > 0 && !gone.is_empty() {
        return Ok(Some(format!(
            "{refused} of its rows were refused, so nothing is concluded from the {} that are missing",
            gone.len()
        )));
    }
    let known = store::living_ids(reader, system)?.len();
    let mut unasked = 0;
    for one in gone {
        unasked += usize::from(task_store::unfinished_of_holding(reader, &one.id)?.is_empty());
    }
    let most = unasked >= FEW && unasked * 2 > known;
    Ok(most.then(|| {
        format!("{unasked} of {known} are missing without a task that asked for it; is this the whole list?")
    }))
}

fn missing(holding: &Holding, how: GoneHow) -> Missing {
    Missing {
        system: holding.system.clone(),
        external_login: shown(&holding.named.login),
        role: holding.role.clone(),
        account: holding.account.clone(),
        grant: holding.grant.clone(),
        how,
    }
}

fn describe(reader: &mut Reader<'_>, holding: &Holding) -> Result<Missing> {
    let asked = !task_store::unfinished_of_holding(reader, &holding.id)?.is_empty();
    Ok(missing(holding, if asked { GoneHow::Removed } else { GoneHow::Elsewhere }))
}

/// Ends one holding: its tasks are confirmed, or its grant ends because it is not there any more.
fn end(tx: &mut Tx<'_>, holding: &Holding) -> Result<Missing> {
    let confirmed = tasks::reconciling::confirm(tx, &holding.id)?;
    let how = if confirmed { GoneHow::Removed } else { GoneHow::Elsewhere };
    holdings::end(tx, holding.clone(), how)?;
    if let (GoneHow::Elsewhere, Some(grant)) = (how, &holding.grant)
        && !store::is_held_otherwise(tx, grant, &holding.id)?
    {
        grants::revoke(tx, grant, "gone elsewhere", None)?;
    }
    Ok(missing(holding, how))
}
