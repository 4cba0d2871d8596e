//! Files and directories that options name: the shell reads and writes them, for the server works elsewhere.
//!
//! Every complaint names the file.

use std::fs;
use std::io;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::access::apply::{MAX_FILES, PolicyFile};
use crate::error::{Error, Result};
use crate::sheet::LARGEST_FILE;

/// The largest policy file, in bytes.
const LARGEST_POLICY: u64 = 1024 * 1024;

fn refused(path: &Path, verb: &str, cause: &io::Error) -> Error {
    Error::field(path.display().to_string(), format!("cannot be {verb}: {cause}"))
}

/// The text of one file.
pub(super) fn text(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|cause| refused(path, "read", &cause))
}

/// The bytes of one people file, in Base64.
pub(super) fn base64(path: &Path) -> Result<String> {
    let size = fs::metadata(path).map_err(|cause| refused(path, "read", &cause))?.len();
    if size > LARGEST_FILE as u64 {
        return Err(Error::field(path.display().to_string(), "is larger than 10 MiB; split it"));
    }
    fs::read(path).map(|bytes| STANDARD.encode(bytes)).map_err(|cause| refused(path, "read", &cause))
}

/// The catalogues of a policy directory: its `apps/` if it has one, else its own `*.toml`.
pub(super) fn catalogues(directory: &Path) -> Result<Vec<PolicyFile>> {
    let apps = directory.join("apps");
    policies(if apps.is_dir() { &apps } else { directory })
}

/// The files of tests of a policy directory.
pub(super) fn tests(directory: &Path) -> Result<Vec<PolicyFile>> {
    policies(&directory.join("tests"))
}

/// The policy files of a directory: `*.toml`, flat, in order of their names.
pub(super) fn policies(directory: &Path) -> Result<Vec<PolicyFile>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory).map_err(|cause| refused(directory, "read", &cause))? {
        let path = entry.map_err(|cause| refused(directory, "read", &cause))?.path();
        let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && path.is_file() && path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    if paths.is_empty() || paths.len() > MAX_FILES {
        let advice = format!("must hold 1 to {MAX_FILES} files *.toml");
        return Err(Error::field(directory.display().to_string(), advice));
    }
    paths.iter().map(|path| policy(path)).collect()
}

fn policy(path: &Path) -> Result<PolicyFile> {
    let size = fs::metadata(path).map_err(|cause| refused(path, "read", &cause))?.len();
    if size > LARGEST_POLICY {
        return Err(Error::field(path.display().to_string(), "is larger than 1 MiB"));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(PolicyFile { name, text: text(path)? })
}

/// Writes policy files into a directory, which is made if it is not there; returns their paths.
pub(super) fn write(directory: &Path, files: &[PolicyFile]) -> Result<Vec<String>> {
    fs::create_dir_all(directory).map_err(|cause| refused(directory, "made", &cause))?;
    let mut paths = Vec::with_capacity(files.len());
    for file in files {
        let path = directory.join(&file.name);
        fs::write(&path, &file.text).map_err(|cause| refused(&path, "written", &cause))?;
        paths.push(path.display().to_string());
    }
    Ok(paths)
}
