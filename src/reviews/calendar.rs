//! When campaigns are due: one in each calendar month, or one each 90 days, by the profile (`review.cadence`).
//!
//! Rules: a month is a calendar month in the organisation's zone, and its campaign opens and closes inside it; 90 days
//! are 90 × 24 hours. A period that was missed while the house was down is opened late, never twice. Pure.

use chrono::{Datelike, Days, Duration, Months, NaiveDate, Weekday};
use chrono_tz::Tz;

use crate::clock::{Timestamp, local};
use crate::profile::{Period, PeriodUnit};

/// How often every grant is reviewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cadence {
    /// Once in each calendar month.
    CalendarMonth,
    /// Once in so many days of 24 hours.
    Days(u32),
}

impl Cadence {
    /// The cadence of a profile's period: whole months mean each calendar month, everything else is counted in days.
    pub fn of(period: Period) -> Self {
        match period.unit {
            PeriodUnit::Months | PeriodUnit::CalendarMonths => Self::CalendarMonth,
            _ => Self::Days(u32::try_from(period.shortest_minutes() / (24 * 60)).unwrap_or(u32::MAX).max(1)),
        }
    }
}

/// A stretch of time in which one campaign is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// Its name, unique for ever, such as "2026-11".
    pub key: String,
    /// When its campaign opens.
    pub opens_at: Timestamp,
    /// When it is over: its campaign is closed by then.
    pub ends_at: Timestamp,
}

/// The dates inside a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dates {
    /// When every reviewer is to have decided.
    pub due_at: Timestamp,
    /// When what nobody decided is suspended.
    pub suspends_at: Timestamp,
}

/// How long reviewers have, and how long the next authority has after them, where the period leaves so much time.
const FOR_REVIEWERS: Duration = Duration::days(7);
const FOR_NEXT: Duration = Duration::days(3);
/// The hour of the organisation's day at which a campaign opens.
const OPENING_HOUR: u32 = 6;

/// The period in which `now` lies. `anchor` is when counting began: the first complete set-up of the house.
pub fn period(cadence: Cadence, zone: Tz, anchor: Timestamp, now: Timestamp) -> Stretch {
    match cadence {
        Cadence::CalendarMonth => month(zone, now),
        Cadence::Days(days) => span(Duration::days(i64::from(days.max(1))), anchor, now),
    }
}

fn month(zone: Tz, now: Timestamp) -> Stretch {
    let today = now.utc().with_timezone(&zone).date_naive();
    let first = today.with_day(1).unwrap_or(today);
    let next = first.checked_add_months(Months::new(1)).unwrap_or(first);
    let working =
        (0..7).filter_map(|days| first.checked_add_days(Days::new(days))).find(|day| is_working(*day));
    Stretch {
        key: first.format("%Y-%m").to_string(),
        opens_at: local(zone, working.unwrap_or(first), OPENING_HOUR),
        ends_at: local(zone, next, 0),
    }
}

fn is_working(day: NaiveDate) -> bool {
    !matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
}

fn span(length: Duration, anchor: Timestamp, now: Timestamp) -> Stretch {
    let passed = now.since(anchor).num_seconds().max(0) / length.num_seconds();
    let whole = i32::try_from(passed).unwrap_or(i32::MAX);
    let opens_at = anchor.plus(length * whole);
    Stretch {
        key: format!("{}d-{}", length.num_days(), opens_at.utc().format("%Y-%m-%dT%H:%M:%SZ")),
        opens_at,
        ends_at: opens_at.plus(length),
    }
}

/// The dates of a campaign that opens at `opened_at` and must be over by `ends_at`. A campaign that opens late has less
/// time, in the same proportions: silence is dealt with inside the period.
pub fn dates(opened_at: Timestamp, ends_at: Timestamp) -> Dates {
    // A tenth is left for what follows the last decision: suspension, verification, close.
    let room = ends_at.since(opened_at).max(Duration::minutes(10)) * 9 / 10;
    let wanted = FOR_REVIEWERS + FOR_NEXT;
    if room >= wanted {
        return Dates { due_at: opened_at.plus(FOR_REVIEWERS), suspends_at: opened_at.plus(wanted) };
    }
    Dates { due_at: opened_at.plus(room * 7 / 10), suspends_at: opened_at.plus(room) }
}

/// The dates of a campaign opened by hand that is due at `due_at`: the next authority has half as long again, at most
/// three days.
pub fn dates_by_hand(opened_at: Timestamp, due_at: Timestamp) -> Dates {
    let half = due_at.since(opened_at) / 2;
    Dates { due_at, suspends_at: due_at.plus(half.min(FOR_NEXT)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn a_month_is_the_organisations_calendar_month() {
        let zone: Tz = "Pacific/Kiritimati".parse().unwrap();
        // 11:00 UTC on 31 October is already November in Kiritimati (UTC+14).
        let period = month(zone, at("2026-10-31T11:00:00Z"));
        assert_eq!(period.key, "2026-11");
        // 1 November 2026 is a Sunday: the campaign opens on Monday at six.
        assert_eq!(period.opens_at, at("2026-11-01T16:00:00Z"));
        assert_eq!(period.ends_at, at("2026-11-30T10:00:00Z"));
    }

    #[test]
    fn ninety_days_are_ninety_times_twenty_four_hours() {
        let anchor = at("2026-01-01T12:00:00Z");
        let zone: Tz = "Europe/London".parse().unwrap();
        let first = period(Cadence::Days(90), zone, anchor, at("2026-04-01T11:59:59Z"));
        let second = period(Cadence::Days(90), zone, anchor, at("2026-04-01T12:00:00Z"));
        assert_eq!(first.ends_at, second.opens_at);
        assert_eq!(second.opens_at, at("2026-04-01T12:00:00Z"));
        assert_ne!(first.key, second.key);
    }

    #[test]
    fn silence_is_dealt_with_inside_the_period_however_late_a_campaign_opens() {
        let end = at("2026-12-01T00:00:00Z");
        for opened in ["2026-11-02T06:00:00Z", "2026-11-20T06:00:00Z", "2026-11-30T23:00:00Z"] {
            let opened = at(opened);
            let dates = dates(opened, end);
            assert!(opened < dates.due_at && dates.due_at < dates.suspends_at && dates.suspends_at < end);
        }
        let usual = dates(at("2026-11-02T06:00:00Z"), end);
        assert_eq!(usual.due_at, at("2026-11-09T06:00:00Z"));
        assert_eq!(usual.suspends_at, at("2026-11-12T06:00:00Z"));
    }
}
