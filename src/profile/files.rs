//! Where policy files come from: the binary carries `policies/`, and a directory of the operator may replace or add.
//!
//! Rules: a file in the directory goes before the built-in one of the same path; paths are given by the program, never
//! by a caller from outside. The only place of this room that touches the disk.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use rust_embed::RustEmbed;

use super::document::MAX_FILE_BYTES;
use super::refusal::Refusal;

#[derive(RustEmbed)]
#[folder = "policies/"]
struct BuiltIn;

/// The policy files in force.
#[derive(Debug, Clone, Default)]
pub struct PolicyFiles {
    directory: Option<PathBuf>,
}

/// One policy file: its name for messages, and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFile {
    /// The path on disk, or below `policies/` for a built-in file.
    pub name: String,
    /// The contents.
    pub text: String,
}

impl PolicyFiles {
    /// The built-in files alone.
    pub fn built_in() -> Self {
        Self::default()
    }

    /// The built-in files, replaced and completed by those in `directory`, which has the same folders.
    pub fn with_directory(directory: impl Into<PathBuf>) -> Self {
        Self { directory: Some(directory.into()) }
    }

    /// Reads the file at `path`, such as `profiles/one-connection.toml`.
    ///
    /// # Errors
    /// A refusal when there is none, or it cannot be read, is too large or no UTF-8.
    pub fn read(&self, path: &str) -> Result<PolicyFile, Refusal> {
        if let Some(own) =
            self.directory.as_ref().map(|directory| directory.join(path)).filter(|own| own.exists())
        {
            return read_from_disk(&own);
        }
        let name = format!("policies/{path}");
        let embedded = BuiltIn::get(path).ok_or_else(|| {
            Refusal::of(
                &name,
                "there is no such policy file",
                "check the name, or add the file to the directory",
            )
        })?;
        match String::from_utf8(embedded.data.into_owned()) {
            Ok(text) => Ok(PolicyFile { name, text }),
            Err(_) => Err(not_text(&name)),
        }
    }

    /// The paths of all TOML files directly in `folder`, such as `apps`, in order of name.
    ///
    /// # Errors
    /// A refusal when the operator's directory cannot be listed.
    pub fn list(&self, folder: &str) -> Result<Vec<String>, Refusal> {
        let direct = |path: &str| {
            let name = path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'));
            name.is_some_and(|name| !name.contains('/') && name.ends_with(".toml"))
        };
        let mut paths: BTreeSet<String> =
            BuiltIn::iter().map(|path| path.into_owned()).filter(|path| direct(path)).collect();
        if let Some(own) =
            self.directory.as_ref().map(|directory| directory.join(folder)).filter(|own| own.is_dir())
        {
            let unreadable = |error: std::io::Error| {
                Refusal::of(&own.display().to_string(), error.to_string(), "make the directory readable")
            };
            for entry in std::fs::read_dir(&own).map_err(unreadable)? {
                let name = entry.map_err(unreadable)?.file_name();
                let path = format!("{folder}/{}", name.to_string_lossy());
                if direct(&path) {
                    paths.insert(path);
                }
            }
        }
        Ok(paths.into_iter().collect())
    }
}

fn read_from_disk(path: &Path) -> Result<PolicyFile, Refusal> {
    let name = path.display().to_string();
    let mut bytes = Vec::new();
    // One byte more than allowed is enough to know that there is too much; whoever parses the text says so.
    let limit = MAX_FILE_BYTES as u64 + 1;
    let read = File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes));
    read.map_err(|error| Refusal::of(&name, error.to_string(), "make the file readable"))?;
    String::from_utf8(bytes).map(|text| PolicyFile { name: name.clone(), text }).map_err(|_| not_text(&name))
}

fn not_text(name: &str) -> Refusal {
    Refusal::of(name, "the file is not UTF-8 text", "save it as UTF-8")
}
