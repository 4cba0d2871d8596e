//! Kill switches: stop everything, an application, a feature or an account at once.
//!
//! Rules: a switch denies whatever is asked of its target until somebody lifts it; the floor (DESIGN §4) stays out of
//! its reach, which `decision` sees to; a target must be something that exists; pulling needs a reason. Calls `store`.

use super::grants::checked_reason;
use super::store::{catalogue as catalogue_store, kill_switches as store};
use super::{names, people};
use crate::clock::Timestamp;
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::ids::{AccountId, KillSwitchId, TextId};
use crate::log::append::next_revision;
use crate::log::event::{Change, Row};
use crate::vault;

/// What stops everything.
pub const EVERYTHING: &str = "*";

/// A kill switch, pulled or lifted again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KillSwitch {
    /// Which one.
    pub id: KillSwitchId,
    /// What it stops: `*`, an application, `application/feature`, or an account's id.
    pub target: String,
    /// Why, sealed.
    pub reason: Option<TextId>,
    /// When it was pulled.
    pub pulled_at: Timestamp,
    /// Who pulled it, as the log names them.
    pub pulled_by: String,
    /// When it was lifted, if it was.
    pub lifted_at: Option<Timestamp>,
    /// Who lifted it.
    pub lifted_by: Option<String>,
    /// The revision of its last change.
    pub revision: u64,
}

impl KillSwitch {
    /// The digest of what decides.
    ///
    /// # Errors
    /// [`Error::Internal`] if it cannot be written as JSON.
    pub fn governed(&self) -> Result<Row> {
        Row::of("kill_switches", self.id.as_str(), &(&self.target, self.lifted_at.is_some()))
    }
}

/// Pulls a kill switch. A target that is stopped already gets no second one: the first is returned.
///
/// # Errors
/// [`Error::Invalid`] for a target that means nothing here, or a reason that is too short or too long.
pub fn pull(tx: &mut Tx<'_>, target: &str, reason: &str) -> Result<KillSwitch> {
    let target = checked_target(tx, target)?;
    let reason = checked_reason(reason)?.to_owned();
    if let Some(known) = store::pulled(tx)?.into_iter().find(|known| known.target == target) {
        return Ok(known);
    }
    let switch = KillSwitch {
        id: KillSwitchId::new(tx.now, tx.entropy()),
        target,
        reason: Some(vault::keep(tx, &reason)?),
        pulled_at: tx.now,
        pulled_by: tx.caller.label(),
        lifted_at: None,
        lifted_by: None,
        revision: next_revision(tx)?,
    };
    store::insert(tx, &switch)?;
    let row = switch.governed()?;
    let change = Change::KillSwitchPulled { kill_switch: switch.id.clone(), target: switch.target.clone() };
    tx.record_rows(change, vec![row]);
    Ok(switch)
}

/// Lifts a kill switch. One that is lifted already stays as it is.
///
/// # Errors
/// [`Error::NotFound`].
pub fn lift(tx: &mut Tx<'_>, id: &KillSwitchId) -> Result<KillSwitch> {
    let known = store::find(tx, id)?.ok_or(Error::NotFound("kill switch"))?;
    if known.lifted_at.is_some() {
        return Ok(known);
    }
    let lifted = KillSwitch {
        lifted_at: Some(tx.now),
        lifted_by: Some(tx.caller.label()),
        revision: next_revision(tx)?,
        ..known
    };
    store::lift(tx, &lifted)?;
    let row = lifted.governed()?;
    let change = Change::KillSwitchLifted { kill_switch: lifted.id.clone(), target: lifted.target.clone() };
    tx.record_rows(change, vec![row]);
    Ok(lifted)
}

/// The kill switches that are pulled, the oldest first.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn pulled(reader: &mut Reader<'_>) -> Result<Vec<KillSwitch>> {
    store::pulled(reader)
}

/// All kill switches in order of their ids, after `after`, at most `limit`; lifted ones too.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn list(reader: &mut Reader<'_>, after: Option<&str>, limit: i64) -> Result<Vec<KillSwitch>> {
    store::after(reader, after.unwrap_or_default(), limit)
}

/// The digests of kill switches after `after` by id, for the log's replay.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn governed(reader: &mut Reader<'_>, after: &str, limit: i64) -> Result<Vec<Row>> {
    store::after(reader, after, limit)?.iter().map(KillSwitch::governed).collect()
}

fn checked_target(reader: &mut Reader<'_>, target: &str) -> Result<String> {
    let unknown = || {
        let shape = "must be \"*\", an application, APPLICATION/FEATURE, or the id of an account";
        Error::field("target", shape)
    };
    if target == EVERYTHING {
        return Ok(target.to_owned());
    }
    if let Some(account) = AccountId::parse(target) {
        return people::standing(reader, &account)
            .map(|found| found.account.to_string())
            .map_err(|_| unknown());
    }
    let (application, feature) = match target.split_once('/') {
        Some((application, feature)) => (application, Some(feature)),
        None => (target, None),
    };
    if !names::is_key(application) {
        return Err(unknown());
    }
    let known = catalogue_store::find_application(reader, application)?.ok_or_else(unknown)?;
    match feature {
        Some(feature) if known.specification.feature(feature).is_none() => Err(unknown()),
        _ => Ok(target.to_owned()),
    }
}
