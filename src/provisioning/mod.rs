//! Systems that never ask here: what people hold in them, and how it is taken away again.
//!
//! Rules:
//! - A system's own list is imported; each of its lines is a *holding*. Reading a list again is the system's
//!   reconciliation: the same lines change nothing, a new line is drift, a line that is missing confirms a removal or
//!   shows that access went away elsewhere.
//! - A holding of somebody known belongs to a grant, so reviews and leavers reach it. A holding of nobody known is an
//!   *orphan*: the system's owner claims it for a person, declares a service of it, or has it removed.
//! - Nothing is guessed: a line that fits two people is an orphan.
//! - What ends here is carried out there by a *task* with a named person, a deadline and a proof.
//! - The login in another system is personal: sealed, with a blind index to find it again.
//!
//! May call `access`, `accounts` and the rooms below all slices.

pub mod holdings;
pub mod http;
pub mod import;
pub mod orphans;
mod store;
pub mod tasks;

use serde::{Deserialize, Serialize};

use crate::access::grants::Grant;
use crate::clock::Timestamp;
use crate::db::{Reader, Tx};
use crate::entropy::Entropy;
use crate::error::{Error, Result};
use crate::ids::{AccountId, GrantId, HoldingId};
use crate::text_enum;
use crate::vault::{Place, Vault};

text_enum! {
    /// Where a holding stands.
    pub enum HoldingState {
        /// It belongs to a grant.
        Held = "held",
        /// Nobody is known for it; its system's owner decides.
        Orphan = "orphan",
        /// It is being removed.
        Removing = "removing",
        /// The system does not have it any more.
        Gone = "gone",
    }
}

text_enum! {
    /// Why nobody is known for a holding.
    pub enum Doubt {
        /// The line names nobody who is known here.
        Nobody = "nobody",
        /// Employee id and e-mail address belong to two people.
        TwoPeople = "two_people",
        /// Whoever it belonged to has left.
        Left = "left",
    }
}

text_enum! {
    /// How a holding went.
    pub enum GoneHow {
        /// A task took it away.
        Removed = "removed",
        /// It went away without anybody here asking for it.
        Elsewhere = "elsewhere",
    }
}

text_enum! {
    /// What a system says about a holding's last use: never, unknown and a date are three different things.
    pub enum Use {
        /// It was used; the date stands beside it.
        On = "on",
        /// It was never used.
        Never = "never",
        /// The system does not say.
        Unknown = "unknown",
    }
}

/// What another system says somebody has there.
#[derive(Debug, Clone, PartialEq)]
pub struct Holding {
    /// Which one.
    pub id: HoldingId,
    /// The system's key in the catalogue.
    pub system: String,
    /// The role, `system/role`.
    pub role: String,
    /// The blind index of the login.
    pub digest: String,
    /// Who it is there.
    pub named: Identity,
    /// Where it stands.
    pub state: HoldingState,
    /// Why nobody is known for it.
    pub doubt: Option<Doubt>,
    /// Whose it is, or was.
    pub account: Option<AccountId>,
    /// The grant it belongs to.
    pub grant: Option<GrantId>,
    /// Whether it turned up after the system's first list.
    pub drift: bool,
    /// Who read the list it was found in, or claimed it: that person does not have the first word about it.
    pub brought_by: String,
    /// Since when, as the system says.
    pub granted_at: Option<Timestamp>,
    /// What is known of its last use.
    pub used: Use,
    /// When it was used last.
    pub used_at: Option<Timestamp>,
    /// The list that had it last.
    pub list: String,
    /// When it was found.
    pub found_at: Timestamp,
    /// When it was seen to be gone.
    pub gone_at: Option<Timestamp>,
    /// How it went.
    pub gone_how: Option<GoneHow>,
    /// The revision of its last change.
    pub revision: u64,
}

/// Who somebody is in another system. It is kept sealed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The login there.
    pub login: String,
    /// The employee id that the system has.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub employee_id: Option<String>,
    /// The e-mail address that the system has.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub email: Option<String>,
}

impl Identity {
    fn seal(&self, vault: &Vault, entropy: &dyn Entropy, id: &HoldingId) -> Result<Vec<u8>> {
        let text = serde_json::to_vec(self).map_err(|cause| Error::internal("writing a login", cause))?;
        vault.seal(entropy, place(id), &text)
    }

    fn open(vault: &Vault, id: &HoldingId, sealed: &[u8]) -> Result<Self> {
        serde_json::from_slice(&vault.open(place(id), sealed)?)
            .map_err(|cause| Error::internal("reading a login", cause))
    }
}

fn place(id: &HoldingId) -> Place<'_> {
    Place { table: "holdings", column: "sealed", row: id.as_str() }
}

/// The space of the blind indexes of a system's logins.
fn space(system: &str) -> String {
    format!("login:{system}")
}

/// Who looks: what they may see and do depends on it.
#[derive(Debug, Clone)]
pub struct Viewer {
    /// Who.
    pub account: AccountId,
    /// Whether they look after every system, not only their own.
    pub handles: bool,
    /// Whether they see every system, not only their own.
    pub everything: bool,
}

/// What the house does by itself: a task for every grant that ended in a system that does not ask here, and another
/// person for tasks whose person is gone.
///
/// # Errors
/// Whatever the database returns.
pub fn follow(app: &crate::app::App, lease: &crate::jobs::Lease) -> Result<String> {
    tasks::following::run(app, lease)
}

/// Opens the tasks of a grant that has just ended or rests, if its system does not ask here.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn take_away(tx: &mut Tx<'_>, grant: &Grant, origin: &tasks::Origin) -> Result<()> {
    tasks::opening::for_grant(tx, grant, origin, None)
}

/// Withdraws the tasks of a grant that counts again.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn leave_alone(tx: &mut Tx<'_>, grant: &GrantId) -> Result<()> {
    tasks::opening::withdraw(tx, grant)
}

/// What the systems say about the last use of these grants.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn last_uses(
    reader: &mut Reader<'_>,
    grants: &[GrantId],
) -> Result<std::collections::HashMap<GrantId, holdings::LastUse>> {
    holdings::last_uses(reader, grants)
}
