//! What a house needs before it opens: a directory that is nobody else's.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};

use crate::config::Config;
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
