//! What is wrong with a policy file: where it stands and what to do about it.
//!
//! Rule: a refusal never repeats personal data. Policy files name roles, features and usernames of owners; the
//! messages quote keys and parameter names only. Calls nothing but `strsim`.

use std::fmt;

/// One reason why a policy file is not accepted, with the place and the remedy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    /// The file as the operator named it, or its path below `policies/` when it is the built-in one.
    pub file: String,
    /// The line, counted from 1; `None` where the whole file is meant.
    pub line: Option<usize>,
    /// What is wrong, as one clause without a full stop.
    pub what: String,
    /// What to do about it, as one imperative without a full stop.
    pub remedy: String,
}

impl Refusal {
    /// A refusal of one line of a file.
    pub fn at(file: &str, line: usize, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: Some(line), what: what.into(), remedy: remedy.into() }
    }

    /// A refusal of a whole file.
    pub fn of(file: &str, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: None, what: what.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(out, "{}:{line}: {}; {}", self.file, self.what, self.remedy),
            None => write!(out, "{}: {}; {}", self.file, self.what, self.remedy),
        }
    }
}

impl std::error::Error for Refusal {}

/// The known name that `given` was most likely meant to be, if one is near enough to be worth proposing.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Below this likeness (Jaro-Winkler, 0 to 1) a proposal confuses more than it helps.
    const WORTH_SAYING: f64 = 0.75;
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(given, name), name))
        .filter(|(likeness, _)| *likeness >= WORTH_SAYING)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, name)| name)
}

/// The remedy for an unknown name: the nearest known one, else the whole list.
pub fn did_you_mean<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match nearest(given, known.iter().copied()) {
        Some(name) => format!("did you mean \"{name}\"?"),
        None if known.is_empty() => "none is known here, so leave it out".to_owned(),
        None => format!("use one of: {}", known.join(", ")),
    }
}
