//! One-time links: whoever delivers one makes it, the database has its digest only.
//!
//! Rules: a link ends; looking at it uses nothing up; of any number who use it, one does. A new link of the same
//! purpose for the same person takes the place of the old one. May call: `log`.

use aws_lc_rs::digest::{SHA256, digest};
use chrono::Duration;

use super::store::links as store;
use super::totp;
use crate::clock::Timestamp;
use crate::db::{Reader, Tx};
use crate::entropy::{self, Entropy};
use crate::error::{Error, Result};
use crate::ids::{AccountId, WorkstationId};
use crate::log::event::Change;

const TOKEN_LENGTH: usize = 43;

crate::text_enum! {
    /// What a link is for.
    pub enum Purpose {
        /// The first run of the house.
        SetUp = "set-up",
        /// A first password and second factor for one person.
        Enrolment = "enrolment",
        /// Opening a locked password.
        Unlock = "unlock",
        /// A new password for somebody who forgot theirs.
        Recovery = "recovery",
        /// The same, handed over in person.
        Reset = "reset",
        /// A pass that stands for a lost second factor.
        Pass = "pass",
        /// Making a browser a shared workstation.
        Workstation = "workstation",
    }
}

impl Purpose {
    /// How long a link of this purpose can be used.
    fn lasts(self) -> Duration {
        match self {
            Self::SetUp | Self::Pass => Duration::hours(1),
            Self::Enrolment | Self::Unlock | Self::Recovery | Self::Reset | Self::Workstation => {
                Duration::hours(24)
            }
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::SetUp => "set-up",
            Self::Enrolment => "enrol",
            Self::Unlock => "unlock",
            Self::Recovery | Self::Reset => "recover",
            Self::Pass => "pass",
            Self::Workstation => "workstation",
        }
    }

    /// What opens: long where a machine carries it, and short where a person types it.
    fn token(self, entropy: &dyn Entropy) -> String {
        if self.is_typed() { totp::recovery_code(entropy) } else { entropy::token(entropy) }
    }

    fn length(self) -> usize {
        if self.is_typed() { totp::RECOVERY_LENGTH } else { TOKEN_LENGTH }
    }

    fn is_typed(self) -> bool {
        matches!(self, Self::Pass | Self::Workstation)
    }
}

/// A link that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What it is for.
    pub purpose: Purpose,
    /// Whom it is for; `None` for the first run.
    pub account: Option<AccountId>,
    /// Which shared workstation it makes of a browser; `None` for every other purpose.
    pub workstation: Option<WorkstationId>,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A link that was just made; the token is nowhere else.
pub struct Made {
    /// What stands at the end of the address.
    pub token: String,
    /// When it ends.
    pub expires_at: Timestamp,
    purpose: Purpose,
}

impl Made {
    /// The whole address, below the URL under which people reach this house.
    pub fn address(&self, public_url: &str) -> String {
        format!("{public_url}/{}/{}", self.purpose.path(), self.token)
    }

    /// The token in groups of four, as a person types it.
    pub fn in_groups(&self) -> String {
        let signs: Vec<char> = self.token.chars().collect();
        signs.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
    }
}

/// Makes a link; unused ones of the same purpose for the same person are void from now on.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn make(tx: &mut Tx<'_>, purpose: Purpose, account: Option<&AccountId>) -> Result<Made> {
    store::void(tx, purpose, account)?;
    issue(tx, purpose, account, None)
}

/// Makes the code that makes a browser a shared workstation; one that was made before is void from now on.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn make_for_workstation(tx: &mut Tx<'_>, workstation: &WorkstationId) -> Result<Made> {
    store::void_of_workstation(tx, workstation)?;
    issue(tx, Purpose::Workstation, None, Some(workstation))
}

/// Makes unused codes of a workstation worthless.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn void_of_workstation(tx: &mut Tx<'_>, workstation: &WorkstationId) -> Result<()> {
    store::void_of_workstation(tx, workstation)
}

/// Makes a link and leaves those before it as they are: for a mail that is sent once more. The first of them that is
/// used makes the others void.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn make_beside(tx: &mut Tx<'_>, purpose: Purpose, account: &AccountId) -> Result<Made> {
    issue(tx, purpose, Some(account), None)
}

/// Says that somebody is to get a link by mail. Whoever delivers the mail makes it.
pub fn due(tx: &mut Tx<'_>, purpose: Purpose, account: &AccountId) {
    tx.record(Change::LinkDue { account: account.clone(), purpose: purpose.as_str().to_owned() });
}

fn issue(
    tx: &mut Tx<'_>,
    purpose: Purpose,
    account: Option<&AccountId>,
    workstation: Option<&WorkstationId>,
) -> Result<Made> {
    let token = purpose.token(tx.entropy());
    let expires_at = tx.now.plus(purpose.lasts());
    let link = Link { purpose, account: account.cloned(), workstation: workstation.cloned(), expires_at };
    store::insert(tx, &fingerprint(&token), &link)?;
    tx.record(Change::LinkIssued {
        account: account.cloned(),
        purpose: purpose.as_str().to_owned(),
        expires_at,
    });
    Ok(Made { token, expires_at, purpose })
}

/// Makes unused links of that purpose for that person worthless.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn void(tx: &mut Tx<'_>, purpose: Purpose, account: Option<&AccountId>) -> Result<()> {
    store::void(tx, purpose, account)
}

/// Looks at a link without using it.
///
/// # Errors
/// [`Error::NotFound`] if there is none of that purpose, it was used or has ended.
pub fn look(reader: &mut Reader<'_>, purpose: Purpose, token: &str) -> Result<Link> {
    if token.len() != purpose.length() {
        return Err(Error::NotFound("link"));
    }
    let link = store::find(reader, &fingerprint(token))?;
    link.filter(|link| link.purpose == purpose).ok_or(Error::NotFound("link"))
}

/// Uses a link up; others of its purpose for the same person are void from then on.
///
/// # Errors
/// [`Error::NotFound`] if there is none of that purpose, it was used or has ended.
pub fn take(tx: &mut Tx<'_>, purpose: Purpose, token: &str) -> Result<Link> {
    if token.len() != purpose.length() {
        return Err(Error::NotFound("link"));
    }
    let link = store::take(tx, &fingerprint(token), purpose)?.ok_or(Error::NotFound("link"))?;
    match &link.workstation {
        Some(workstation) => store::void_of_workstation(tx, workstation)?,
        None => store::void(tx, purpose, link.account.as_ref())?,
    }
    tx.record(Change::LinkUsed { account: link.account.clone(), purpose: purpose.as_str().to_owned() });
    Ok(link)
}

/// Deletes up to `limit` links that ended a week ago or earlier; returns how many.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn forget(reader: &mut Reader<'_>, limit: i64) -> Result<usize> {
    let before = reader.now.minus(Duration::days(7));
    store::forget(reader, before, limit)
}

fn fingerprint(token: &str) -> String {
    hex::encode(digest(&SHA256, token.as_bytes()))
}
