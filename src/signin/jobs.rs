//! Tidying: what ended long ago is forgotten. Correctness never waits for it.
//!
//! May call: `accounts`, `jobs` for the lease.

use chrono::Duration;

use super::store::sessions as store;
use super::{known_devices, links, lockout, passkeys};
use crate::accounts;
use crate::app::App;
use crate::caller::Caller;
use crate::error::Result;
use crate::jobs::Lease;

/// Rows in one transaction: no write may hold the log's lock for long.
const HANDFUL: i64 = 200;
/// For so long a session that has ended can still be found by its id.
const SESSIONS_KEPT: Duration = Duration::days(30);

/// Deletes sessions that ended a month ago, links and old e-mail addresses of a week ago, counters that nothing has
/// happened to for a day, devices that are known no longer, and challenges that nobody answered.
///
/// # Errors
/// [`crate::error::Error::Stale`] if another node has taken the job over.
pub fn tidy(app: &App, lease: &Lease) -> Result<String> {
    let counters = in_handfuls(app, lease, |tx| lockout::forget(tx, HANDFUL))?;
    let links = in_handfuls(app, lease, |tx| links::forget(tx, HANDFUL))?;
    let devices = in_handfuls(app, lease, |tx| known_devices::forget(tx, HANDFUL))?;
    let sessions = in_handfuls(app, lease, |tx| {
        let before = tx.now.minus(SESSIONS_KEPT);
        store::forget(tx, before, HANDFUL)
    })?;
    in_handfuls(app, lease, |tx| passkeys::forget(tx, HANDFUL))?;
    let addresses = in_handfuls(app, lease, |tx| accounts::emails::forget(tx, HANDFUL))?;
    Ok(format!(
        "forgot {counters} counters, {links} links, {devices} devices, {sessions} sessions, {addresses} old addresses"
    ))
}

fn in_handfuls(
    app: &App,
    lease: &Lease,
    forget: impl Fn(&mut crate::db::Tx<'_>) -> Result<usize>,
) -> Result<usize> {
    let mut all = 0;
    loop {
        let done = app.write_now(&Caller::house("signin.tidy"), |tx| {
            lease.check(tx)?;
            forget(tx)
        })?;
        all += done.value;
        if done.value == 0 {
            return Ok(all);
        }
    }
}
