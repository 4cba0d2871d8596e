//! Who holds a role: for each role the accounts with a grant of it, so that a list of people begins with those who can
//! be on it.
//!
//! Rules: it knows every grant that a subject's piece of memory has, counting or not, and says nothing about what it
//! gives; two states share all memory in which they agree; accounts come in the order of their ids. Pure; calls
//! `subject`.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Bound;

use super::subject::Subject;

/// For each role its holders.
#[derive(Clone, Default)]
pub(super) struct Holders(imbl::HashMap<u32, imbl::OrdSet<u128>>);

impl Holders {
    /// A subject came, went or has other grants than before.
    pub(super) fn change(&mut self, account: u128, before: Option<&Subject>, after: Option<&Subject>) {
        let (before, after) = (roles_of(before), roles_of(after));
        for role in before.iter().filter(|role| !after.contains(role)) {
            if let Some(holders) = self.0.get_mut(role) {
                holders.remove(&account);
                if holders.is_empty() {
                    self.0.remove(role);
                }
            }
        }
        for role in after.iter().filter(|role| !before.contains(role)) {
            self.0.entry(*role).or_default().insert(account);
        }
    }

    /// Everybody who holds one of these roles, each once, from behind an account.
    pub(super) fn behind(
        &self,
        roles: impl Iterator<Item = u32>,
        after: Option<u128>,
    ) -> impl Iterator<Item = u128> {
        let from = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        let sets = roles.filter_map(|role| self.0.get(&role));
        let mut sets: Vec<_> = sets.map(|holders| holders.range(from).copied()).collect();
        let firsts = sets.iter_mut().enumerate();
        let mut heap: BinaryHeap<Reverse<(u128, usize)>> =
            firsts.filter_map(|(place, set)| Some(Reverse((set.next()?, place)))).collect();
        let mut last = None;
        std::iter::from_fn(move || {
            loop {
                let Reverse((account, place)) = heap.pop()?;
                heap.extend(sets.get_mut(place).and_then(Iterator::next).map(|next| Reverse((next, place))));
                if last.replace(account) != Some(account) {
                    return Some(account);
                }
            }
        })
    }
}

fn roles_of(subject: Option<&Subject>) -> Vec<u32> {
    let mut roles: Vec<u32> = subject.into_iter().flat_map(Subject::roles).collect();
    roles.sort_unstable();
    roles.dedup();
    roles
}
