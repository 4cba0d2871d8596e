//! Samples for the referee: now and then a decision that was answered is asked again, of casbin over the rows as the
//! database has them.
//!
//! Rules: which decisions are taken is drawn from the house's own randomness, so that nobody can foresee it; rows and
//! index must stand at the same revision, or nothing is said; a position that depends on the hour (being somebody's
//! manager) is not compared while the two disagree about it. On a difference the permission is denied to the subject
//! until a person has closed the alarm. Calls `referee` and `app`; nothing here is on the path of an answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::live::policy_rows;
use super::referee;
use super::rows::{PolicyRows, SubjectRow};
use super::store::{self, Positions};
use super::watch::Notice;
use super::{Decision, Question, Snapshot};
use crate::access::attestations::Requirements;
use crate::alarms::{Rule, Severity};
use crate::app::App;
use crate::clock::Timestamp;
use crate::db::{Context, Reader};
use crate::entropy::random;
use crate::error::Result;
use crate::ids::AccountId;

/// Chooses decisions: one of so many, at distances that nobody can foresee.
pub(super) struct Sampler {
    every: u64,
    left: AtomicU64,
    context: Arc<Context>,
}

impl Sampler {
    /// One of `every` decisions, or none at all.
    pub(super) fn new(every: u32, context: &Arc<Context>) -> Self {
        let sampler = Self { every: every.into(), left: AtomicU64::new(0), context: Arc::clone(context) };
        if every > 0 {
            sampler.left.store(sampler.distance(), Ordering::Relaxed);
        }
        sampler
    }

    /// Whether this one is taken.
    pub(super) fn takes(&self) -> bool {
        if self.every == 0 || self.left.fetch_sub(1, Ordering::Relaxed) != 1 {
            return false;
        }
        self.left.store(self.distance(), Ordering::Relaxed);
        true
    }

    /// From one to less than twice the mean.
    fn distance(&self) -> u64 {
        let drawn = u64::from_le_bytes(random(self.context.entropy.as_ref()));
        1 + drawn % (2 * self.every - 1)
    }
}

/// A decision to be judged again, with the state that decided.
#[derive(Clone)]
pub(super) struct Sample {
    at: Timestamp,
    account: AccountId,
    application: String,
    feature: String,
    action: String,
    permitted: bool,
    snapshot: Snapshot,
}

impl Sample {
    /// The sample of a decision; none if subject or permission are unknown, so that casbin has nothing to say.
    pub(super) fn of(
        at: Timestamp,
        question: &Question<'_>,
        snapshot: &Snapshot,
        decision: &Decision,
    ) -> Option<Self> {
        let (application, feature) = question.feature().filter(|_| decision.permission.is_some())?;
        Some(Self {
            at,
            account: decision.account()?,
            application: application.to_owned(),
            feature: feature.to_owned(),
            action: question.action.to_owned(),
            permitted: decision.permit(),
            snapshot: snapshot.clone(),
        })
    }

    fn permission(&self) -> (&str, &str, &str) {
        (&self.application, &self.feature, &self.action)
    }
}

/// The rows that bear on a sample, of one instant.
struct Rows {
    revision: u64,
    policy: PolicyRows,
    subject: Option<SubjectRow>,
}

fn read(reader: &mut Reader<'_>, account: &AccountId) -> Result<Rows> {
    let only = std::slice::from_ref(account);
    let positions = Positions::among(reader, only)?;
    let requirements = Requirements::of(reader)?;
    let subject = store::subjects(reader, only, &positions, &requirements)?.pop();
    Ok(Rows { revision: store::revision(reader)?, policy: policy_rows(reader)?, subject })
}

/// Asks the referee about a sample. What differs is to be told.
///
/// # Errors
/// A fault of the database, or of casbin.
pub(super) fn judge(app: &App, sample: &Sample) -> Result<Option<Notice>> {
    let rows = app.read_now(|reader| read(reader, &sample.account))?;
    // A busy house has moved on; then the same is asked of the newest state, if that is the one of the rows.
    let newest = app.decisions().snapshot();
    let own = sample.snapshot.revision() == rows.revision;
    let snapshot = if own { &sample.snapshot } else { newest.as_ref() };
    if snapshot.revision() != rows.revision {
        return Ok(None);
    }
    compare(sample, snapshot, &rows.policy, rows.subject.as_ref())
}

/// What differs between an index and casbin over the rows of the same revision.
pub(super) fn compare(
    sample: &Sample,
    snapshot: &Snapshot,
    policy: &PolicyRows,
    row: Option<&SubjectRow>,
) -> Result<Option<Notice>> {
    let known = super::subject::number_of(&sample.account).and_then(|account| snapshot.subject(account));
    let (Some(row), Some(known)) = (row, known) else { return Ok(None) };
    let same_positions = known.is_manager() == row.is_manager && known.is_owner() == row.is_owner;
    // A catalogue that does not compile is not the one in force, which is said elsewhere.
    if !same_positions || Snapshot::default().with_policy(policy).is_err() {
        return Ok(None);
    }
    let casbin = referee::says(policy, row, sample.at, sample.permission())?;
    let compiled = snapshot.rows_permit(sample.at, sample.account.as_str(), sample.permission());
    // Conditions only ever take away: what was permitted must be permitted by the rows too.
    let answered = sample.permitted && sample.snapshot.revision() == snapshot.revision();
    if casbin == compiled && (casbin || !answered) {
        return Ok(None);
    }
    let permission = format!("{}/{}:{}", sample.application, sample.feature, sample.action);
    let word = |permits: bool| if permits { "permits" } else { "denies" };
    let (index, referee) = (word(compiled || answered), word(casbin));
    tracing::error!(account = %sample.account, permission, index, referee, "INDEX AND REFEREE DIFFER");
    let told = format!("the index {index}, casbin {referee}, at revision {}", snapshot.revision());
    let notice = Notice::of(Rule::RefereeDiffers, Severity::Critical).account(Some(sample.account.clone()));
    Ok(Some(notice.denying(&permission).sample(told)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::Freshness;
    use crate::decision::fault::{self, Fault};
    use crate::decision::rows::{GrantState, SubjectRow};
    use crate::decision::tests::{grant, noon, person, policy, question, snapshot};

    /// What is told of an index that knows `known`, by rows that say `told`.
    fn judged(known: &SubjectRow, told: &SubjectRow, fault: Option<Fault>, action: &str) -> Option<Notice> {
        let state = match fault {
            Some(fault) => fault::with(fault, || snapshot(known)),
            None => snapshot(known),
        };
        let question = question("orders/order", action);
        let decision = state.evaluate(noon(), Freshness::Fresh, &question);
        let sample = Sample::of(noon(), &question, &state, &decision).unwrap();
        compare(&sample, &state, &policy(), Some(told)).unwrap()
    }

    #[test]
    fn a_faulty_index_is_noticed_and_a_sound_one_is_not() {
        let ada = person(1, "ada", vec![grant(11, "orders/lead"), grant(12, "orders/trainee")]);
        for action in ["read", "ship"] {
            assert!(judged(&ada, &ada, None, action).is_none(), "{action}");
        }
        for (fault, action) in [
            (Fault::DenialAllows, "ship"),
            (Fault::PermissionDenies, "read"),
            (Fault::NoInheritance, "read"),
            (Fault::AnyAction, "read"),
        ] {
            assert!(judged(&ada, &ada, Some(fault), action).is_some(), "{fault:?}");
        }
    }

    #[test]
    fn rows_that_say_something_else_are_noticed_but_for_positions_that_the_hour_decides() {
        let ada = person(1, "ada", vec![grant(11, "orders/picker")]);
        let mut rests = ada.clone();
        rests.grants[0].state = GrantState::Suspended;
        assert!(judged(&ada, &rests, None, "read").is_some());
        let manager = SubjectRow { is_manager: true, ..rests };
        assert!(judged(&ada, &manager, None, "read").is_none());
    }
}
