//! The leaver's clock: people are told while a case is not proved, and at the end of its time it is a breach (O10).
//!
//! Rule: after a sixth, half and five sixths of the profile's time (4, 12 and 20 of 24 hours), and at its end, each
//! step raises once, however often the job runs.

use super::{Case, CaseState};
use crate::alarms::{self, Rule, Severity, Sighting};
use crate::app::App;
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::error::Result;

/// The steps in sixths of the time, and how grave each is.
const STEPS: [(i32, Severity); 4] =
    [(1, Severity::Notice), (3, Severity::Warning), (5, Severity::Warning), (6, Severity::Critical)];

/// The last step that a case has passed unproved, in hours, and how grave it is.
fn passed(case: &Case, now: Timestamp) -> Option<(u64, Severity)> {
    let proved = matches!(case.state, CaseState::Verified | CaseState::Closed | CaseState::Withdrawn);
    let time = case.deadline.since(case.effective_at);
    let gone = now.since(case.effective_at);
    let mut steps = STEPS.into_iter().map(|(sixths, severity)| (time * sixths / 6, severity));
    let (step, severity) = steps.rfind(|(step, _)| *step <= gone).filter(|_| !proved)?;
    Some((step.num_hours().unsigned_abs(), severity))
}

/// Raises the alarm of a case whose clock has passed a further step.
///
/// # Errors
/// Whatever the database returns.
pub(super) fn watch(app: &App, caller: &Caller, case: &Case) -> Result<()> {
    let Some((hours, severity)) = passed(case, app.context().clock.now()) else { return Ok(()) };
    let about = case.id.as_str();
    if app.read_now(|reader| alarms::highest(reader, Rule::LeaverClock, about))? >= hours {
        return Ok(());
    }
    let seen = Sighting::of(Rule::LeaverClock, severity).account(Some(&case.account)).about(about).counted(
        hours,
        hours,
        Some(case.deadline.since(case.effective_at)),
    );
    app.write_now(caller, |tx| alarms::raise(tx, seen)).map(drop)
}
