//! Where the control socket is. The system takes short paths only (108 bytes), a data directory may lie deeper: then
//! its open handle stands for it.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

/// The longest path that is given to the system as it is, in bytes.
const LONGEST: usize = 100;

/// Runs `f` with a path to the socket that is short enough.
pub(super) fn with_short<T>(socket: &Path, f: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    let (Some(directory), Some(name)) = (socket.parent(), socket.file_name()) else { return f(socket) };
    if socket.as_os_str().len() <= LONGEST {
        return f(socket);
    }
    let directory = File::open(directory)?;
    f(&PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd())).join(name))
}
