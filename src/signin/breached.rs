//! Passwords that others know: stolen elsewhere, or so common that a machine guesses them.
//!
//! Rules: the file is looked into and never loaded; nothing of a password leaves the machine. A file that cannot be read
//! refuses, since a check that does not happen must not pass for one. Without a file the library's dictionaries judge,
//! which know the names of the person too. Blocking; called before the password is hashed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use zeroize::Zeroizing;
use zxcvbn::{Score, zxcvbn};

use super::hasher::Secret;
use super::password::{Person, normalised};
use crate::error::{Error, Result};

/// How many digits of the hash name a range.
const PREFIX: usize = 5;
/// Longer than every line of a range: a hash, a colon, a count.
const LINE: u64 = 80;

/// Refuses a password that others know.
///
/// # Errors
/// [`Error::Invalid`] if it is one; [`Error::Unavailable`] if the file cannot be read.
pub fn check(file: Option<&Path>, person: &Person<'_>, password: &Secret) -> Result<()> {
    let password = normalised(password);
    let known = match file {
        Some(path) => is_listed(path, &password).map_err(|cause| {
            tracing::error!(%cause, "the file of breached passwords cannot be read");
            Error::Unavailable("the list of stolen passwords cannot be read", 60)
        })?,
        None => false,
    };
    if known {
        return Err(refusal("is known to those who guess: it was stolen elsewhere"));
    }
    let mut names: Vec<&str> = person.names.clone();
    names.push(person.username);
    names.extend(person.email);
    if zxcvbn(password.expose(), &names).score() < Score::Three {
        return Err(refusal("is easily guessed: take more words that have nothing to do with each other"));
    }
    Ok(())
}

fn refusal(detail: &str) -> Error {
    Error::field("password", detail)
}

/// Whether a list in the range format of Pwned Passwords has the password: a directory of ranges, each a file named by
/// the first five digits of the hash, or one file of whole hashes in their order.
fn is_listed(path: &Path, password: &Secret) -> io::Result<bool> {
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, password.expose().as_bytes());
    let hash = Zeroizing::new(hex::encode_upper(hash.as_ref()));
    if path.is_dir() {
        // A list without a range of that name is not whole.
        return stands_in(File::open(range_file(path, &hash[..PREFIX]))?, &hash[PREFIX..]);
    }
    stands_in(File::open(path)?, &hash)
}

fn range_file(directory: &Path, prefix: &str) -> PathBuf {
    let with = directory.join(format!("{prefix}.txt"));
    if with.exists() { with } else { directory.join(prefix) }
}

/// Whether a sorted file has a line that begins so, by halving.
fn stands_in(file: File, hash: &str) -> io::Result<bool> {
    let (mut low, mut high) = (0, file.metadata()?.len());
    let mut reader = BufReader::with_capacity(256, file);
    while low < high {
        let middle = low + (high - low) / 2;
        let (begins, line) = line_after(&mut reader, middle, low)?;
        let found = line.get(..hash.len().min(line.len())).unwrap_or_default().to_ascii_uppercase();
        match found.as_str().cmp(hash) {
            std::cmp::Ordering::Equal => return Ok(true),
            std::cmp::Ordering::Less if !line.is_empty() => low = begins + line.len() as u64,
            _ => high = middle,
        }
    }
    Ok(false)
}

/// The first line that begins at `at` or behind it, and where; at `first` a line begins.
fn line_after(reader: &mut BufReader<File>, at: u64, first: u64) -> io::Result<(u64, String)> {
    let mut begins = at;
    if at > first {
        // One byte back: a line that begins just here is not skipped.
        reader.seek(SeekFrom::Start(at - 1))?;
        begins = at - 1 + read_line(reader)?.len() as u64;
    } else {
        reader.seek(SeekFrom::Start(at))?;
    }
    Ok((begins, read_line(reader)?))
}

fn read_line(reader: &mut BufReader<File>) -> io::Result<String> {
    let mut bytes = Vec::new();
    reader.by_ref().take(LINE).read_until(b'\n', &mut bytes)?;
    if bytes.len() as u64 == LINE {
        return Err(io::Error::other("a line is too long for a hash and a count"));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::other("not text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(password: &str) -> String {
        hex::encode_upper(digest(&SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes()).as_ref())
    }

    fn refused(file: Option<&Path>, password: &str) -> Option<String> {
        match check(file, &Person::default(), &Secret::new(password)) {
            Ok(()) => None,
            Err(Error::Invalid(fields)) => Some(fields[0].detail.clone()),
            Err(other) => Some(other.to_string()),
        }
    }

    fn place(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("bailiwick-breached-{}-{name}", std::process::id()))
    }

    #[test]
    fn each_line_of_a_sorted_file_is_found_and_nothing_else() {
        let path = place("file");
        for count in [0, 1, 2, 3, 10, 257] {
            let mut lines: Vec<String> = (0..count)
                .map(|number| format!("{}:{number}\r\n", hash(&format!("stolen word {number}"))))
                .collect();
            lines.sort();
            std::fs::write(&path, lines.concat()).unwrap();
            for number in 0..count {
                let stolen = Secret::new(format!("stolen word {number}"));
                assert!(is_listed(&path, &stolen).unwrap(), "{number} of {count}");
            }
            for number in 0..50 {
                assert!(!is_listed(&path, &Secret::new(format!("another word {number}"))).unwrap());
            }
        }
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_directory_of_ranges_is_asked_for_the_one_range() {
        let directory = place("ranges");
        std::fs::create_dir_all(&directory).unwrap();
        let (stolen, kept) = ("Bridge 7 over the lake!", "Bridge 8 over the lake!");
        let (one, other) = (hash(stolen), hash(kept));
        std::fs::write(directory.join(format!("{}.txt", &one[..5])), format!("{}:3\n", &one[5..])).unwrap();
        std::fs::write(directory.join(&other[..5]), format!("{}:3\n", &one[5..])).unwrap();
        assert!(refused(Some(&directory), stolen).unwrap().contains("stolen"));
        assert_eq!(refused(Some(&directory), kept), None);
        // A range that is missing is a list that is not whole.
        assert!(refused(Some(&directory), "Bridge 9 over the lake!").unwrap().contains("cannot be read"));
        std::fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn what_a_machine_guesses_is_refused_without_a_list() {
        for weak in ["Password1234!", "Qwertyuiop1!", "Aaaaaaaaaa1!"] {
            assert!(refused(None, weak).unwrap().contains("guessed"), "{weak}");
        }
        assert_eq!(refused(None, "Bridge 7 over the lake!"), None);
    }
}
