//! The data directory's lock: one process works on it at a time.
//!
//! Rules: a server holds it for its life, a command without a server for its work; it is given back when dropped or
//! when the process ends, however it ends. May call: `config`.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::address;
use crate::config::Config;
use crate::error::{Error, Result};

/// How long the lock is waited for: another command may be at work, or a server just be coming or going.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);

/// The lock of one data directory.
pub struct DirectoryLock {
    _file: File,
}

/// Who works on a data directory.
pub enum Holder {
    /// This process from now on.
    Us(DirectoryLock),
    /// A server, which listens to commands here.
    Server(UnixStream),
}

impl Holder {
    /// Finds the server of this data directory, or takes the directory, which is made if it is not there.
    ///
    /// # Errors
    /// [`Error::Conflict`] `running` if another process holds it and does not answer.
    pub fn find(config: &Config) -> Result<Self> {
        let since = Instant::now();
        loop {
            match address::with_short(&config.socket(), |path| UnixStream::connect(path)) {
                Ok(stream) => return Ok(Self::Server(stream)),
                Err(cause) if is_nobody(&cause) => {}
                Err(cause) => return Err(Error::internal("reaching the server", cause)),
            }
            if let Some(lock) = take(&config.data)? {
                return Ok(Self::Us(lock));
            }
            if since.elapsed() > PATIENCE {
                let detail =
                    format!("another bailiwick works on {} and does not answer", config.data.display());
                return Err(Error::conflict("running", detail));
            }
            thread::park_timeout(PAUSE);
        }
    }
}

/// Whether that means that no server listens: no socket, or one whose server is gone.
fn is_nobody(cause: &io::Error) -> bool {
    matches!(cause.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

/// The lock if nobody has it.
fn take(data: &Path) -> Result<Option<DirectoryLock>> {
    let failed =
        |cause: io::Error| Error::field("data", format!("cannot be used: {}: {cause}", data.display()));
    DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(failed)?;
    close_if_new(data).map_err(failed)?;
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(data.join("lock"))
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(DirectoryLock { _file: file })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(cause)) => Err(failed(cause)),
    }
}

/// An empty directory that was made for us with the usual mode becomes ours alone; one that holds something is only
/// judged, when the house is opened.
fn close_if_new(data: &Path) -> io::Result<()> {
    let found = fs::metadata(data)?;
    let ours = found.uid() == rustix::process::geteuid().as_raw();
    if ours && found.permissions().mode() & 0o077 != 0 && fs::read_dir(data)?.next().is_none() {
        fs::set_permissions(data, Permissions::from_mode(0o700))?;
    }
    Ok(())
}
