//! One-time links: whoever delivers one makes it, the database has its digest only.
//!
//! Rules: a link ends; looking at it uses nothing up; of any number who use it, one does. A new link of the same
//! purpose for the same person takes the place of the old one. May call: `log`.

use aws_lc_rs::digest::{SHA256, digest};
use chrono::Duration;

use super::store::links as store;
use crate::clock::Timestamp;
use crate::db::{Reader, Tx};
use crate::entropy;
use crate::error::{Error, Result};
use crate::ids::AccountId;
use crate::log::event::Change;

const TOKEN_LENGTH: usize = 43;

crate::text_enum! {
    /// What a link is for.
    pub enum Purpose {
        /// The first run of the house.
        SetUp = "set-up",
        /// A first password and second factor for one person.
        Enrolment = "enrolment",
    }
}

impl Purpose {
    /// How long a link of this purpose can be used.
    fn lasts(self) -> Duration {
        match self {
            Self::SetUp => Duration::hours(1),
            Self::Enrolment => Duration::hours(24),
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::SetUp => "set-up",
            Self::Enrolment => "enrol",
        }
    }
}

/// A link that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What it is for.
    pub purpose: Purpose,
    /// Whom it is for; `None` for the first run.
    pub account: Option<AccountId>,
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
}

/// Makes a link; unused ones of the same purpose for the same person are void from now on.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn make(tx: &mut Tx<'_>, purpose: Purpose, account: Option<&AccountId>) -> Result<Made> {
    store::void(tx, purpose, account)?;
    let token = entropy::token(tx.entropy());
    let expires_at = tx.now.plus(purpose.lasts());
    let link = Link { purpose, account: account.cloned(), expires_at };
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
    if token.len() != TOKEN_LENGTH {
        return Err(Error::NotFound("link"));
    }
    let link = store::find(reader, &fingerprint(token))?;
    link.filter(|link| link.purpose == purpose).ok_or(Error::NotFound("link"))
}

/// Uses a link up.
///
/// # Errors
/// [`Error::NotFound`] if there is none of that purpose, it was used or has ended.
pub fn take(tx: &mut Tx<'_>, purpose: Purpose, token: &str) -> Result<Link> {
    if token.len() != TOKEN_LENGTH {
        return Err(Error::NotFound("link"));
    }
    let link = store::take(tx, &fingerprint(token), purpose)?.ok_or(Error::NotFound("link"))?;
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
