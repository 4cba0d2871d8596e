//! Calls to a provider: https only, no redirects, little patience, small answers.
//!
//! Rule: only on blocking threads. May call: nothing but the client.

use std::sync::Arc;
use std::time::Duration;

use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Error as Fault};

use super::refusal::Trouble;
use crate::config::IdentityProvider;
use crate::error::{Error, Result};

/// The largest answer that is read, in bytes.
const LARGEST: u64 = 262_144;

/// What speaks with one provider.
pub(super) struct Outbound(Agent);

/// An answer of a provider.
pub(super) struct Answered {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Outbound {
    /// The means to speak with a provider, trusting its own authorities if it has some.
    pub fn new(settings: &IdentityProvider, patience: Duration) -> Result<Self> {
        let roots = match &settings.ca {
            None => RootCerts::PlatformVerifier,
            Some(pem) => RootCerts::Specific(Arc::new(certificates(&settings.key, pem)?)),
        };
        let tls = TlsConfig::builder()
            .root_certs(roots)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .build();
        let config = Agent::config_builder()
            .https_only(true)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .timeout_global(Some(patience))
            .user_agent("bailiwick")
            .accept("application/json")
            .tls_config(tls)
            .build();
        Ok(Self(config.new_agent()))
    }

    /// Reads a document.
    pub fn get(&self, address: &str) -> std::result::Result<Vec<u8>, Trouble> {
        let answer = self.0.get(address).call().map_err(|fault| trouble(&fault))?;
        let Answered { status, body } = read(answer)?;
        if status == 200 { Ok(body) } else { Err(Trouble::Unreadable) }
    }

    /// Sends a form, with the client's name and secret in front of it if they belong there.
    pub fn post(
        &self,
        address: &str,
        fields: &[(&str, &str)],
        authorization: Option<&str>,
    ) -> std::result::Result<Answered, Trouble> {
        let mut request = self.0.post(address);
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        let answer = request.send_form(fields.iter().copied()).map_err(|fault| trouble(&fault))?;
        read(answer)
    }
}

fn read(mut answer: ureq::http::Response<ureq::Body>) -> std::result::Result<Answered, Trouble> {
    let status = answer.status().as_u16();
    let body = answer.body_mut().with_config().limit(LARGEST).read_to_vec();
    Ok(Answered { status, body: body.map_err(|fault| trouble(&fault))? })
}

fn trouble(fault: &Fault) -> Trouble {
    match fault {
        Fault::Timeout(_) => Trouble::TooSlow,
        Fault::BodyExceedsLimit(_) => Trouble::TooLarge,
        Fault::Protocol(_) | Fault::Http(_) | Fault::BadUri(_) => Trouble::Unreadable,
        _ => Trouble::Unreachable,
    }
}

fn certificates(key: &str, pem: &[u8]) -> Result<Vec<Certificate<'static>>> {
    let place = format!("identity_providers.{key}.ca_file");
    let mut found = Vec::new();
    for item in parse_pem(pem) {
        match item {
            Ok(PemItem::Certificate(certificate)) => found.push(certificate),
            Ok(_) => {}
            Err(_) => return Err(Error::field(place, "is not PEM")),
        }
    }
    if found.is_empty() { Err(Error::field(place, "holds no certificate")) } else { Ok(found) }
}
