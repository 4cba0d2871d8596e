//! What this slice does by itself: tidying up grants whose end has passed, and holding the floor.
//!
//! Rule: correctness never waits for it; ends are judged at decision time. Calls `grants`, `floor`, `collisions`.

use super::{collisions, floor, grants};
use crate::app::App;
use crate::caller::Caller;
use crate::error::Result;
use crate::jobs::Lease;

const CHUNK: i64 = 200;

/// Warns of administrators' ends, prolongs what the floor needs and tidies up what ran out.
///
/// # Errors
/// Whatever a transaction returns; what was done before stays done.
pub fn expire(app: &App, lease: &Lease) -> Result<String> {
    let house = Caller::house("access.expire");
    let prolonged = app.write_now(&house, |tx| {
        lease.check(tx)?;
        floor::warn(tx)?;
        collisions::watch(tx)?;
        floor::prolong_needed(tx)
    })?;
    let mut expired = 0;
    loop {
        let chunk = app.write_now(&house, |tx| {
            lease.check(tx)?;
            grants::expire(tx, CHUNK)
        })?;
        expired += chunk.value;
        if chunk.value < CHUNK.unsigned_abs() as usize {
            return Ok(format!("{expired} expired, {} prolonged by the floor", prolonged.value));
        }
    }
}
