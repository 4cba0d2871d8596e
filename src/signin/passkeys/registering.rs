//! Adding a passkey: what is asked of the device, and how its answer is judged.
//!
//! Rules: the key must be found without a username and its owner verified; no make of device is asked for; a key is
//! known once in this house. May call: `accounts`.

use serde_json::{Value, json};
use webauthn_rs::prelude::{Passkey, PasskeyRegistration, RegisterPublicKeyCredential, Uuid};

use super::ceremony::{self, Bound, Challenge};
use super::{
    Listed, MOST, Purpose, carried, changed, check_bytes, checked_name, credential_place, listed, name_place,
    opened, relying_party, space_of,
};
use crate::accounts;
use crate::app::{App, Written};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::ids::{AccountId, CeremonyId, PasskeyId};
use crate::signin::factors;
use crate::signin::sessions::Session;
use crate::signin::store::passkeys as store;

/// The longest Base64 of each part, in characters.
pub const LONGEST_ID: usize = 1_400;
/// Of the client's data.
pub const LONGEST_CLIENT_DATA: usize = 8_192;
/// Of the attestation.
pub const LONGEST_ATTESTATION: usize = 32_768;

/// What a device made, as its browser tells it: Base64 for URLs.
pub struct Made {
    /// The challenge that it answers.
    pub ceremony: CeremonyId,
    /// What its owner calls it.
    pub name: String,
    /// `rawId`.
    pub credential_id: String,
    /// `response.clientDataJSON`.
    pub client_data: String,
    /// `response.attestationObject`.
    pub attestation: String,
}

impl Made {
    /// The same, each part within its limits.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the first that is not.
    pub(super) fn checked(self) -> Result<Self> {
        let name = checked_name(&self.name)?;
        check_bytes("credential_id", &self.credential_id, LONGEST_ID)?;
        check_bytes("client_data", &self.client_data, LONGEST_CLIENT_DATA)?;
        check_bytes("attestation", &self.attestation, LONGEST_ATTESTATION)?;
        Ok(Self { name, ..self })
    }

    fn credential(&self) -> Result<RegisterPublicKeyCredential> {
        let told = json!({
            "id": self.credential_id, "rawId": self.credential_id, "type": "public-key",
            "response": { "attestationObject": self.attestation, "clientDataJSON": self.client_data },
        });
        serde_json::from_value(told).map_err(|_| not_so())
    }
}

fn not_so() -> Error {
    let text =
        "is not what was asked for: another address, a device that did not verify its owner, or altered";
    Error::field("attestation", text)
}

/// Asks a device for a key, on a blocking thread.
///
/// # Errors
/// [`Error::Conflict`] `too-many-passkeys` or `passkeys-unavailable`.
pub(super) fn begin(app: &App, session: &Session, purpose: Purpose) -> Result<Challenge> {
    let party = relying_party(app)?;
    let (details, known) = app.read_now(|reader| {
        let details = accounts::find_named(reader, &session.account)?.details;
        let vault = reader.vault();
        let rows = store::list(reader, &session.account)?;
        let known = rows.iter().map(|row| Ok(opened(vault, row)?.cred_id().clone()));
        Ok((details, known.collect::<Result<Vec<_>>>()?))
    })?;
    if known.len() >= MOST {
        return Err(too_many());
    }
    let user = Uuid::parse_str(session.account.as_str())
        .map_err(|cause| Error::internal("reading an account's id", cause))?;
    let (options, state) = party
        .start_passkey_registration(user, &details.username, &details.display_name(), Some(known))
        .map_err(|cause| Error::internal("asking for a passkey", cause))?;
    let mut options =
        serde_json::to_value(options).map_err(|cause| Error::internal("writing options", cause))?;
    let mut public_key = options["publicKey"].take();
    // The library would be content with a key that is found by username only.
    if let Some(Value::Object(selection)) = public_key.get_mut("authenticatorSelection") {
        selection.insert("residentKey".to_owned(), json!("required"));
        selection.insert("requireResidentKey".to_owned(), json!(true));
    }
    if session.workstation.is_some() {
        carried(&mut public_key);
    }
    ceremony::begin(app, purpose, &Bound::Session(&session.id), &state, public_key)
}

/// Judges what a device made, on a blocking thread.
///
/// # Errors
/// [`Error::Conflict`] `challenge-over`; [`Error::Invalid`] for what is not as it was asked for.
pub(super) fn judge(app: &App, session: &Session, purpose: Purpose, made: &Made) -> Result<Passkey> {
    let party = relying_party(app)?;
    let bound = Bound::Session(&session.id);
    let state: PasskeyRegistration =
        ceremony::take(app, &made.ceremony, purpose, &bound)?.ok_or_else(ceremony::over)?;
    let told = made.credential()?;
    party.finish_passkey_registration(&told, &state).map_err(|cause| {
        tracing::info!(%cause, account = %session.account, "a passkey was refused");
        not_so()
    })
}

/// Adds a judged passkey to an account.
///
/// # Errors
/// [`Error::Conflict`] `passkey-known` or `too-many-passkeys`.
pub(super) fn add(tx: &mut Tx<'_>, account: &AccountId, passkey: &Passkey, name: &str) -> Result<Listed> {
    let (space, found_by) = space_of(passkey.cred_id());
    let digests = tx.vault().blind_indexes(space, &found_by);
    if store::by_digest(tx, &digests)?.is_some() {
        return Err(Error::conflict("passkey-known", "This passkey is known here already."));
    }
    if super::count(tx, account)? >= MOST {
        return Err(too_many());
    }
    let text = serde_json::to_value(passkey).map_err(|cause| Error::internal("writing a passkey", cause))?;
    let counter = text["cred"]["counter"].as_i64().unwrap_or(0);
    let id = PasskeyId::new(tx.now, tx.entropy());
    let vault = tx.vault();
    let credential = vault.seal(tx.entropy(), credential_place(&id), text.to_string().as_bytes())?;
    let sealed_name = vault.seal(tx.entropy(), name_place(&id), name.as_bytes())?;
    let new = store::New {
        id: &id,
        account,
        digest: &vault.blind_index(space, &found_by),
        credential: &credential,
        name: &sealed_name,
        counter,
    };
    store::insert(tx, &new)?;
    factors::record_new(tx, account, changed(account, &id, "added"))?;
    let row = store::find(tx, account, &id)?.ok_or(Error::NotFound("passkey"))?;
    listed(vault, row)
}

/// Asks for one more passkey of somebody signed in, who has shown lately who they are.
///
/// # Errors
/// [`Error::Forbidden`] `proof-required`; [`Error::Conflict`] `too-many-passkeys` or `passkeys-unavailable`.
pub async fn begin_own(app: &App, session: Session) -> Result<Challenge> {
    app.to_its_end(move |app| {
        session.caller().check_proof(app.context().clock.now())?;
        begin(app, &session, Purpose::Registration)
    })
    .await
}

/// Adds it.
///
/// # Errors
/// [`Error::Forbidden`] `proof-required`; [`Error::Conflict`] `challenge-over` or `passkey-known`; [`Error::Invalid`]
/// for what is not as it was asked for.
pub async fn add_own(app: &App, session: Session, made: Made) -> Result<Written<Listed>> {
    let made = made.checked()?;
    app.to_its_end(move |app| {
        session.caller().check_proof(app.context().clock.now())?;
        let passkey = judge(app, &session, Purpose::Registration, &made)?;
        app.write_now(&session.caller(), |tx| add(tx, &session.account, &passkey, &made.name))
    })
    .await
}

fn too_many() -> Error {
    Error::conflict("too-many-passkeys", format!("You have {MOST} passkeys; remove one that you do not use."))
}
