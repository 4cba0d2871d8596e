//! Ceremonies: a challenge that is kept here and answered once, in the browser or session that asked for it.
//!
//! Rules: a ceremony ends after five minutes; whoever answers takes it, right or wrong, so that of any number who answer
//! one is judged. May call: nothing beyond this slice.

use aws_lc_rs::digest::{SHA256, digest};
use chrono::Duration;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Purpose;
use crate::app::App;
use crate::error::{Error, Result};
use crate::ids::{CeremonyId, SessionId};
use crate::signin::store::passkeys as store;
use crate::vault::Place;

/// How long a challenge may be answered.
pub(super) const LASTS: Duration = Duration::minutes(5);
/// How many that are over are swept away with each that begins: so the table holds what five minutes bring.
const SWEPT: i64 = 20;

/// What a browser hands to `navigator.credentials`, and what it is answered under.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = PasskeyChallenge)]
pub struct Challenge {
    /// To be sent back with the answer.
    pub ceremony: CeremonyId,
    /// The options of WebAuthn, level 3, as JSON: bytes are Base64 for URLs.
    #[schema(value_type = Object)]
    pub public_key: Value,
}

/// To whom a ceremony belongs.
pub(in crate::signin) enum Bound<'a> {
    /// A browser, by the token in its cookie.
    Browser(&'a str),
    /// A session.
    Session(&'a SessionId),
}

impl Bound<'_> {
    fn text(&self) -> String {
        match self {
            Self::Browser(token) => {
                format!("browser:{}", hex::encode(digest(&SHA256, token.as_bytes())))
            }
            Self::Session(id) => format!("session:{id}"),
        }
    }
}

/// Keeps a challenge until it is answered.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub(super) fn begin(
    app: &App,
    purpose: Purpose,
    bound: &Bound<'_>,
    state: &impl Serialize,
    public_key: Value,
) -> Result<Challenge> {
    let state = serde_json::to_vec(state).map_err(|cause| Error::internal("writing a ceremony", cause))?;
    app.database().alone(|reader| {
        store::forget(reader, SWEPT)?;
        let id = CeremonyId::new(reader.now, reader.entropy());
        let sealed = reader.vault().seal(reader.entropy(), place(&id), &state)?;
        let ends_at = reader.now.plus(LASTS);
        store::begin(reader, &id, (purpose, &bound.text()), &sealed, ends_at)?;
        Ok(Challenge { ceremony: id, public_key })
    })
}

/// Takes a challenge that is answered; `None` if there is none of that purpose for that browser or session.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub(super) fn take<S: DeserializeOwned>(
    app: &App,
    id: &CeremonyId,
    purpose: Purpose,
    bound: &Bound<'_>,
) -> Result<Option<S>> {
    let sealed = app.database().alone(|reader| store::take(reader, id, (purpose, &bound.text())))?;
    let Some(sealed) = sealed else { return Ok(None) };
    let state = app.context().vault.open(place(id), &sealed)?;
    serde_json::from_slice(&state).map(Some).map_err(|cause| Error::internal("reading a ceremony", cause))
}

/// The refusal of an answer to a challenge that is not there, to somebody who is known.
pub(super) fn over() -> Error {
    Error::conflict(
        "challenge-over",
        "The challenge was answered, its time is over, or it is not yours. Begin again.",
    )
}

fn place(id: &CeremonyId) -> Place<'_> {
    Place { table: "passkey_ceremonies", column: "state", row: id.as_str() }
}
