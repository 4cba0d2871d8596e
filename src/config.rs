//! Settings of one node: from the command line, the environment (`BAILIWICK_…`), then one TOML file, in this order.
//!
//! Rules: an unknown key is an error with a suggestion; a secret has a `_FILE` form and no text form of its own.
//! May call: `vault` (the master key), `db` (the location), `error`.

mod identity_providers;
mod mail;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

pub use identity_providers::{ClientSecret, IdentityProvider, required};
pub use mail::{Credentials, Mail, Tls};

use crate::db::Location;
use crate::disk::{Disk, SystemDisk};
use crate::entropy::Entropy;
use crate::error::{Error, Result};
use crate::network::Network;
use crate::vault::MasterKey;

/// What the configuration file may say; everything has a default.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    data: Option<PathBuf>,
    database: Option<String>,
    listen: Option<SocketAddr>,
    public_url: Option<String>,
    master_key_file: Option<PathBuf>,
    connections: Option<u32>,
    lease_seconds: Option<u32>,
    strict_recording: Option<bool>,
    referee_sample: Option<u32>,
    log_format: Option<String>,
    trusted_proxies: Option<Vec<Network>>,
    breached_passwords: Option<PathBuf>,
    identity_providers: Vec<identity_providers::Written>,
    hash: Hash,
    mail: Option<mail::Section>,
}

/// How long a request waits for a connection before the answer is 503.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long an identity provider may take for one answer.
const PROVIDER_PATIENCE: Duration = Duration::from_secs(5);

/// Of so many decisions one is asked again of casbin, unless the file says otherwise.
const REFEREE_SAMPLE: u32 = 10_000;

const KEYS: &[&str] = &[
    "data",
    "database",
    "listen",
    "public_url",
    "master_key_file",
    "connections",
    "lease_seconds",
    "strict_recording",
    "referee_sample",
    "log_format",
    "trusted_proxies",
    "breached_passwords",
    "identity_providers",
    "hash",
    "mail",
];
/// The master key itself, as 64 hexadecimal digits.
pub const MASTER_KEY: &str = "BAILIWICK_MASTER_KEY";
const MASTER_KEY_FILE: &str = "BAILIWICK_MASTER_KEY_FILE";
/// A file that holds the database's URL: it can carry a password, which is no business of the process table.
const DATABASE_FILE: &str = "BAILIWICK_DATABASE_FILE";
/// Addresses and networks with commas between them, in the place of the file's list.
const TRUSTED_PROXIES: &str = "BAILIWICK_TRUSTED_PROXIES";
const MOST_PROXIES: usize = 100;

const HASH_KEYS: &[&str] = &["memory_kib", "passes", "lanes", "threads", "queue"];

/// The cost of one password hash (argon2id) and the workers that compute them.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hash {
    /// Memory in KiB; 19,456 is the floor that OWASP names for two passes.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
    /// Worker threads; 0 means one for each core.
    pub threads: usize,
    /// How many hashes may wait before the answer is 503.
    pub queue: usize,
}

impl Default for Hash {
    fn default() -> Self {
        Self { memory_kib: 19_456, passes: 2, lanes: 1, threads: 0, queue: 64 }
    }
}

/// What the command line or the environment said; it goes before the file.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// The configuration file.
    pub config: Option<PathBuf>,
    /// The data directory.
    pub data: Option<PathBuf>,
    /// The database's URL.
    pub database: Option<String>,
    /// The address to listen on.
    pub listen: Option<SocketAddr>,
    /// The URL under which people reach this house.
    pub public_url: Option<String>,
}

/// The settings of this node.
#[derive(Debug, Clone)]
pub struct Config {
    /// The data directory.
    pub data: PathBuf,
    /// Where the database is.
    pub database: Location,
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The URL under which people reach this house, without a slash at its end: links, origin checks and passkeys
    /// hang on it.
    pub public_url: String,
    /// Where the master key lies, unless the environment holds it.
    pub master_key_file: PathBuf,
    /// Connections in the pool.
    pub connections: u32,
    /// How long to wait for one of them before the answer is 503.
    pub patience: Duration,
    /// How old this node's last read of the log's head may be before it permits no personal data.
    pub lease: chrono::Duration,
    /// Whether a permit of personal data is answered only when its record is durable, whatever the profile says. The
    /// strictest profile says so by itself.
    pub strict_recording: bool,
    /// Of so many decisions one is asked again of casbin; nought for none.
    pub referee_sample: u32,
    /// The disk that holds the data directory.
    pub disk: Arc<dyn Disk>,
    /// Whether logs are JSON lines (else text for people).
    pub json_logs: bool,
    /// The proxies that are believed when they say whose request they pass on, or ask about one. Nobody else is.
    pub trusted_proxies: Vec<Network>,
    /// Passwords that were stolen elsewhere, as a file or directory in the range format of Pwned Passwords.
    pub breached_passwords: Option<PathBuf>,
    /// The company's identity providers, through which people sign in here.
    pub identity_providers: Vec<IdentityProvider>,
    /// How long one of them may take for an answer.
    pub provider_patience: Duration,
    /// Password hashing.
    pub hash: Hash,
    /// Through which server mail goes; without one nothing is mailed.
    pub mail: Option<Mail>,
}

impl Config {
    /// Puts the settings together.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the file, the key and what would be right.
    pub fn load(overrides: Overrides) -> Result<Self> {
        let file = match &overrides.config {
            Some(path) => read(path)?,
            None => File::default(),
        };
        let data = overrides.data.or(file.data).unwrap_or_else(|| PathBuf::from("data"));
        let named_database = match overrides.database {
            Some(url) => Some(url),
            None => database_from_file()?.or(file.database),
        };
        let database = match named_database {
            Some(url) => Location::parse(&url)?,
            None => Location::file(&data.join("bailiwick.db")),
        };
        let listen =
            overrides.listen.or(file.listen).unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8443)));
        let public_url = overrides
            .public_url
            .or(file.public_url)
            .unwrap_or_else(|| format!("https://localhost:{}", listen.port()));
        Ok(Self {
            public_url: public_url_checked(&public_url)?,
            master_key_file: named(MASTER_KEY_FILE)
                .or(file.master_key_file)
                .unwrap_or_else(|| data.join("keys").join("master.key")),
            connections: file.connections.unwrap_or(8).clamp(2, 200),
            patience: PATIENCE,
            strict_recording: file.strict_recording.unwrap_or(false),
            referee_sample: file.referee_sample.unwrap_or(REFEREE_SAMPLE),
            disk: Arc::new(SystemDisk),
            lease: lease(file.lease_seconds)?,
            json_logs: log_format(file.log_format.as_deref())?,
            trusted_proxies: trusted_proxies(file.trusted_proxies)?,
            breached_passwords: breached_passwords(file.breached_passwords)?,
            identity_providers: identity_providers::checked(file.identity_providers)?,
            provider_patience: PROVIDER_PATIENCE,
            hash: file.hash,
            mail: file.mail.map(Mail::of).transpose()?,
            data,
            database,
            listen,
        })
    }

    /// The master key: `BAILIWICK_MASTER_KEY`, the file that `BAILIWICK_MASTER_KEY_FILE` names, or the key file,
    /// which is made at the first start.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the key is not one or others can read its file.
    pub fn master_key(&self, entropy: &dyn Entropy) -> Result<MasterKey> {
        if let Ok(text) = std::env::var(MASTER_KEY) {
            return MasterKey::from_hex(&zeroize::Zeroizing::new(text));
        }
        MasterKey::from_file(&self.master_key_file, entropy)
    }

    /// Whether there is a master key already; without one the first start makes it.
    pub fn has_master_key(&self) -> bool {
        std::env::var_os(MASTER_KEY).is_some() || self.master_key_file.exists()
    }

    /// The socket on which command-line tools reach the running server.
    pub fn socket(&self) -> PathBuf {
        self.data.join("control.sock")
    }

    /// Whether `origin`, as a browser sends it, is this house.
    pub fn is_own_origin(&self, origin: &str) -> bool {
        origin.eq_ignore_ascii_case(&self.public_url)
    }
}

fn named(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from)
}

fn database_from_file() -> Result<Option<String>> {
    let Some(path) = named(DATABASE_FILE) else { return Ok(None) };
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(cause) => Err(Error::field(DATABASE_FILE, format!("cannot be read: {cause}"))),
    }
}

fn public_url_checked(url: &str) -> Result<String> {
    let url = url.trim_end_matches('/');
    let host = url.strip_prefix("https://").unwrap_or_default();
    if host.is_empty() || host.contains('/') || host.contains('?') || host.contains('#') || host.contains('@')
    {
        return Err(Error::field(
            "public_url",
            "must be https:// and a host, with a port if need be, such as https://access.example",
        ));
    }
    Ok(url.to_owned())
}

fn lease(seconds: Option<u32>) -> Result<chrono::Duration> {
    match seconds.unwrap_or(5) {
        seconds @ 5..=60 => Ok(chrono::Duration::seconds(seconds.into())),
        _ => Err(Error::field("lease_seconds", "must be from 5 to 60")),
    }
}

fn trusted_proxies(file: Option<Vec<Network>>) -> Result<Vec<Network>> {
    let proxies = match std::env::var(TRUSTED_PROXIES) {
        Err(_) => file.unwrap_or_default(),
        Ok(text) => {
            let named = text.split(',').map(str::trim).filter(|network| !network.is_empty());
            let wrong = |what: String| Error::field(TRUSTED_PROXIES, what);
            named.map(str::parse).collect::<std::result::Result<_, _>>().map_err(wrong)?
        }
    };
    if proxies.len() > MOST_PROXIES {
        return Err(Error::field("trusted_proxies", format!("has {MOST_PROXIES} entries at most")));
    }
    Ok(proxies)
}

fn breached_passwords(path: Option<PathBuf>) -> Result<Option<PathBuf>> {
    match path {
        Some(path) if !path.exists() => {
            Err(Error::field("breached_passwords", format!("there is nothing at {}", path.display())))
        }
        path => Ok(path),
    }
}

fn log_format(word: Option<&str>) -> Result<bool> {
    match word {
        None | Some("text") => Ok(false),
        Some("json") => Ok(true),
        Some(_) => Err(Error::field("log_format", "must be \"text\" or \"json\"")),
    }
}

fn read(path: &Path) -> Result<File> {
    let name = path.display().to_string();
    let text =
        fs::read_to_string(path).map_err(|cause| Error::field(&name, format!("cannot be read: {cause}")))?;
    let table: toml::Table =
        text.parse().map_err(|cause: toml::de::Error| Error::field(&name, cause.to_string()))?;
    refuse_unknown(&name, &table, KEYS)?;
    for (section, known) in [("hash", HASH_KEYS), ("mail", mail::KEYS)] {
        if let Some(toml::Value::Table(found)) = table.get(section) {
            refuse_unknown(&format!("{name} [{section}]"), found, known)?;
        }
    }
    if let Some(toml::Value::Array(providers)) = table.get("identity_providers") {
        let place = format!("{name} [[identity_providers]]");
        for provider in providers.iter().filter_map(toml::Value::as_table) {
            refuse_unknown(&place, provider, identity_providers::KEYS)?;
        }
    }
    toml::from_str(&text).map_err(|cause| Error::field(&name, cause.to_string()))
}

fn refuse_unknown(place: &str, table: &toml::Table, known: &[&str]) -> Result<()> {
    let Some(key) = table.keys().find(|key| !known.contains(&key.as_str())) else { return Ok(()) };
    let nearest =
        known.iter().max_by(|a, b| strsim::jaro_winkler(a, key).total_cmp(&strsim::jaro_winkler(b, key)));
    let advice = nearest.map(|word| format!("; did you mean \"{word}\"?")).unwrap_or_default();
    Err(Error::field(place, format!("there is no setting \"{key}\"{advice}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(text: &str) -> Result<Config> {
        let path =
            std::env::temp_dir().join(format!("bailiwick-config-{}-{}.toml", std::process::id(), text.len()));
        fs::write(&path, text).unwrap();
        let outcome = Config::load(Overrides { config: Some(path.clone()), ..Overrides::default() });
        fs::remove_file(path).unwrap();
        outcome
    }

    #[test]
    fn an_unknown_key_is_refused_with_a_suggestion() {
        let error = loaded("listn = \"127.0.0.1:9000\"\n").unwrap_err().to_string();
        assert!(error.contains("\"listn\"") && error.contains("did you mean \"listen\""), "{error}");
        let error = loaded("[hash]\nmemory = 10\n").unwrap_err().to_string();
        assert!(error.contains("did you mean \"memory_kib\""), "{error}");
        let error =
            loaded("[[identity_providers]]\nisuer = \"https://id.firm.example\"\n").unwrap_err().to_string();
        assert!(error.contains("did you mean \"issuer\""), "{error}");
    }

    #[test]
    fn every_key_of_the_file_is_known() {
        let shown = format!("{:?}", File::default());
        let keys = shown.split([' ', '{']).filter_map(|word| word.strip_suffix(':'));
        let keys: Vec<&str> = keys.filter(|key| !HASH_KEYS.contains(key)).collect();
        assert_eq!(keys, KEYS, "the list has the keys of the struct, in their order");
        assert!(loaded("strict_recording = true\n").unwrap().strict_recording);
    }

    #[test]
    fn mail_goes_encrypted_under_a_name_or_not_at_all() {
        let with = |more: &str| {
            loaded(&format!(
                "[mail]\nserver = \"mail.example.com\"\nfrom = \"Access <a@example.com>\"\n{more}"
            ))
        };
        assert!(loaded("").unwrap().mail.is_none());
        let mail = with("").unwrap().mail.unwrap();
        assert_eq!(
            (mail.tls, mail.port, mail.from.email.to_string()),
            (Tls::StartTls, 587, "a@example.com".into())
        );
        assert_eq!(with("tls = \"implicit\"\n").unwrap().mail.unwrap().port, 465);
        for (more, says) in [
            ("tls = \"none\"\n", "never goes out unencrypted"),
            ("tsl = \"starttls\"\n", "did you mean \"tls\""),
            ("user = \"house\"\n", "password_file"),
            ("reply_to = \"a@example.com\\r\\nBcc: b@example.com\"\n", "must be an address"),
            ("ca_file = \"/nowhere/at/all\"\n", "cannot be read"),
        ] {
            let error = with(more).unwrap_err().to_string();
            assert!(error.contains(says), "{more}: {error}");
        }
    }

    #[test]
    fn nobody_is_a_trusted_proxy_who_is_not_named() {
        assert!(loaded("").unwrap().trusted_proxies.is_empty());
        let named = loaded("trusted_proxies = [\"10.0.0.0/8\", \"::1\"]\n").unwrap().trusted_proxies;
        assert_eq!(named, ["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()]);
        let error = loaded("trusted_proxies = [\"proxy.example\"]\n").unwrap_err().to_string();
        assert!(error.contains("10.1.0.0/16"), "{error}");
    }

    #[test]
    fn plaintext_public_urls_are_refused() {
        assert!(loaded("public_url = \"http://localhost:8443\"\n").is_err());
        assert_eq!(
            loaded("public_url = \"https://access.example/\"\n").unwrap().public_url,
            "https://access.example"
        );
    }
}
