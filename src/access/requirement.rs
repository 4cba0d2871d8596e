//! Prerequisites of roles, as a catalogue writes them: `training:data-protection@12mo`.
//!
//! Rules: a prerequisite is an attestation of a kind, not older than a period if one is named; the profile bounds the
//! age of trainings as well, the shorter holds; who inherits from a role needs what that role needs. Pure.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::catalogue::{Application, Role};
use super::names::is_key;
use crate::clock::Timestamp;
use crate::profile::value::Value;
use crate::profile::{Period, Profile};

/// The longest name of a kind, in characters.
pub const MAX_KIND: usize = 129;
/// How kinds begin that the profile bounds by `training.max_age`.
const TRAINING: &str = "training:";

/// One attestation that the holder of a role must have.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Requirement {
    /// Of which kind, such as `training:data-protection`.
    pub kind: String,
    /// How old it may be; `None` for any age.
    pub max_age: Option<Period>,
}

/// Whether a text names a kind of attestation: one or two keys, parted by a colon.
pub fn is_kind(text: &str) -> bool {
    match text.split_once(':') {
        Some((kind, of)) => is_key(kind) && is_key(of),
        None => is_key(text),
    }
}

impl FromStr for Requirement {
    type Err = String;

    /// Reads `training:data-protection@12mo`, `training:data-protection` or `clearance`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, age) = match text.split_once('@') {
            Some((kind, age)) => (kind, Some(age)),
            None => (text, None),
        };
        if !is_kind(kind) {
            return Err(format!("\"{}\" names no kind of attestation", text.escape_debug()));
        }
        let max_age = age.map(str::parse::<Period>).transpose()?;
        if max_age.is_some_and(|period| period.count == 0) {
            return Err("an attestation cannot be no time old".to_owned());
        }
        Ok(Self { kind: kind.to_owned(), max_age })
    }
}

impl Requirement {
    /// The first instant at which an attestation given at `given` counts no more; `None` if its age does not matter.
    /// What lies beyond the calendar never ends.
    pub fn end_of(&self, given: Timestamp) -> Option<Timestamp> {
        self.max_age?.after(given.utc()).map(Timestamp::from)
    }

    /// As people read it: `training:data-protection, not older than 12 months`.
    pub fn in_words(&self) -> String {
        match self.max_age {
            Some(age) => format!("{}, not older than {}", self.kind, age.in_words()),
            None => self.kind.clone(),
        }
    }
}

/// How old an attestation of this kind may be by the profile; `None` if the profile does not say.
pub fn profile_bound(kind: &str, profile: &Profile) -> Option<Period> {
    match profile.parameter("training.max_age").and_then(|parameter| parameter.value.as_ref()) {
        Some(Value::Period(period)) if kind.starts_with(TRAINING) => Some(*period),
        _ => None,
    }
}

/// What the holder of a role needs by this profile: its own prerequisites and those of every role it inherits from, of
/// each kind the strictest. What cannot be read was refused before it came into force; it is needed under its own name,
/// so that nobody has it.
pub fn of_role(application: &Application, role: &Role, profile: &Profile) -> Vec<Requirement> {
    let mut all: BTreeMap<String, Option<Period>> = BTreeMap::new();
    for text in application.with_inherited(role).into_iter().flat_map(|role| &role.requires) {
        let read = text.parse().unwrap_or_else(|_| Requirement { kind: text.clone(), max_age: None });
        let age = shorter(read.max_age, profile_bound(&read.kind, profile));
        all.entry(read.kind).and_modify(|known| *known = shorter(*known, age)).or_insert(age);
    }
    all.into_iter().map(|(kind, max_age)| Requirement { kind, max_age }).collect()
}

fn shorter(a: Option<Period>, b: Option<Period>) -> Option<Period> {
    match (a, b) {
        (Some(a), Some(b)) if b.longest_minutes() < a.longest_minutes() => Some(b),
        (None, b) => b,
        (a, _) => a,
    }
}

#[cfg(test)]
mod tests {
    use super::Requirement;

    #[test]
    fn prerequisites_are_read_and_faults_are_said() {
        let read: Requirement = "training:data-protection@12mo".parse().unwrap();
        assert_eq!(
            (read.kind.as_str(), read.in_words().as_str()),
            ("training:data-protection", "training:data-protection, not older than 12 months")
        );
        assert_eq!("clearance".parse::<Requirement>().unwrap().max_age, None);
        for wrong in ["", "@12mo", "Training:x", "a:b:c", "training:", ":x", "a@", "a@soon", "a@0d", "a b@1d"]
        {
            assert!(wrong.parse::<Requirement>().is_err(), "{wrong}");
        }
    }
}
