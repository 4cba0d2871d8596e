//! `config check`: the settings as this node would live by them; secrets do not appear.

use serde_json::{Value, json};

use crate::config::Config;
use crate::control::Output;
use crate::db::Location;
use crate::entropy::OsEntropy;
use crate::error::Result;

/// The settings, when nothing is wrong with them.
///
/// # Errors
/// [`crate::error::Error::Invalid`] if the master key is not one, or others can read its file.
pub(super) fn check(config: &Config) -> Result<Output> {
    // A key that is not there yet is made by the first start, not by a look.
    if config.has_master_key() {
        config.master_key(&OsEntropy)?;
    }
    let database = match &config.database {
        // The URL can hold a password.
        Location::Postgresql(_) => "PostgreSQL".to_owned(),
        Location::Sqlite(path, _) => path.clone(),
    };
    let settings = [
        ("data", json!(config.data)),
        ("database", json!(database)),
        ("listen", json!(config.listen)),
        ("public_url", json!(config.public_url)),
        ("master_key_file", json!(config.master_key_file)),
        ("connections", json!(config.connections)),
        ("lease_seconds", json!(config.lease.num_seconds())),
        ("log_format", json!(if config.json_logs { "json" } else { "text" })),
        ("trusted_proxies", json!(config.trusted_proxies)),
        (
            "identity_providers",
            json!(config.identity_providers.iter().map(|one| &one.key).collect::<Vec<_>>()),
        ),
        ("hash.memory_kib", json!(config.hash.memory_kib)),
        ("hash.passes", json!(config.hash.passes)),
        ("hash.lanes", json!(config.hash.lanes)),
        ("hash.threads", json!(config.hash.threads)),
        ("hash.queue", json!(config.hash.queue)),
        ("breached_passwords", json!(config.breached_passwords)),
        ("mail", json!(config.mail.as_ref().map(|mail| format!("{}:{}", mail.server, mail.port)))),
    ];
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Ok(Output {
        lines: settings.iter().map(|(name, value)| format!("{name:<18} {}", shown(value))).collect(),
        notes: vec!["the settings are right".to_owned()],
        data: settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        ..Output::default()
    })
}
