//! Passkeys (WebAuthn): keys that devices hold for people and use once somebody has shown their device a PIN, a finger
//! or a face.
//!
//! Rules:
//! - The device is always asked to verify its owner, so a passkey is two factors in one: it signs in alone, or follows a
//!   password in place of a code.
//! - What a device signs counts for the configured public URL and nothing else, within five minutes, once, and in the
//!   browser or session that asked.
//! - A shared workstation is asked for keys that people carry, never for those that it keeps itself.
//! - Signatures are judged outside transactions; what follows from them is decided inside, from the rows as they are.
//! - A count that goes back is refused, recorded, and alarms. Wrong passwords and codes never keep a passkey out.
//! - Keys and names are sealed; events carry ids. May call: `accounts`, `alarms`, `organisation`.

mod ceremony;
mod enrolling;
mod entering;
mod registering;
mod showing;

use serde::Serialize;
use serde_json::{Value, json};
use webauthn_rs::prelude::{Passkey, Url, Webauthn, WebauthnBuilder};

pub(super) use ceremony::Bound;
pub use ceremony::Challenge;
pub use enrolling::{begin_enrolment, enrol};
pub use entering::{begin_second_factor, begin_sign_in, sign_in, take_second_factor};
pub use registering::{Made, add_own, begin_own};
pub use showing::Shown;
pub(super) use showing::{Whom, begin as begin_showing, judge, use_up};

use super::store::passkeys::{self as store, Row};
use super::{factors, sessions::Session};
use crate::app::{App, Written};
use crate::clock::Timestamp;
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::ids::{AccountId, PasskeyId};
use crate::log::event::Change;
use crate::text_enum;
use crate::vault::{Place, Vault};

/// The longest name of a passkey, in characters.
pub const LONGEST_NAME: usize = 60;
/// The most passkeys of one person.
const MOST: usize = 20;

text_enum! {
    /// What a passkey is made for, or shown for.
    pub enum Purpose {
        /// The first factor of somebody who enrols.
        Enrolment = "enrolment",
        /// One more passkey of somebody signed in.
        Registration = "registration",
        /// Signing in with it alone.
        SignIn = "sign-in",
        /// After the password.
        SecondFactor = "second-factor",
        /// Showing again who one is.
        Proof = "proof",
    }
}

/// A passkey as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = Passkey)]
pub struct Listed {
    /// Its id.
    pub id: PasskeyId,
    /// What its owner calls it.
    pub name: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was shown last; null if it never was.
    #[schema(required)]
    pub used_at: Option<Timestamp>,
}

/// The passkeys of an account, the oldest first.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database or a name that does not open.
pub fn list(reader: &mut Reader<'_>, account: &AccountId) -> Result<Vec<Listed>> {
    let vault = reader.vault();
    store::list(reader, account)?.into_iter().map(|row| listed(vault, row)).collect()
}

fn listed(vault: &Vault, row: Row) -> Result<Listed> {
    let name = vault.open_text(name_place(&row.id), &row.name)?;
    Ok(Listed { name, id: row.id, created_at: row.created_at, used_at: row.used_at })
}

/// How many passkeys an account has.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn count(reader: &mut Reader<'_>, account: &AccountId) -> Result<usize> {
    Ok(usize::try_from(store::count(reader, account)?).unwrap_or(0))
}

/// Gives one of one's own passkeys another name.
///
/// # Errors
/// [`Error::NotFound`] if one has no such passkey; [`Error::Invalid`] for a name that is none.
pub async fn rename(app: &App, session: Session, id: PasskeyId, name: String) -> Result<Written<Listed>> {
    let name = checked_name(&name)?;
    app.write(&session.caller(), move |tx| {
        let row = store::find(tx, &session.account, &id)?.ok_or(Error::NotFound("passkey"))?;
        let sealed = tx.vault().seal(tx.entropy(), name_place(&id), name.as_bytes())?;
        store::rename(tx, &id, &sealed)?;
        tx.record(changed(&session.account, &id, "renamed"));
        listed(tx.vault(), Row { name: sealed, ..row })
    })
    .await
}

/// Removes one of one's own passkeys. Needs a fresh proof, and another strong factor that stays.
///
/// # Errors
/// [`Error::NotFound`] if one has no such passkey; [`Error::Forbidden`] `proof-required`; [`Error::Conflict`]
/// `last-factor`.
pub async fn remove(app: &App, session: Session, id: PasskeyId) -> Result<Written<()>> {
    app.write(&session.caller(), move |tx| {
        tx.caller.check_proof(tx.now)?;
        store::find(tx, &session.account, &id)?.ok_or(Error::NotFound("passkey"))?;
        factors::check_another_stays(tx, &session.account)?;
        store::delete(tx, &id)?;
        tx.record(changed(&session.account, &id, "removed"));
        Ok(())
    })
    .await
}

/// Takes every passkey of an account away, for somebody who leaves or is recovered.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub(super) fn remove_all(tx: &mut Tx<'_>, account: &AccountId) -> Result<()> {
    for row in store::list(tx, account)? {
        store::delete(tx, &row.id)?;
        tx.record(changed(account, &row.id, "removed"));
    }
    Ok(())
}

/// Forgets challenges whose time is over; returns how many.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub(super) fn forget(reader: &mut Reader<'_>, limit: i64) -> Result<usize> {
    store::forget(reader, limit)
}

fn changed(account: &AccountId, passkey: &PasskeyId, what: &str) -> Change {
    Change::PasskeyChanged { account: account.clone(), passkey: passkey.clone(), what: what.to_owned() }
}

/// This house as devices know it: by the host of its configured public URL.
fn relying_party(app: &App) -> Result<Webauthn> {
    let nameless = || {
        let help =
            "Passkeys need a public URL with a name, such as https://access.example; this house has none.";
        Error::conflict("passkeys-unavailable", help)
    };
    let url = Url::parse(&app.config().public_url).map_err(|_| nameless())?;
    let host = url.domain().ok_or_else(nameless)?.to_owned();
    let organisation = app.organisation().name.clone();
    let name = if organisation.is_empty() { "Bailiwick" } else { organisation.as_str() };
    let lasts = ceremony::LASTS.to_std().unwrap_or_default();
    let builder = WebauthnBuilder::new(&host, &url).map_err(|_| nameless())?;
    builder
        .rp_name(name)
        .timeout(lasts)
        .build()
        .map_err(|cause| Error::internal("making the relying party", cause))
}

/// On a shared workstation only a key that its owner carries will do: whoever knows the terminal's own lock could use one
/// that it keeps.
fn carried(public_key: &mut Value) {
    public_key["hints"] = json!(["security-key"]);
    if let Some(Value::Object(selection)) = public_key.get_mut("authenticatorSelection") {
        selection.insert("authenticatorAttachment".to_owned(), json!("cross-platform"));
    }
}

fn opened(vault: &Vault, row: &Row) -> Result<Passkey> {
    let text = vault.open(credential_place(&row.id), &row.credential)?;
    serde_json::from_slice(&text).map_err(|cause| Error::internal("reading a passkey", cause))
}

/// What a passkey may be called.
fn checked_name(name: &str) -> Result<String> {
    let name = name.trim();
    if name.chars().any(char::is_control) || !(1..=LONGEST_NAME).contains(&name.chars().count()) {
        return Err(Error::field("name", format!("must have 1 to {LONGEST_NAME} characters")));
    }
    Ok(name.to_owned())
}

/// Refuses what cannot be Base64 for URLs, as browsers write bytes.
fn check_bytes(field: &str, text: &str, longest: usize) -> Result<()> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if text.is_empty() || text.len() > longest || !text.bytes().all(plain) {
        return Err(Error::field(
            field,
            format!("must be Base64 for URLs without padding, of at most {longest} characters"),
        ));
    }
    Ok(())
}

/// What a credential is found by. In hexadecimal, for the index knows no large and small letters.
fn space_of(credential: &[u8]) -> (&'static str, String) {
    ("passkeys", hex::encode(credential))
}

fn credential_place(id: &PasskeyId) -> Place<'_> {
    Place { table: "passkeys", column: "credential", row: id.as_str() }
}

fn name_place(id: &PasskeyId) -> Place<'_> {
    Place { table: "passkeys", column: "name", row: id.as_str() }
}
