//! The names of accounts: one table, one uniqueness for everything a subject can be asked by.
//!
//! Rules: account ids, usernames, external ids and `issuer|subject` pairs share one space, so that no name means two
//! accounts; employee ids and e-mail addresses have a space of their own each. A username that was given up still
//! resolves for 90 days, stays with its person for ever and never becomes another's (O7.1). Stored is a blind index
//! and the sealed text. May call `vault`, `log`.

mod store;

use std::collections::HashMap;

use chrono::Duration;

use crate::clock::Timestamp;
use crate::db::{Reader, Tx};
use crate::entropy::Entropy;
use crate::error::{Error, Result};
use crate::ids::AccountId;
use crate::text_enum;
use crate::vault::{Place, Vault, fold};

pub(super) use store::{NameRow, insert};

/// How long a username that was given up still resolves.
const STILL_RESOLVES: Duration = Duration::days(90);

text_enum! {
    /// Within which a name is unique.
    pub enum Space {
        /// Everything a subject can be asked by.
        Subject = "subject",
        /// The personnel office's numbers.
        EmployeeId = "employee_id",
        /// Mail addresses.
        Email = "email",
    }
}

text_enum! {
    /// What sort of name it is.
    pub enum NameKind {
        /// The account's own id.
        Id = "id",
        /// What the account signs in with, now or formerly.
        Username = "username",
        /// The name another system has for it.
        ExternalId = "external_id",
        /// `issuer|subject` of an identity provider.
        Federated = "federated",
        /// The personnel office's number.
        EmployeeId = "employee_id",
        /// A mail address.
        Email = "email",
    }
}

impl NameKind {
    /// The space in which names of this sort are unique.
    pub fn space(self) -> Space {
        match self {
            Self::Id | Self::Username | Self::ExternalId | Self::Federated => Space::Subject,
            Self::EmployeeId => Space::EmployeeId,
            Self::Email => Space::Email,
        }
    }
}

/// Who has a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The account.
    pub account: AccountId,
    /// What sort of name it is to them.
    pub kind: NameKind,
    /// Until when it resolves; `None` while it is in use.
    pub until: Option<Timestamp>,
    digest: String,
}

/// Many names looked up at once.
#[derive(Debug, Default)]
pub struct Holders(HashMap<(Space, String), Holder>);

impl Holders {
    /// Who has this name, in whatever spelling.
    pub fn of(&self, space: Space, text: &str) -> Option<&Holder> {
        self.0.get(&(space, fold(text)))
    }
}

/// One name in plain text, for indexes in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The account it means.
    pub account: AccountId,
    /// What sort of name it is.
    pub kind: NameKind,
    /// The name, folded as look-ups fold it.
    pub folded: String,
    /// Until when it resolves; `None` while it is in use.
    pub until: Option<Timestamp>,
}

/// Who has these names, resolving or not, in one question to the database for each space.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn holders<'n>(
    reader: &mut Reader<'_>,
    names: impl IntoIterator<Item = (Space, &'n str)>,
) -> Result<Holders> {
    let mut asked = HashMap::new();
    for (space, text) in names {
        for digest in reader.vault().blind_indexes(space.as_str(), text) {
            asked.insert((space, digest), fold(text));
        }
    }
    let mut found = HashMap::new();
    for space in Space::ALL {
        let digests: Vec<&String> =
            asked.keys().filter(|(of, _)| of == space).map(|(_, digest)| digest).collect();
        for (space, digest, kind, account, until) in store::of_digests(reader, *space, &digests)? {
            if let Some(folded) = asked.get(&(space, digest.clone())) {
                found.insert((space, folded.clone()), Holder { account, kind, until, digest });
            }
        }
    }
    Ok(Holders(found))
}

/// The account that a name means at this moment: in use, or given up less than 90 days ago.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn resolve(reader: &mut Reader<'_>, space: Space, text: &str) -> Result<Option<AccountId>> {
    let now = reader.now;
    let found = holders(reader, [(space, text)])?;
    let current = found.of(space, text).filter(|holder| holder.until.is_none_or(|until| until > now));
    Ok(current.map(|holder| holder.account.clone()))
}

/// The names a subject can be asked by, of these accounts.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database or a name that does not open.
pub fn of_accounts(reader: &mut Reader<'_>, accounts: &[AccountId]) -> Result<Vec<Name>> {
    let rows = store::subject_rows(reader, accounts)?;
    let vault = reader.vault();
    rows.into_iter().map(|row| row.into_name(vault)).collect()
}

/// The name by which another application asks for each of these accounts, as it was written: its external id if it
/// has one, else its username. An account that has neither is left out.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database or a name that does not open.
pub fn to_ask_by(reader: &mut Reader<'_>, accounts: &[AccountId]) -> Result<HashMap<AccountId, String>> {
    let rows = store::subject_rows(reader, accounts)?;
    let vault = reader.vault();
    let mut names = HashMap::new();
    for kind in [NameKind::Username, NameKind::ExternalId] {
        for row in rows.iter().filter(|row| row.kind == kind && row.until.is_none()) {
            names.insert(row.account.clone(), vault.open_text(place(&row.digest), &row.sealed)?);
        }
    }
    Ok(names)
}

/// A new name's row. The caller has seen that it is free.
pub(super) fn row(
    vault: &Vault,
    entropy: &dyn Entropy,
    now: Timestamp,
    account: &AccountId,
    (kind, text): (NameKind, &str),
) -> Result<NameRow> {
    let space = kind.space();
    let digest = vault.blind_index(space.as_str(), text);
    // An id says nothing about a person and is the account's own column: nothing to seal.
    let sealed = match kind {
        NameKind::Id => Vec::new(),
        _ => vault.seal(entropy, place(&digest), text.as_bytes())?,
    };
    Ok(NameRow { space, digest, kind, account: account.clone(), sealed, since: now, until: None })
}

fn place(digest: &str) -> Place<'_> {
    Place { table: "names", column: "sealed", row: digest }
}

/// Gives a name to an account, or says whose it is.
///
/// # Errors
/// [`Error::Conflict`] if it means, or ever meant, another account.
pub(super) fn take(tx: &mut Tx<'_>, account: &AccountId, kind: NameKind, text: &str) -> Result<()> {
    let found = holders(tx, [(kind.space(), text)])?;
    match found.of(kind.space(), text) {
        None => {
            let row = row(tx.vault(), tx.entropy(), tx.now, account, (kind, text))?;
            store::insert(tx, &[&row])
        }
        // One's own name in another part, or one's own former username: it means this account already. What was
        // ever a username stays one, so that it stays reserved.
        Some(holder) if holder.account == *account => {
            let kind = match holder.kind {
                NameKind::Id => return Ok(()),
                NameKind::Username => NameKind::Username,
                _ => kind,
            };
            let sealed = tx.vault().seal(tx.entropy(), place(&holder.digest), text.as_bytes())?;
            store::use_again(tx, &holder.digest, kind, sealed)
        }
        Some(_) => Err(taken(kind)),
    }
}

/// Why a name cannot be had.
pub(super) fn taken(kind: NameKind) -> Error {
    let detail = match kind {
        NameKind::Username => "this username belongs or belonged to somebody else; choose another",
        NameKind::EmployeeId => {
            "somebody with this employee id has an account already; a person has one account"
        }
        NameKind::Email => {
            "somebody with this e-mail address has an account already; a person has one account"
        }
        NameKind::Id | NameKind::ExternalId | NameKind::Federated => {
            "this name already means another account; a name means one account"
        }
    };
    Error::conflict("name-taken", detail)
}

/// Gives up a name: a username goes on resolving for a while and stays reserved, any other is free again.
pub(super) fn give_up(tx: &mut Tx<'_>, account: &AccountId, kind: NameKind, text: &str) -> Result<()> {
    let found = holders(tx, [(kind.space(), text)])?;
    let own = |holder: &&Holder| holder.account == *account && holder.kind == kind;
    let Some(holder) = found.of(kind.space(), text).filter(own) else { return Ok(()) };
    match kind {
        NameKind::Username => {
            let until = tx.now.plus(STILL_RESOLVES);
            store::retire(tx, kind.space(), &holder.digest, until)
        }
        _ => store::delete(tx, kind.space(), &holder.digest),
    }
}
