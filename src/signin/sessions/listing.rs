//! Where somebody is signed in, as they see it.

use chrono::Duration;
use serde::Serialize;

use super::agent_place;
use crate::clock::Timestamp;
use crate::db::Reader;
use crate::error::Result;
use crate::ids::{AccountId, SessionId};
use crate::signin::store::sessions as store;
use crate::signin::workstations;

/// A session as its owner sees it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = OwnSession)]
pub struct Listed {
    /// Its id.
    pub id: SessionId,
    /// When it began.
    pub created_at: Timestamp,
    /// When something was last asked in it, to the minute.
    pub seen_at: Timestamp,
    /// When it ends at the latest.
    pub ends_at: Timestamp,
    /// How the browser named itself.
    pub agent: String,
    /// The organisation's name of the network that it was seen in last; null outside all of them.
    #[schema(required)]
    pub network: Option<String>,
    /// The name of the shared workstation where it was begun; null elsewhere.
    #[schema(required)]
    pub workstation: Option<String>,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// How many sessions of the account were neither ended nor have run out at `reader.now`.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub fn living(reader: &mut Reader<'_>, account: &AccountId) -> Result<usize> {
    let now = reader.now;
    let rows = store::list(reader, account)?;
    Ok(rows.iter().filter(|row| now < row.seen_at.plus(Duration::seconds(row.idle_seconds))).count())
}

/// The living sessions of an account, newest first; `current` marks the one that asks.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database or a name that does not open.
pub fn list(
    reader: &mut Reader<'_>,
    account: &AccountId,
    current: Option<&SessionId>,
) -> Result<Vec<Listed>> {
    let (now, vault) = (reader.now, reader.vault());
    let mut listed = Vec::new();
    for row in store::list(reader, account)? {
        if now >= row.seen_at.plus(Duration::seconds(row.idle_seconds)) {
            continue;
        }
        let workstation = match &row.workstation {
            Some(id) => Some(workstations::find(reader, id)?.name),
            None => None,
        };
        listed.push(Listed {
            agent: vault.open_text(agent_place(&row.id), &row.agent)?,
            current: Some(&row.id) == current,
            network: row.network,
            workstation,
            id: row.id,
            created_at: row.created_at,
            seen_at: row.seen_at,
            ends_at: row.ends_at,
        });
    }
    Ok(listed)
}
