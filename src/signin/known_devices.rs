//! Known devices: a browser in which somebody signed in completely keeps its own way in while strangers guess.
//!
//! Rules: a device is known by a 256-bit token in a cookie, of which the database has the digest, and only to the
//! account that signed in; at most five, for 30 days, until the password changes or the person leaves. It is no
//! credential: it opens nothing, it only has a counter of its own (`lockout`). Whether there are any is the profile's
//! to say: `lockout.known_devices` (O15). A shared workstation is nobody's device: none is known there, and none that it
//! was before counts. May call: nothing beyond this slice.

use aws_lc_rs::digest::{SHA256, digest};
use chrono::Duration;

use super::hasher::Secret;
use super::sessions::Session;
use super::store::devices as store;
use super::{Visitor, workstations};
use crate::db::{Reader, Tx};
use crate::entropy;
use crate::error::Result;
use crate::ids::AccountId;
use crate::log::event::Change;
use crate::profile::Profile;
use crate::profile::settings::KnownDevices;

/// The cookie that carries the token: Secure, HttpOnly, SameSite=Lax, Path=/.
pub const COOKIE: &str = "__Host-device";

/// For so long a device is known after a sign-in.
pub const LIFE: Duration = Duration::days(30);

/// The most devices of one account; a new one takes the place of the oldest.
const MOST: usize = 5;
const TOKEN_LENGTH: usize = 43;

/// Whether devices are known at all. Every complete sign-in of this house has a second factor.
pub(super) fn are_known(profile: &Profile) -> bool {
    profile.lockout().known_devices != KnownDevices::Off
}

/// The digest of the device that a browser shows, if it is one of the account's and no shared workstation.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub(super) fn shown(
    reader: &mut Reader<'_>,
    account: &AccountId,
    visitor: &Visitor,
) -> Result<Option<String>> {
    let token = visitor.device.as_ref().filter(|token| token.expose().len() == TOKEN_LENGTH);
    let Some(token) = token else { return Ok(None) };
    if !are_known(&reader.profile()) || workstations::shown(reader, visitor)?.is_some() {
        return Ok(None);
    }
    let digest = digest_of(token);
    Ok(store::counts(reader, account, &digest)?.then_some(digest))
}

/// Knows the browser from now on: its new token, in place of the one that it showed. One that was not known before is an
/// event, and its owner is told. `None` where none is known; on a shared workstation the event is that somebody came in
/// there.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub(super) fn remember(tx: &mut Tx<'_>, session: &Session, visitor: &Visitor) -> Result<Option<Secret>> {
    if !are_known(&tx.profile()) {
        return Ok(None);
    }
    if let Some(workstation) = &session.workstation {
        workstations::entered(tx, session, workstation)?;
        return Ok(None);
    }
    let account = &session.account;
    match shown(tx, account, visitor)? {
        Some(before) => store::delete(tx, &[before]).map(drop)?,
        None => tx.record(Change::DeviceRemembered { account: account.clone() }),
    }
    let token = Secret::new(entropy::token(tx.entropy()));
    let ends_at = tx.now.plus(LIFE);
    let oldest: Vec<String> = store::of_account(tx, account)?.into_iter().skip(MOST - 1).collect();
    store::delete(tx, &oldest)?;
    store::insert(tx, account, &digest_of(&token), ends_at)?;
    Ok(Some(token))
}

/// The digests of the account's devices.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub(super) fn of_account(reader: &mut Reader<'_>, account: &AccountId) -> Result<Vec<String>> {
    store::of_account(reader, account)
}

/// Knows the device of this token no more, whosever it was.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub(super) fn let_go(tx: &mut Tx<'_>, token: &Secret) -> Result<()> {
    store::delete(tx, &[digest_of(token)]).map(drop)
}

/// Knows none of the account's devices any more.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub(super) fn void(tx: &mut Tx<'_>, account: &AccountId) -> Result<()> {
    let all = store::of_account(tx, account)?;
    store::delete(tx, &all).map(drop)
}

/// Deletes up to `limit` devices that are known no longer; returns how many.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub(super) fn forget(reader: &mut Reader<'_>, limit: i64) -> Result<usize> {
    store::forget(reader, limit)
}

fn digest_of(token: &Secret) -> String {
    hex::encode(digest(&SHA256, token.expose().as_bytes()))
}
