//! What exceptions do by themselves: warn before their end, be noted as over, take effect after the day of objections.
//!
//! Rule: correctness never waits for it; an exception's end is judged at the instant of each decision.

use chrono::Duration;

use super::own::{self, Matter};
use super::{ExceptionState, granting, store};
use crate::alarms::{self, Rule, Severity, Sighting};
use crate::app::App;
use crate::caller::Caller;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::ids::ExceptionId;
use crate::jobs::Lease;

/// How long before its end an exception is warned of.
const WARNING: Duration = Duration::days(7);
/// How many are looked at in one run.
const MOST: i64 = 200;

/// The work of the job.
///
/// # Errors
/// Whatever the database returns.
pub fn tend(app: &App, lease: &Lease) -> Result<String> {
    let done = app.write_now(&Caller::house("exceptions.tend"), |tx| {
        lease.check(tx)?;
        let effective = take_effect(tx)?;
        warn(tx)?;
        let over = store::over(tx, MOST)?;
        let count = over.len();
        for exception in over {
            granting::expire(tx, exception)?;
        }
        Ok((effective, count))
    })?;
    let (effective, over) = done.value;
    Ok(format!("{effective} took effect, {over} over"))
}

/// Exceptions that nobody but their owner could approve, and to which nobody objected.
fn take_effect(tx: &mut Tx<'_>) -> Result<usize> {
    let due = own::due(tx, Matter::Exception, MOST)?;
    let count = due.len();
    for decision in due {
        let found = ExceptionId::parse(&decision.thing).map(|id| granting::proposed(tx, &id));
        let took_effect = match found {
            Some(Ok(mut exception)) => {
                granting::approved_by(tx, &mut exception, decision.account.as_str())?;
                true
            }
            None | Some(Err(Error::NotFound(_) | Error::Conflict(..))) => false,
            Some(Err(error)) => return Err(error),
        };
        own::settle(tx, decision, took_effect)?;
    }
    Ok(count)
}

/// Raises an alarm for each exception that ends within a week, once.
fn warn(tx: &mut Tx<'_>) -> Result<()> {
    let before = tx.now.plus(WARNING);
    for exception in store::ending(tx, ExceptionState::Approved, before, MOST)? {
        let about = exception.id.as_str();
        if alarms::highest(tx, Rule::ExceptionEnds, about)? > 0 {
            continue;
        }
        let seen = Sighting::of(Rule::ExceptionEnds, Severity::Notice)
            .account(Some(&exception.account))
            .about(about)
            .samples([exception.what.clone(), format!("ends {}", exception.ends_at)]);
        alarms::raise(tx, seen)?;
    }
    Ok(())
}
