//! `[[identity_providers]]`: the company's own identity providers, through which people sign in here.
//!
//! Rules: https only; one issuer and one domain that must sign in there belong to one provider; a client's secret stands
//! in a file that nobody else can read; who may have an account made for them is somebody whose address lies in a domain
//! that the provider speaks for. May call: `vault` for folding.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::vault::fold;

const MOST: usize = 20;
const MOST_VALUES: usize = 500;
const LONGEST: usize = 500;
const LONGEST_NAME: usize = 60;
const LONGEST_SECRET: usize = 4_096;
const LARGEST_CA: u64 = 1_048_576;

/// The keys of one provider.
pub(super) const KEYS: &[&str] = &[
    "key",
    "name",
    "issuer",
    "client_id",
    "client_secret_file",
    "scopes",
    "domains",
    "required_for",
    "create_accounts",
    "email_verified_claim",
    "groups_claim",
    "groups",
    "mfa_acr",
    "mfa_amr",
    "required_claims",
    "ca_file",
];

/// One provider as the file says it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    key: String,
    name: Option<String>,
    issuer: String,
    client_id: String,
    client_secret_file: Option<PathBuf>,
    scopes: Option<Vec<String>>,
    #[serde(default)]
    domains: Vec<String>,
    #[serde(default)]
    required_for: Vec<String>,
    #[serde(default)]
    create_accounts: bool,
    email_verified_claim: Option<String>,
    groups_claim: Option<String>,
    #[serde(default)]
    groups: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    mfa_acr: BTreeSet<String>,
    #[serde(default)]
    mfa_amr: BTreeSet<String>,
    #[serde(default)]
    required_claims: BTreeMap<String, String>,
    ca_file: Option<PathBuf>,
}

/// A secret of a client: shown nowhere, wiped when dropped.
#[derive(Clone)]
pub struct ClientSecret(Arc<Zeroizing<String>>);

impl ClientSecret {
    /// The secret, to be sent to its provider.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret")
    }
}

/// One identity provider, checked.
#[derive(Debug, Clone)]
pub struct IdentityProvider {
    /// What it is called in addresses and events, `[a-z][a-z0-9_-]*`.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// Its issuer, to the letter.
    pub issuer: String,
    /// What this house is called there.
    pub client_id: String,
    /// The secret of this house there; `None` for a public client.
    pub client_secret: Option<ClientSecret>,
    /// What is asked for; `openid` among it.
    pub scopes: Vec<String>,
    /// The mail domains that it speaks for, folded.
    pub domains: BTreeSet<String>,
    /// The mail domains whose people sign in there and nowhere else, folded.
    pub required_for: BTreeSet<String>,
    /// Whether an account is made for somebody who is not known yet.
    pub create_accounts: bool,
    /// The claim that says whether the address is the person's own.
    pub email_verified_claim: String,
    /// The claim that lists groups.
    pub groups_claim: String,
    /// The roles, `application/role`, that each group brings.
    pub groups: BTreeMap<String, Vec<String>>,
    /// Values of `acr` that mean more than one factor.
    pub mfa_acr: BTreeSet<String>,
    /// Values of `amr` that mean more than one factor.
    pub mfa_amr: BTreeSet<String>,
    /// Claims that must be there with just this value, such as the firm's own tenant.
    pub required_claims: BTreeMap<String, String>,
    /// The certificates that vouch for it in place of the system's own, as PEM.
    pub ca: Option<Arc<[u8]>>,
}

impl IdentityProvider {
    /// Whether it speaks for the domain of a mail address.
    pub fn speaks_for(&self, address: &str) -> bool {
        domain_of(address).is_some_and(|domain| self.domains.contains(&domain))
    }
}

/// The provider at which whoever has this address must sign in, if there is one.
pub fn required<'p>(providers: &'p [IdentityProvider], address: &str) -> Option<&'p IdentityProvider> {
    let domain = domain_of(address)?;
    providers.iter().find(|provider| provider.required_for.contains(&domain))
}

/// The domain of a mail address, folded.
fn domain_of(address: &str) -> Option<String> {
    let (mailbox, domain) = address.trim().rsplit_once('@')?;
    (!mailbox.is_empty() && !domain.is_empty()).then(|| fold(domain))
}

/// The providers, when nothing is wrong with any of them.
///
/// # Errors
/// [`Error::Invalid`] naming the provider, the key and what would be right.
pub(super) fn checked(written: Vec<Written>) -> Result<Vec<IdentityProvider>> {
    if written.len() > MOST {
        return Err(Error::field("identity_providers", format!("has {MOST} entries at most")));
    }
    let providers = written.into_iter().map(one).collect::<Result<Vec<_>>>()?;
    let mut seen = BTreeSet::new();
    for provider in &providers {
        let own = [format!("key {}", provider.key), format!("issuer {}", provider.issuer)];
        let domains = provider.required_for.iter().map(|domain| format!("required_for {domain}"));
        for value in own.into_iter().chain(domains) {
            if seen.contains(&value) {
                return Err(fault(&provider.key, "", format!("{value}: another provider has it already")));
            }
            seen.insert(value);
        }
    }
    Ok(providers)
}

fn fault(key: &str, field: &str, detail: impl Into<String>) -> Error {
    let place = if field.is_empty() { key.to_owned() } else { format!("{key}.{field}") };
    Error::field(format!("identity_providers.{place}"), detail)
}

fn one(written: Written) -> Result<IdentityProvider> {
    let key = checked_key(written.key)?;
    let name = written.name.unwrap_or_else(|| key.clone());
    if name.trim().is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(fault(&key, "name", format!("must have 1 to {LONGEST_NAME} characters")));
    }
    check_issuer(&key, &written.issuer)?;
    let domains = checked_domains(&key, "domains", &written.domains)?;
    if written.create_accounts && domains.is_empty() {
        let detail = "needs domains: an account is made only for an address that the provider speaks for";
        return Err(fault(&key, "create_accounts", detail));
    }
    check_groups(&key, &written.groups)?;
    check_values(&key, "mfa_acr", written.mfa_acr.iter())?;
    check_values(&key, "mfa_amr", written.mfa_amr.iter())?;
    check_values(
        &key,
        "required_claims",
        written.required_claims.iter().flat_map(|(claim, value)| [claim, value]),
    )?;
    let claim = |field, value: Option<String>, default: &str| {
        value.map_or_else(|| Ok(default.to_owned()), |value| text(&key, field, value))
    };
    Ok(IdentityProvider {
        name: name.trim().to_owned(),
        client_id: text(&key, "client_id", written.client_id)?,
        client_secret: secret(&key, written.client_secret_file)?,
        scopes: scopes(&key, written.scopes)?,
        required_for: checked_domains(&key, "required_for", &written.required_for)?,
        email_verified_claim: claim("email_verified_claim", written.email_verified_claim, "email_verified")?,
        groups_claim: claim("groups_claim", written.groups_claim, "groups")?,
        ca: written.ca_file.map(|path| authority(&key, &path)).transpose()?,
        issuer: written.issuer,
        create_accounts: written.create_accounts,
        groups: written.groups,
        mfa_acr: written.mfa_acr,
        mfa_amr: written.mfa_amr,
        required_claims: written.required_claims,
        domains,
        key,
    })
}

fn checked_key(key: String) -> Result<String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    if key.starts_with(|c: char| c.is_ascii_lowercase()) && key.chars().all(plain) && key.len() <= 40 {
        return Ok(key);
    }
    let detail = "must be a letter and then letters, digits, - or _, all small, 40 at most, such as entra";
    Err(Error::field("identity_providers.key", detail))
}

fn scopes(key: &str, written: Option<Vec<String>>) -> Result<Vec<String>> {
    let scopes = written.unwrap_or_else(|| ["openid", "profile", "email"].map(str::to_owned).to_vec());
    let is_scope = |scope: &String| {
        !scope.is_empty() && scope.len() <= 100 && scope.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if !scopes.iter().any(|scope| scope == "openid") || scopes.len() > 20 || !scopes.iter().all(is_scope) {
        return Err(fault(key, "scopes", "must hold \"openid\", and 20 words without blanks at most"));
    }
    Ok(scopes)
}

fn check_values<'v>(key: &str, field: &str, mut values: impl Iterator<Item = &'v String>) -> Result<()> {
    let fits = |value: &String| !value.is_empty() && value.len() <= LONGEST;
    if values.by_ref().take(100).all(fits) && values.next().is_none() {
        return Ok(());
    }
    Err(fault(key, field, "has 50 entries at most, none of them empty"))
}

fn text(key: &str, field: &str, value: String) -> Result<String> {
    if value.is_empty() || value.len() > LONGEST || value.chars().any(char::is_control) {
        return Err(fault(key, field, format!("must have 1 to {LONGEST} bytes, and no control characters")));
    }
    Ok(value)
}

/// An issuer is an https address without query and fragment (OpenID Connect Discovery 1.0); it is compared to the
/// letter, so nothing is tidied.
fn check_issuer(key: &str, issuer: &str) -> Result<()> {
    let rest = issuer.strip_prefix("https://").unwrap_or_default();
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '?' | '#' | '@' | '\\');
    if rest.is_empty() || rest.starts_with('/') || rest.contains(odd) || issuer.len() > LONGEST {
        let detail = "must be the issuer that the provider names in its discovery document: https:// and an \
                      address without ?, # or @";
        return Err(fault(key, "issuer", detail));
    }
    Ok(())
}

fn checked_domains(key: &str, field: &str, written: &[String]) -> Result<BTreeSet<String>> {
    let is_domain = |domain: &str| {
        let plain = |c: char| c.is_alphanumeric() || c == '-' || c == '.';
        domain.contains('.')
            && domain.len() <= 253
            && domain.split('.').all(|label| !label.is_empty())
            && domain.chars().all(plain)
    };
    if written.len() > MOST_VALUES || !written.iter().all(|domain| is_domain(domain.trim())) {
        let detail =
            format!("must be domains of mail addresses such as \"firm.example\", {MOST_VALUES} at most");
        return Err(fault(key, field, detail));
    }
    Ok(written.iter().map(|domain| fold(domain)).collect())
}

fn check_groups(key: &str, groups: &BTreeMap<String, Vec<String>>) -> Result<()> {
    let is_key = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase())
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-')
    };
    let is_role = |role: &String| role.split_once('/').is_some_and(|(app, role)| is_key(app) && is_key(role));
    let fits = |(group, roles): (&String, &Vec<String>)| {
        !group.is_empty() && group.len() <= LONGEST && roles.len() <= 50 && roles.iter().all(is_role)
    };
    if groups.len() > MOST_VALUES || !groups.iter().all(fits) {
        let detail = "says for each group a list of roles such as [\"orders/order-clerk\"]";
        return Err(fault(key, "groups", detail));
    }
    Ok(())
}

/// The secret, from the file that `BAILIWICK_CLIENT_SECRET_<KEY>_FILE` or `client_secret_file` names.
fn secret(key: &str, file: Option<PathBuf>) -> Result<Option<ClientSecret>> {
    let variable = format!("BAILIWICK_CLIENT_SECRET_{}_FILE", key.to_ascii_uppercase().replace('-', "_"));
    let Some(path) = super::named(&variable).or(file) else { return Ok(None) };
    let failed = |cause: std::io::Error| {
        fault(key, "client_secret_file", format!("{} cannot be read: {cause}", path.display()))
    };
    let mode = fs::metadata(&path).map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 {
        let advice = format!("others can read {}; run: chmod 600 {}", path.display(), path.display());
        return Err(fault(key, "client_secret_file", advice));
    }
    let text = Zeroizing::new(fs::read_to_string(&path).map_err(failed)?);
    let secret = text.trim();
    if secret.is_empty() || secret.len() > LONGEST_SECRET || secret.contains(char::is_control) {
        return Err(fault(key, "client_secret_file", "must hold the secret and nothing else, in one line"));
    }
    Ok(Some(ClientSecret(Arc::new(Zeroizing::new(secret.to_owned())))))
}

fn authority(key: &str, path: &Path) -> Result<Arc<[u8]>> {
    let failed =
        |cause: std::io::Error| fault(key, "ca_file", format!("{} cannot be read: {cause}", path.display()));
    if fs::metadata(path).map_err(failed)?.len() > LARGEST_CA {
        return Err(fault(key, "ca_file", "is larger than any list of certificates"));
    }
    Ok(fs::read(path).map_err(failed)?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<IdentityProvider>> {
        #[derive(Deserialize)]
        struct Whole {
            identity_providers: Vec<Written>,
        }
        let whole: Whole = toml::from_str(text).map_err(|cause| Error::field("file", cause.to_string()))?;
        checked(whole.identity_providers)
    }

    fn with(more: &str) -> Result<Vec<IdentityProvider>> {
        read(&format!(
            "[[identity_providers]]\nkey = \"firm\"\nissuer = \"https://id.firm.example\"\nclient_id = \"x\"\n{more}"
        ))
    }

    #[test]
    fn a_provider_needs_four_lines_and_is_strict_by_itself() {
        let provider = with("").unwrap().remove(0);
        assert_eq!(provider.name, "firm");
        assert_eq!(provider.scopes, ["openid", "profile", "email"]);
        assert!(!provider.create_accounts && provider.domains.is_empty() && provider.groups.is_empty());
        assert!(!provider.speaks_for("ada@firm.example"), "a provider speaks for nobody by itself");
    }

    #[test]
    fn what_is_not_right_is_refused_with_its_place() {
        for (more, place) in [
            ("name = \"\"", "firm.name"),
            ("scopes = [\"email\"]", "firm.scopes"),
            ("domains = [\"@firm.example\"]", "firm.domains"),
            ("domains = [\"localhost\"]", "firm.domains"),
            ("create_accounts = true", "firm.create_accounts"),
            ("client_secret_file = \"/nowhere\"", "firm.client_secret_file"),
            ("ca_file = \"/nowhere\"", "firm.ca_file"),
            ("groups = { clerks = [\"order-clerk\"] }", "firm.groups"),
            ("mfa_amr = [\"\"]", "firm.mfa_amr"),
        ] {
            let error = with(more).unwrap_err().to_string();
            assert!(error.contains(place), "{more}: {error}");
        }
        for issuer in
            ["http://id.firm.example", "https://", "https://a@b.example", "https://id.example/?a=b", ""]
        {
            let text =
                format!("[[identity_providers]]\nkey = \"a\"\nissuer = \"{issuer}\"\nclient_id = \"x\"\n");
            assert!(read(&text).unwrap_err().to_string().contains("a.issuer"), "{issuer}");
        }
    }

    #[test]
    fn an_issuer_and_a_domain_that_must_sign_in_there_have_one_provider() {
        let entry = |key: &str, issuer: &str| {
            format!(
                "[[identity_providers]]\nkey = \"{key}\"\nissuer = \"https://{issuer}\"\nclient_id = \"x\"\n\
                 required_for = [\"firm.example\"]\n"
            )
        };
        for (first, second) in
            [(("a", "one"), ("a", "two")), (("a", "one"), ("b", "one")), (("a", "one"), ("b", "two"))]
        {
            let text = [entry(first.0, first.1), entry(second.0, second.1)].concat();
            assert!(read(&text).unwrap_err().to_string().contains("already"), "{text}");
        }
    }

    #[test]
    fn a_domain_is_what_stands_after_the_last_at_in_every_spelling() {
        let providers = with("domains = [\"Firm.Example\"]\nrequired_for = [\"firm.example\"]").unwrap();
        for own in ["ada@firm.example", " Ada@FIRM.EXAMPLE ", "\"a@b\"@firm.example"] {
            assert!(providers[0].speaks_for(own) && required(&providers, own).is_some(), "{own}");
        }
        for other in [
            "ada@evil.example",
            "ada@firm.example.evil.example",
            "ada@sub.firm.example",
            "@firm.example",
            "ada",
        ] {
            assert!(!providers[0].speaks_for(other) && required(&providers, other).is_none(), "{other}");
        }
    }
}
