//! How often a refusal is said in the log.
//!
//! Rules: what is refused is an event at once; the same for the same reason, of the same account and from the same
//! source, is only counted for ten minutes after that, and the count is an event when they are over. So nobody fills the
//! log by beginning sign-ins and spoiling them. What is remembered is bounded, is this node's alone, and costs nothing if
//! it is lost. May call: nothing but the types of the log.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::Duration;

use super::refusal::Refusal;
use crate::clock::Timestamp;
use crate::ids::AccountId;
use crate::log::event::Change;
use crate::signin::throttle::Source;

/// For so long the same is only counted.
const WINDOW: Duration = Duration::minutes(10);
/// So many different refusals are told apart; beyond that all sources and accounts are one.
const MOST: usize = 1_000;

/// What was refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Refused {
    /// The provider's key.
    pub provider: String,
    /// Why.
    pub refusal: Refusal,
    /// Whom it is about, if that is known.
    pub account: Option<AccountId>,
    /// Where it came from.
    pub source: Source,
}

impl Refused {
    fn change(&self, times: u64) -> Change {
        Change::SsoRefused {
            account: self.account.clone(),
            provider: self.provider.clone(),
            cause: self.refusal.as_str().to_owned(),
            times,
        }
    }
}

struct Seen {
    since: Timestamp,
    /// How often it came again.
    more: u64,
}

/// What was refused of late.
#[derive(Default)]
pub(super) struct Refusals(Mutex<HashMap<Refused, Seen>>);

impl Refusals {
    /// Notes one refusal; returns what is to be said now.
    pub fn note(&self, now: Timestamp, mut refused: Refused) -> Vec<Change> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut due = over(&mut seen, now);
        if seen.len() >= MOST && !seen.contains_key(&refused) {
            (refused.account, refused.source) = (None, Source::Unknown);
        }
        match seen.get_mut(&refused) {
            Some(before) => before.more += 1,
            None => {
                due.push(refused.change(1));
                seen.insert(refused, Seen { since: now, more: 0 });
            }
        }
        due
    }

    /// The counts whose time is over.
    pub fn over(&self, now: Timestamp) -> Vec<Change> {
        over(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner), now)
    }
}

fn over(seen: &mut HashMap<Refused, Seen>, now: Timestamp) -> Vec<Change> {
    let ended = seen.extract_if(|_, one| now.since(one.since) >= WINDOW);
    ended.filter(|(_, one)| one.more > 0).map(|(refused, one)| refused.change(one.more)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, ManualClock};

    fn refused(source: u32) -> Refused {
        Refused {
            provider: "firm".to_owned(),
            refusal: Refusal::CodeRefused,
            account: None,
            source: Source::of(Some(source.to_be_bytes().into()), None),
        }
    }

    fn times(due: &[Change]) -> Vec<u64> {
        let times = due.iter().map(|change| match change {
            Change::SsoRefused { times, .. } => *times,
            other => panic!("{other:?}"),
        });
        times.collect()
    }

    #[test]
    fn the_same_is_said_once_and_counted_after_that() {
        let (clock, refusals) = (ManualClock::on(2026, 11, 23, 9, 0), Refusals::default());
        assert_eq!(times(&refusals.note(clock.now(), refused(1))), [1]);
        for _ in 0..500 {
            assert_eq!(refusals.note(clock.now(), refused(1)), []);
        }
        assert_eq!(times(&refusals.note(clock.now(), refused(2))), [1], "another source is another thing");
        clock.advance(WINDOW);
        assert_eq!(times(&refusals.note(clock.now(), refused(1))), [500, 1]);
        clock.advance(WINDOW);
        assert_eq!(refusals.over(clock.now()), [], "what came once was said");
    }

    #[test]
    fn sources_without_end_are_one_in_the_end() {
        let (clock, refusals) = (ManualClock::on(2026, 11, 23, 9, 0), Refusals::default());
        let said: usize = (0..5_000).map(|number| refusals.note(clock.now(), refused(number)).len()).sum();
        assert_eq!(said, MOST + 1);
        clock.advance(WINDOW);
        assert_eq!(times(&refusals.over(clock.now())), [5_000 - said as u64]);
    }
}
