//! What a house needs before it opens: a directory that is nobody else's, and somebody who keeps records.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::sync::Arc;

use crate::config::Config;
use crate::db::Context;
use crate::decision::{recorder, watch};
use crate::error::{Error, Result};

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

/// Starts what keeps decisions and refused calls.
pub(super) fn recorder(
    config: &Config,
    context: &Arc<Context>,
    watch: &Arc<watch::Watch>,
) -> Result<recorder::Recorder> {
    let how = recorder::Recording { strict: config.strict_recording, sample: config.referee_sample };
    recorder::Recorder::start(&config.database, (config.data.as_path(), &config.disk), context, watch, how)
}
