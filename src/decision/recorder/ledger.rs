//! What stands one by one and what is counted: pure, judged by the time of each entry.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::quality::RandomState;

use super::{Evaluation, MadeUp, Purpose, Refusal, Text};
use crate::clock::Timestamp;
use crate::decision::usage::Used;
use crate::ids::AccountId;
use crate::log::access::{Access, Draft, Limit};
use crate::vault::Vault;

/// How many denials a minute stand one by one for each caller, subject and reason.
const ONE_BY_ONE: u64 = 20;
/// How many different counts a minute may have; what comes beyond shares one.
const COUNTS: usize = 20_000;
const EVERYBODY_ELSE: &str = "*";

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Key {
    Permits {
        asker: Arc<str>,
        permission: String,
    },
    /// `account` is the subject if it is known; all unknown names share one count.
    Denials {
        asker: Arc<str>,
        account: Option<AccountId>,
        reason: &'static str,
    },
    Refusals {
        caller: String,
        problem: &'static str,
    },
}

impl Key {
    /// The count that takes what finds no count of its own.
    fn of_everybody_else(self) -> Self {
        let everybody = || EVERYBODY_ELSE.into();
        match self {
            Self::Permits { .. } => {
                Self::Permits { asker: everybody(), permission: EVERYBODY_ELSE.to_owned() }
            }
            Self::Denials { reason, .. } => Self::Denials { asker: everybody(), account: None, reason },
            Self::Refusals { problem, .. } => Self::Refusals { caller: EVERYBODY_ELSE.to_owned(), problem },
        }
    }
}

struct Tally {
    seen: u64,
    /// How many of them do not stand one by one.
    counted: u64,
    first: Timestamp,
    last: Timestamp,
}

/// When a grant gave a permission last, and what of that is written.
struct Use {
    last: Timestamp,
    written: Option<Timestamp>,
}

/// The minute under way, and what is ready to be written.
#[derive(Default)]
pub(super) struct Ledger {
    minute: i64,
    tallies: HashMap<Key, Tally, RandomState>,
    /// By the number of the grant.
    uses: HashMap<u128, Use, RandomState>,
    drafts: Vec<Draft>,
    /// Whether the disk is so full that only permits of personal data stand one by one.
    pub(super) counts_only: bool,
}

impl Ledger {
    /// Takes in an evaluation. Returns the place of its record among the drafts, if it stands there by itself.
    pub(super) fn take(&mut self, entry: &Evaluation, vault: &Vault) -> Option<usize> {
        self.turn(entry.at);
        for grant in entry.decision.grant_numbers() {
            let used = self.uses.entry(grant).or_insert(Use { last: entry.at, written: None });
            used.last = used.last.max(entry.at);
        }
        if entry.is_pii_permit() {
            return Some(self.draft(entry, permit(entry, vault)));
        }
        let asker = Arc::clone(&entry.asker);
        if entry.decision.permit() {
            self.count(Key::Permits { asker, permission: permission(entry, vault) }, entry.at, 0);
            return None;
        }
        let account = entry.decision.account();
        let key = Key::Denials { asker, account, reason: entry.decision.reason.as_str() };
        let one_by_one = if self.counts_only { 0 } else { ONE_BY_ONE };
        self.count(key, entry.at, one_by_one).then(|| self.draft(entry, denial(entry, vault)))
    }

    /// Takes in a volume. Returns the place of its record among the drafts.
    pub(super) fn take_usage(&mut self, used: Used) -> usize {
        self.turn(used.at);
        let Used { at, asker, evaluation, records } = used;
        let access = Access::Usage {
            asker,
            permission: evaluation.permission,
            record: evaluation.record,
            permitted_at: evaluation.at,
            records,
        };
        self.drafts.push(Draft { at, subject: Some(evaluation.account), access });
        self.drafts.len() - 1
    }

    /// Takes in a refused call.
    pub(super) fn take_refusal(&mut self, refusal: Refusal) {
        self.turn(refusal.at);
        let key = Key::Refusals { caller: refusal.caller.clone(), problem: refusal.problem };
        let one_by_one = if self.counts_only { 0 } else { ONE_BY_ONE };
        if self.count(key, refusal.at, one_by_one) {
            let Refusal { at, caller, route, problem } = refusal;
            let access = Access::Refusal { caller, route, problem: problem.to_owned() };
            self.drafts.push(Draft { at, subject: None, access });
        }
    }

    /// Takes in that so many entries found no room.
    pub(super) fn take_overflow(&mut self, at: Timestamp, count: u64) {
        if count > 0 {
            self.drafts.push(Draft { at, subject: None, access: Access::Overflow { count } });
        }
    }

    /// Ends the minute if `now` lies in a later one.
    pub(super) fn turn(&mut self, now: Timestamp) {
        let minute = now.seconds().div_euclid(60);
        if minute > self.minute {
            self.close();
            self.minute = minute;
        }
    }

    /// Turns what was counted into records.
    pub(super) fn close(&mut self) {
        let mut counted: Vec<_> = self.tallies.drain().filter(|(_, tally)| tally.counted > 0).collect();
        counted.sort_by(|(one, _), (other, _)| one.cmp(other));
        for (key, Tally { counted: count, first, last, .. }) in counted {
            let (subject, access) = match key {
                Key::Permits { asker, permission } => {
                    (None, Access::Permits { asker: asker.to_string(), permission, count, first, last })
                }
                Key::Denials { asker, account, reason } => {
                    let (asker, reason) = (asker.to_string(), reason.to_owned());
                    (account, Access::Denials { asker, reason, count, first, last })
                }
                Key::Refusals { caller, problem } => {
                    (None, Access::Refusals { caller, problem: problem.to_owned(), count, first, last })
                }
            };
            self.drafts.push(Draft { at: last, subject, access });
        }
        for used in self.uses.values_mut().filter(|used| used.written != Some(used.last)) {
            used.written = None;
        }
        self.uses.retain(|_, used| used.written.is_none());
    }

    /// What is ready to be written.
    pub(super) fn take_drafts(&mut self) -> Vec<Draft> {
        std::mem::take(&mut self.drafts)
    }

    /// The uses of grants that are not written yet, at most so many: the first of a minute at once, later ones when it
    /// ends.
    pub(super) fn uses(&self, limit: usize) -> Vec<(u128, Timestamp)> {
        let new = self.uses.iter().filter(|(_, used)| used.written.is_none());
        new.map(|(grant, used)| (*grant, used.last)).take(limit).collect()
    }

    /// Notes that these uses are written.
    pub(super) fn uses_written(&mut self, written: &[(u128, Timestamp)]) {
        for (grant, at) in written {
            if let Some(used) = self.uses.get_mut(grant) {
                used.written = Some(*at);
            }
        }
    }

    fn draft(&mut self, entry: &Evaluation, access: Access) -> usize {
        self.drafts.push(Draft { at: entry.at, subject: entry.decision.account(), access });
        self.drafts.len() - 1
    }

    /// Counts; whether this one stands by itself, being among the first so many.
    fn count(&mut self, key: Key, at: Timestamp, one_by_one: u64) -> bool {
        let key = if self.tallies.len() >= COUNTS && !self.tallies.contains_key(&key) {
            key.of_everybody_else()
        } else {
            key
        };
        let tally = self.tallies.entry(key).or_insert(Tally { seen: 0, counted: 0, first: at, last: at });
        tally.seen += 1;
        if tally.seen <= one_by_one {
            return true;
        }
        if tally.counted == 0 {
            tally.first = at;
        }
        tally.counted += 1;
        tally.last = tally.last.max(at);
        false
    }
}

fn permit(entry: &Evaluation, vault: &Vault) -> Access {
    let made_up = entry.made_up();
    let purpose = made_up.and_then(|made_up| made_up.purpose.as_ref()).map(|purpose| match purpose {
        Purpose::Known(word) => word.to_string(),
        Purpose::Unknown(text) => text.hidden("purpose", vault),
    });
    let record = made_up.and_then(|made_up| made_up.record.as_ref());
    Access::Permit {
        asker: entry.asker.to_string(),
        permission: permission(entry, vault),
        record: record.map(|record| record.hidden("record", vault)).unwrap_or_default(),
        purpose,
        scope: limits(entry),
        grants: entry.decision.grants().collect(),
        revision: entry.decision.revision,
        records: made_up.and_then(|made_up| made_up.records),
    }
}

/// The permission as the log names it: by the catalogue, or as keyed hash of what the caller wrote.
fn permission(entry: &Evaluation, vault: &Vault) -> String {
    match &entry.permission {
        Some(permission) => permission.name().to_owned(),
        None => {
            written(entry, vault, "permission", |made_up| made_up.permission.as_ref()).unwrap_or_default()
        }
    }
}

/// A text of the caller as the log may carry it.
fn written(
    entry: &Evaluation,
    vault: &Vault,
    space: &str,
    text: fn(&MadeUp) -> Option<&Text>,
) -> Option<String> {
    entry.made_up().and_then(text).map(|text| text.hidden(space, vault))
}

/// What a permit becomes that could not be recorded in time: it was answered as a denial.
pub(super) fn not_recorded(access: &mut Access) {
    if let Access::Permit { asker, permission, revision, .. } = access {
        *access = Access::Denial {
            asker: std::mem::take(asker),
            name: None,
            permission: std::mem::take(permission),
            reason: super::super::Reason::Recorder.as_str().to_owned(),
            revision: *revision,
        };
    }
}

fn denial(entry: &Evaluation, vault: &Vault) -> Access {
    Access::Denial {
        asker: entry.asker.to_string(),
        name: written(entry, vault, "subject", |made_up| made_up.subject.as_ref()),
        permission: permission(entry, vault),
        reason: entry.decision.reason.as_str().to_owned(),
        revision: entry.decision.revision,
    }
}

fn limits(entry: &Evaluation) -> Vec<Limit> {
    let mut all: Vec<_> = entry
        .decision
        .limits()
        .map(|(property, values)| Limit {
            property: property.to_owned(),
            values: values.map(str::to_owned).collect(),
        })
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}
