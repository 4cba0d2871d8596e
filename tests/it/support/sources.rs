//! The house's own text, for tests that hold it to its rules.

use std::fs;
use std::path::{Path, PathBuf};

/// Every source file below `src`, by its path there, with its text.
pub fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    walk(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut found);
    assert!(found.len() > 20, "the sources are found");
    found
}

fn walk(directory: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source");
            let short =
                path.strip_prefix(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).expect("inside").to_owned();
            found.push((short, text));
        }
    }
}
