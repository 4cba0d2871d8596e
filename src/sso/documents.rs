//! What a provider publishes about itself: its discovery document and its keys.
//!
//! Rules: the issuer is the configured one, to the letter; every address is https; only algorithms with a key pair are
//! taken. May call: `outbound`.

use openidconnect::core::{CoreJsonWebKeySet, CoreJwsSigningAlgorithm as Algorithm};
use openidconnect::url::Url;
use openidconnect::{PkceCodeChallenge, PkceCodeVerifier};
use serde::Deserialize;

use super::attempts::Begun;
use super::outbound::Outbound;
use super::refusal::Trouble;
use crate::config::IdentityProvider;

const WELL_KNOWN: &str = "/.well-known/openid-configuration";
const MOST_KEYS: usize = 100;

/// Signatures that nobody can make who only knows what the provider publishes.
const ALGORITHMS: &[Algorithm] = &[
    Algorithm::RsaSsaPkcs1V15Sha256,
    Algorithm::RsaSsaPkcs1V15Sha384,
    Algorithm::RsaSsaPkcs1V15Sha512,
    Algorithm::RsaSsaPssSha256,
    Algorithm::RsaSsaPssSha384,
    Algorithm::RsaSsaPssSha512,
    Algorithm::EcdsaP256Sha256,
    Algorithm::EcdsaP384Sha384,
    Algorithm::EdDsa,
];

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    end_session_endpoint: Option<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    id_token_signing_alg_values_supported: Option<Vec<String>>,
}

/// A provider as it describes itself.
pub(super) struct Described {
    pub authorization: Url,
    pub token: Url,
    pub end_session: Option<Url>,
    /// Whether its answers name it (RFC 9207).
    pub names_itself: bool,
    /// Whether the client's secret goes in the header; else in the form.
    pub secret_in_header: bool,
    pub algorithms: Vec<Algorithm>,
    pub keys: CoreJsonWebKeySet,
}

/// Reads what the provider publishes.
pub(super) fn read(outbound: &Outbound, settings: &IdentityProvider) -> Result<Described, Trouble> {
    let address = format!("{}{WELL_KNOWN}", settings.issuer.trim_end_matches('/'));
    let document: Document =
        serde_json::from_slice(&outbound.get(&address)?).map_err(|_| Trouble::Unreadable)?;
    if document.issuer != settings.issuer {
        return Err(Trouble::OtherIssuer);
    }
    let keys = outbound.get(https(&document.jwks_uri)?.as_str())?;
    let keys: CoreJsonWebKeySet = serde_json::from_slice(&keys).map_err(|_| Trouble::Unreadable)?;
    if keys.keys().is_empty() || keys.keys().len() > MOST_KEYS {
        return Err(Trouble::NoKeys);
    }
    let secret_in_header = document
        .token_endpoint_auth_methods_supported
        .is_none_or(|methods| methods.iter().any(|method| method == "client_secret_basic"));
    let offered = document.id_token_signing_alg_values_supported;
    let algorithms = ALGORITHMS.iter().filter(|one| is_offered(one, offered.as_deref())).cloned().collect();
    Ok(Described {
        authorization: https(&document.authorization_endpoint)?,
        token: https(&document.token_endpoint)?,
        end_session: document.end_session_endpoint.as_deref().map(https).transpose()?,
        names_itself: document.authorization_response_iss_parameter_supported,
        secret_in_header,
        algorithms,
        keys,
    })
}

/// What a provider does not offer, none of its tokens is signed with.
fn is_offered(algorithm: &Algorithm, offered: Option<&[String]>) -> bool {
    let Some(offered) = offered else { return true };
    let Ok(serde_json::Value::String(name)) = serde_json::to_value(algorithm) else { return false };
    offered.contains(&name)
}

fn https(address: &str) -> Result<Url, Trouble> {
    let url = Url::parse(address).map_err(|_| Trouble::Unreadable)?;
    let plain = url.scheme() == "https" && url.host().is_some() && url.username().is_empty();
    if plain && url.fragment().is_none() { Ok(url) } else { Err(Trouble::Unreadable) }
}

impl Described {
    /// Where the browser goes to sign in.
    pub fn authorization_address(
        &self,
        settings: &IdentityProvider,
        callback: &str,
        begun: &Begun,
    ) -> String {
        let verifier = PkceCodeVerifier::new(begun.secrets.verifier.clone());
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
        let mut url = self.authorization.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &settings.client_id)
            .append_pair("redirect_uri", callback)
            .append_pair("scope", &settings.scopes.join(" "))
            .append_pair("state", &begun.state)
            .append_pair("nonce", &begun.secrets.nonce)
            .append_pair("code_challenge", challenge.as_str())
            .append_pair("code_challenge_method", "S256");
        let proves = begun.secrets.proof.is_some();
        if proves || begun.secrets.anew_since.is_some() {
            // Whoever is signed in there is asked again who they are.
            url.query_pairs_mut().append_pair("prompt", "login");
        }
        if proves {
            // And when they showed it has to be said.
            url.query_pairs_mut().append_pair("max_age", "0");
        }
        url.into()
    }

    /// Where the browser goes to sign out there too.
    pub fn end_session_address(&self, settings: &IdentityProvider, back: &str) -> Option<String> {
        let mut url = self.end_session.clone()?;
        url.query_pairs_mut()
            .append_pair("client_id", &settings.client_id)
            .append_pair("post_logout_redirect_uri", back);
        Some(url.into())
    }
}
