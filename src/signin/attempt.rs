//! An attempt with a name and a password, by whichever page it comes: it may be evaluated, and what follows if it failed.
//!
//! Rules: the lock of the name is asked first, so that a locked name answers the same from everywhere; a known device is
//! not throttled; whatever is refused here costs no hash. May call: `alarms`, and `decision::watch` to tell of guessing.

use super::lockout::{Outcome, Reservation};
use super::people::Attempt;
use crate::alarms::{Rule, Severity};
use crate::app::App;
use crate::decision::watch::Notice;
use crate::error::{Error, Result};

impl Attempt {
    /// Lets the attempt be evaluated once.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if the name is locked; [`Error::TooMany`] if too many tries come from there.
    pub(super) fn admit(&self, app: &App) -> Result<Reservation> {
        let reservation =
            Reservation::take(app, &self.counters, self.rules)?.ok_or(Error::Unauthenticated)?;
        if self.counters.device.is_none()
            && let Err(seconds) = app.throttle().admit(&self.source)
        {
            reservation.settle(app, Outcome::Unjudged)?;
            return Err(Error::TooMany(seconds));
        }
        Ok(reservation)
    }

    /// Tells whoever watches if the source of a failed attempt tries many names, which is not listened to for a while
    /// then where the profile locks what is unusual.
    pub(super) fn failed(&self, app: &App) {
        let closing = app.context().profiles.current().lockout().anomaly;
        let Some(seen) = app.throttle().failed(&self.source, self.counters.name.trace(), closing) else {
            return;
        };
        let sample = match &self.known {
            Some(known) => format!("account {}", known.account),
            None => format!("a name that means nobody, {}", seen.sample.get(..16).unwrap_or_default()),
        };
        let notice = Notice::of(Rule::Guessing, Severity::Warning)
            .about(&self.source.told(&app.context().vault))
            .sample(sample)
            .counting(seen.names as u64, seen.threshold as u64);
        app.notice(notice);
    }
}
