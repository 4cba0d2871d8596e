//! Tidying: attempts that are over, words to sign out that were obeyed, sign-ins whose sessions ended long ago.
//!
//! Correctness never waits for it. May call: `jobs` for the lease.

use chrono::Duration;

use super::{ACTOR, store};
use crate::app::App;
use crate::caller::Caller;
use crate::error::Result;
use crate::jobs::Lease;

const HANDFUL: i64 = 200;
/// An attempt that came again is known as such for so long.
const ENDED: Duration = Duration::hours(1);
/// Longer than every session and than its row is kept.
const SESSIONS_KEPT: Duration = Duration::days(60);

/// Deletes what ended, and says how often refusals came again.
///
/// # Errors
/// [`crate::error::Error::Stale`] if another node has taken the job over.
pub fn tidy(app: &App, lease: &Lease) -> Result<String> {
    let mut all = 0;
    let refused = app.identity_providers().refusals.over(app.context().clock.now());
    if !refused.is_empty() {
        app.write_now(&Caller::house(ACTOR), |tx| {
            lease.check(tx)?;
            refused.into_iter().for_each(|change| tx.record(change));
            Ok(())
        })?;
    }
    loop {
        let done = app.write_now(&Caller::house("sso.tidy"), |tx| {
            lease.check(tx)?;
            let (ended, began) = (tx.now.minus(ENDED), tx.now.minus(SESSIONS_KEPT));
            store::forget(tx, ended, began, HANDFUL)
        })?;
        all += done.value;
        if done.value == 0 {
            return Ok(format!("forgot {all} rows"));
        }
    }
}
