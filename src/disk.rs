//! The disk, injected: how much of it is free. Nothing else in the crate asks.
//!
//! May call: nothing.

use std::fmt;
use std::path::Path;

/// Where the free part of a disk is told.
pub trait Disk: fmt::Debug + Send + Sync {
    /// How many percent are free of the disk that holds this directory; `None` if it cannot be told.
    fn free(&self, directory: &Path) -> Option<u64>;
}

/// The machine's own.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemDisk;

impl Disk for SystemDisk {
    fn free(&self, directory: &Path) -> Option<u64> {
        let disk = rustix::fs::statvfs(directory).ok()?;
        (disk.f_bavail * 100).checked_div(disk.f_blocks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_is_not_there_tells_nothing() {
        assert!(SystemDisk.free(Path::new("/")).is_some_and(|free| free <= 100));
        assert_eq!(SystemDisk.free(Path::new("/no such directory")), None);
    }
}
