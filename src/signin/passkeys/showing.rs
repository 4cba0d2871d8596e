//! Showing a passkey: what is asked of the device, how its answer is judged, and what a use leaves behind.
//!
//! Rules: whose key it is says the row, and the device must say the same; a refusal does not say why; a count that goes
//! back is recorded and alarms, because there may be a copy. May call: `alarms`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use webauthn_rs::prelude::{DiscoverableAuthentication, Passkey, PublicKeyCredential, Uuid, WebauthnError};

use super::ceremony::{self, Bound, Challenge};
use super::registering::{LONGEST_CLIENT_DATA, LONGEST_ID};
use super::{Purpose, carried, changed, check_bytes, credential_place, opened, relying_party, space_of};
use crate::alarms::{self, Rule, Severity, Sighting};
use crate::app::App;
use crate::caller::Caller;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::ids::{AccountId, CeremonyId, PasskeyId};
use crate::signin::sessions::Session;
use crate::signin::store::passkeys::{self as store, Row};

/// The longest Base64 of the authenticator's data, the signature and the user handle, in characters.
pub const LONGEST_DATA: usize = 4_096;
/// Of the user handle.
pub const LONGEST_HANDLE: usize = 128;

/// What a device showed, as its browser tells it: Base64 for URLs.
pub struct Shown {
    /// The challenge that it answers.
    pub ceremony: CeremonyId,
    /// `rawId`.
    pub credential_id: String,
    /// `response.clientDataJSON`.
    pub client_data: String,
    /// `response.authenticatorData`.
    pub authenticator_data: String,
    /// `response.signature`.
    pub signature: String,
    /// `response.userHandle`.
    pub user_handle: Option<String>,
}

impl Shown {
    /// The same, each part within its limits.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the first that is not.
    pub(in crate::signin) fn checked(self) -> Result<Self> {
        check_bytes("credential_id", &self.credential_id, LONGEST_ID)?;
        check_bytes("client_data", &self.client_data, LONGEST_CLIENT_DATA)?;
        check_bytes("authenticator_data", &self.authenticator_data, LONGEST_DATA)?;
        check_bytes("signature", &self.signature, LONGEST_DATA)?;
        if let Some(handle) = &self.user_handle {
            check_bytes("user_handle", handle, LONGEST_HANDLE)?;
        }
        Ok(self)
    }

    fn credential(&self) -> Option<PublicKeyCredential> {
        let told = json!({
            "id": self.credential_id, "rawId": self.credential_id, "type": "public-key",
            "response": {
                "authenticatorData": self.authenticator_data, "clientDataJSON": self.client_data,
                "signature": self.signature, "userHandle": self.user_handle,
            },
        });
        serde_json::from_value(told).ok()
    }
}

/// A passkey that was shown rightly; nothing has come of it yet.
pub(in crate::signin) struct Judged {
    /// Whose it is.
    pub account: AccountId,
    id: PasskeyId,
    passkey: Passkey,
    counter: u32,
}

/// Who is asked for a key, and where.
pub(in crate::signin) struct Whom<'a> {
    /// Whose it must be, where that is known.
    pub account: Option<&'a AccountId>,
    /// Whether they stand at a shared workstation.
    pub shared: bool,
}

impl<'a> Whom<'a> {
    /// The owner of a session, where it was begun.
    pub fn of(session: &'a Session) -> Self {
        Self { account: Some(&session.account), shared: session.workstation.is_some() }
    }
}

/// Asks a device for one of somebody's keys, or for whichever it has for this house; on a blocking thread.
///
/// # Errors
/// [`Error::Conflict`] `passkey-missing` if the account has none; `passkeys-unavailable`.
pub(in crate::signin) fn begin(
    app: &App,
    purpose: Purpose,
    bound: &Bound<'_>,
    whom: Whom<'_>,
) -> Result<Challenge> {
    let party = relying_party(app)?;
    let (options, state) = party
        .start_discoverable_authentication()
        .map_err(|cause| Error::internal("asking for a passkey", cause))?;
    let mut options =
        serde_json::to_value(options).map_err(|cause| Error::internal("writing options", cause))?;
    let mut public_key = options["publicKey"].take();
    if whom.shared {
        carried(&mut public_key);
    }
    if let Some(account) = whom.account {
        public_key["allowCredentials"] = Value::Array(known(app, account)?);
    }
    ceremony::begin(app, purpose, bound, &state, public_key)
}

fn known(app: &App, account: &AccountId) -> Result<Vec<Value>> {
    let vault = &app.context().vault;
    let rows = app.read_now(|reader| store::list(reader, account))?;
    if rows.is_empty() {
        return Err(Error::conflict("passkey-missing", "You have no passkey here; use a code."));
    }
    let named = rows.iter().map(|row| {
        let id = URL_SAFE_NO_PAD.encode(opened(vault, row)?.cred_id());
        Ok(json!({ "type": "public-key", "id": id }))
    });
    named.collect()
}

/// Judges what a device showed, on a blocking thread; `None` refuses. `account` is whose it must be, where that is
/// known.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub(in crate::signin) fn judge(
    app: &App,
    purpose: Purpose,
    (bound, account): (&Bound<'_>, Option<&AccountId>),
    shown: &Shown,
) -> Result<Option<Judged>> {
    let party = relying_party(app)?;
    let state: Option<DiscoverableAuthentication> = ceremony::take(app, &shown.ceremony, purpose, bound)?;
    let (Some(state), Some(told)) = (state, shown.credential()) else { return Ok(None) };
    let (space, found_by) = space_of(told.get_credential_id());
    let digests = app.context().vault.blind_indexes(space, &found_by);
    let Some(row) = app.read_now(|reader| store::by_digest(reader, &digests))? else { return Ok(None) };
    if !is_owner(&row, &told, account) {
        return Ok(None);
    }
    let mut passkey = opened(&app.context().vault, &row)?;
    match party.finish_discoverable_authentication_v2(&told, state, &passkey) {
        Ok(result) => {
            passkey.update_credential(&result);
            Ok(Some(Judged { account: row.account, id: row.id, passkey, counter: result.counter() }))
        }
        Err(WebauthnError::CredentialPossibleCompromise) => {
            app.write_now(&Caller::nobody(), |tx| note_copy(tx, &row))?;
            Ok(None)
        }
        Err(cause) => {
            tracing::info!(%cause, passkey = %row.id, "a passkey was refused");
            Ok(None)
        }
    }
}

/// Whether the device says whose key it is, and it is so. Where somebody is known already it need not say.
fn is_owner(row: &Row, told: &PublicKeyCredential, account: Option<&AccountId>) -> bool {
    let handle = told.get_user_unique_id().map(|bytes| Uuid::from_slice(bytes).ok());
    let says = |uuid: Option<Uuid>| uuid.is_some_and(|uuid| uuid.to_string() == row.account.as_str());
    match account {
        Some(account) => *account == row.account && handle.is_none_or(says),
        None => handle.is_some_and(says),
    }
}

/// A count went back: somebody may hold a copy of the key.
fn note_copy(tx: &mut Tx<'_>, row: &Row) -> Result<()> {
    tx.record(changed(&row.account, &row.id, "count_went_back"));
    let seen = Sighting::of(Rule::PasskeyCopied, Severity::Critical)
        .account(Some(&row.account))
        .about(row.id.as_str())
        .samples([row.id.to_string()]);
    alarms::raise(tx, seen).map(drop)
}

/// Notes the use of a passkey in the transaction of what comes of it: false if it was removed since, or its count was
/// overtaken.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub(in crate::signin) fn use_up(tx: &mut Tx<'_>, judged: &Judged) -> Result<bool> {
    let text =
        serde_json::to_vec(&judged.passkey).map_err(|cause| Error::internal("writing a passkey", cause))?;
    let sealed = tx.vault().seal(tx.entropy(), credential_place(&judged.id), &text)?;
    store::used(tx, &judged.id, judged.counter.into(), &sealed)
}
