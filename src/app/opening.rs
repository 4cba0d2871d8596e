//! What a house needs before it opens: a directory that is nobody else's, its keys over tables of this version, and
//! somebody who keeps records.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::config::Config;
use crate::db::{Context, Database};
use crate::decision::{recorder, watch};
use crate::entropy::Entropy;
use crate::error::{Error, Result};
use crate::sso::Providers;
use crate::vault::{self, Vault};

/// Makes the data directory, for nobody but its owner.
pub(super) fn prepare_directory(config: &Config) -> Result<()> {
    let failed = |cause: std::io::Error| Error::internal("making the data directory", cause);
    for directory in [config.data.clone(), config.data.join("keys"), config.data.join("access")] {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory).map_err(failed)?;
    }
    let mode = fs::metadata(&config.data).map_err(failed)?.permissions().mode();
    if mode & 0o007 != 0 {
        let advice =
            format!("others can read {}; run: chmod 700 {}", config.data.display(), config.data.display());
        return Err(Error::field("data", advice));
    }
    Ok(())
}

/// The keys of the house, made the first time; the tables are of this version by then.
pub(super) fn vault(config: &Config, now: Timestamp, entropy: &dyn Entropy) -> Result<Vault> {
    let master = config.master_key(entropy)?;
    Database::migrate(&config.database)?;
    vault::load_or_create(&mut config.database.connect()?, &master, now, entropy)
}

/// The identity providers that are configured; none of them is asked anything yet.
pub(super) fn identity_providers(config: &Config, context: &Context) -> Result<Providers> {
    let clock = Arc::clone(&context.clock);
    Providers::new(&config.identity_providers, config.provider_patience, clock)
}

/// Starts what keeps decisions and refused calls.
pub(super) fn recorder(
    config: &Config,
    context: &Arc<Context>,
    watch: &Arc<watch::Watch>,
) -> Result<recorder::Recorder> {
    let how = recorder::Recording { strict: config.strict_recording, sample: config.referee_sample };
    recorder::Recorder::start(&config.database, (config.data.as_path(), &config.disk), context, watch, how)
}
