//! Signing in by the company's identity providers (OpenID Connect): who they are, the way there and back, whom they
//! mean, what their groups bring.
//!
//! Rules: code with PKCE, state used once and bound to the browser, the provider and the nonce; an ID token counts only
//! when everything about it is right; a person is known by issuer and subject and by nothing else; the first time, by an
//! invitation in hand, or by an address of a domain that the provider speaks for; a group brings ordinary roles, which
//! go away with it, and never more than a request for an access role. What is refused is an event, and tells a stranger
//! nothing. What a provider does on its own is vouched for by a person, with an end. May call: `alarms`, `requests`, `signin`, `access`, `accounts` and what lies below all slices.

mod attempts;
pub mod attestations;
mod coming_back;
mod documents;
pub mod http;
pub mod jobs;
mod linking;
mod logout;
mod outbound;
mod providers;
pub mod proving;
mod refusal;
mod refusals;
mod roles;
mod sessions;
mod store;
mod tokens;
mod unlinking;

use std::net::IpAddr;
use std::sync::Arc;

pub use coming_back::{Returned, Returning, come_back};
pub use linking::{Linked, identities};
pub use logout::end_by_provider;
pub use providers::Providers;
pub use refusal::Refusal;
pub use unlinking::{Unlinked, unlink, unlink_own};

use crate::access::named_networks;
use crate::app::App;
use crate::caller::Caller;
use crate::config::{self, IdentityProvider};
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::log::event::Change;
use crate::signin;
use crate::signin::sessions::Session;
use crate::signin::throttle::Source;
use documents::Described;
use providers::Provider;

/// The job's name by which events call this slice where nobody is signed in yet.
const ACTOR: &str = "sso";

/// A sign-in that begins.
pub struct Beginning {
    /// The provider's key.
    pub provider: String,
    /// The path of this house to go on to afterwards.
    pub next: Option<String>,
    /// The token of an enrolment link in hand, that the provider's subject is to be linked by.
    pub invitation: Option<String>,
    /// The session that a fresh proof is wanted for; else it is a sign-in.
    pub proving: Option<Session>,
    /// The browser's own token, which binds what comes back to it.
    pub browser: String,
    /// The address that asks, if it is known.
    pub address: Option<IpAddr>,
    /// Whether it is a shared workstation, at which the provider is not to let in whom it still knows.
    pub shared: bool,
}

/// Begins a sign-in at a provider, or a proof; returns where to send the browser.
///
/// # Errors
/// [`Error::NotFound`] for an unknown provider, a link that has ended, or whoever cannot prove anything there;
/// [`Error::TooMany`] for a source that begins too many; [`Error::Unavailable`] if the provider does not answer.
pub async fn begin(app: &App, beginning: Beginning) -> Result<String> {
    let provider = app.identity_providers().find(&beginning.provider)?;
    app.to_its_end(move |app| {
        let source = app.read_now(|reader| source(reader, beginning.address))?;
        app.identity_providers().begun.admit(&source).map_err(Error::TooMany)?;
        let settings = &provider.settings;
        let asked = app.read_now(|reader| {
            if let Some(token) = &beginning.invitation {
                signin::look(reader, token)?;
            }
            beginning.proving.as_ref().map(|session| proving::ask(reader, settings, session)).transpose()
        })?;
        let described = reach(app, &provider, false)?;
        let begun = app.database().alone(|reader| attempts::begin(reader, &provider, &beginning, asked))?;
        Ok(described.authorization_address(settings, &callback(app, settings), &begun))
    })
    .await
}

/// What an address counts as.
fn source(reader: &mut Reader<'_>, address: Option<IpAddr>) -> Result<Source> {
    let registered = match address {
        Some(address) => named_networks::of_address(reader, address)?,
        None => None,
    };
    Ok(Source::of(address, registered))
}

/// What a provider says about itself, asked anew if need be. An outage is an event when it begins.
fn reach(app: &App, provider: &Arc<Provider>, keys_anew: bool) -> Result<Arc<Described>> {
    let now = app.context().clock.now();
    let trouble = match provider.described(now, keys_anew) {
        Ok(described) => return Ok(described),
        Err(trouble) => trouble,
    };
    if provider.is_news() {
        let change = Change::IdentityProviderFailed {
            provider: provider.settings.key.clone(),
            cause: trouble.as_str().to_owned(),
        };
        app.write_now(&Caller::house(ACTOR), |tx| {
            tx.record(change);
            Ok(())
        })?;
    }
    tracing::warn!(provider = %provider.settings.key, %trouble, "an identity provider does not answer as it should");
    Err(Error::Unavailable("the identity provider", 10))
}

/// Where the provider sends the browser back to: an address of each provider's own, so that none can pass for another.
fn callback(app: &App, settings: &IdentityProvider) -> String {
    format!("{}/sign-in/with/{}/callback", app.config().public_url, settings.key)
}

/// Where one signs out at the provider too; `None` if it has no such address.
///
/// # Errors
/// [`Error::NotFound`] for an unknown provider; [`Error::Unavailable`] if it does not answer.
pub async fn sign_out_address(app: &App, key: &str) -> Result<Option<String>> {
    let provider = app.identity_providers().find(key)?;
    app.to_its_end(move |app| {
        let described = reach(app, &provider, false)?;
        let back = format!("{}/sign-in", app.config().public_url);
        Ok(described.end_session_address(&provider.settings, &back))
    })
    .await
}

/// The provider behind a session, if there is one: for a word about it after signing out.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub async fn provider_of(app: &App, origin: Option<String>) -> Result<Option<IdentityProvider>> {
    let Some(origin) = origin else { return Ok(None) };
    let key = app.read(move |reader| store::provider_of_session(reader, &origin)).await?;
    Ok(key.and_then(|key| app.config().identity_providers.iter().find(|one| one.key == key).cloned()))
}

/// The provider at which whoever types this identifier must sign in: judged by its domain alone, so that it says
/// nothing about who exists.
pub fn provider_for<'a>(app: &'a App, identifier: &str) -> Option<&'a IdentityProvider> {
    config::required(&app.config().identity_providers, identifier)
}
