//! What gave a permission, remembered without asking for memory: positions among the subject's grants.
//!
//! Pure; calls `subject`.

use super::subject::{Grant, Subject, id_of};
use crate::ids::{AccountId, GrantId};

/// The grants that gave a permission: all of them, for each counts as used.
#[derive(Debug, Clone, Default)]
pub struct Given {
    subject: Option<Subject>,
    /// Positions below 64, as bits: nearly nobody has more grants, and no memory is asked for.
    few: u64,
    more: Vec<usize>,
}

impl Given {
    pub(super) fn of(subject: Subject) -> Self {
        Self { subject: Some(subject), few: 0, more: Vec::new() }
    }

    pub(super) fn add(&mut self, position: usize) {
        match position {
            0..64 => self.few |= 1 << position,
            _ => self.more.push(position),
        }
    }

    pub(super) fn clear(&mut self) {
        self.few = 0;
        self.more.clear();
    }

    /// The grants, each once. Empty where birth, position or nothing gave the permission.
    pub fn grants(&self) -> impl Iterator<Item = GrantId> {
        self.rows().filter_map(|grant| id_of(grant.id()))
    }

    /// The same, as numbers.
    pub(super) fn grant_numbers(&self) -> impl Iterator<Item = u128> {
        self.rows().map(Grant::id)
    }

    /// The properties, with their values, to which these grants are limited.
    pub fn limits(&self) -> impl Iterator<Item = (&str, impl Iterator<Item = &str>)> {
        self.rows().flat_map(Grant::limits)
    }

    fn rows(&self) -> impl Iterator<Item = Grant<'_>> {
        let mut bits = self.few;
        let few = std::iter::from_fn(move || {
            let position = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
            bits &= bits - 1;
            Some(position)
        });
        let positions = few.chain(self.more.iter().copied());
        positions.filter_map(|position| self.subject.as_ref()?.grant(position))
    }

    /// Whether there is one subject of the name that was asked about.
    pub fn is_of_somebody(&self) -> bool {
        self.subject.is_some()
    }

    /// The account that was asked about, if there is one of that name.
    pub fn account(&self) -> Option<AccountId> {
        id_of(self.subject.as_ref()?.account())
    }
}
