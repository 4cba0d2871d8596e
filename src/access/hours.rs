//! Hours of the week in which a permission holds, such as `Mon-Fri 07:00-19:00; Sat 08:00-12:00`.
//!
//! Rules: a span begins with its first minute and is over with its last, to the microsecond; one that ends before it
//! begins lasts into the next day and belongs to the day it begins on; without days it is every day; the clock on the
//! wall of the zone decides, also in the night in which it is put forward or back. Pure.

use std::str::FromStr;

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Weekday};
use chrono_tz::Tz;

/// What an entry looks like, for remedies.
pub const EXAMPLE: &str = "Mon-Fri 07:00-19:00";

const MINUTES: u32 = 24 * 60;
/// More spans than this are not hours but a calendar.
const MOST_SPANS: usize = 20;
const DAYS: [(&str, Weekday); 7] = [
    ("Mon", Weekday::Mon),
    ("Tue", Weekday::Tue),
    ("Wed", Weekday::Wed),
    ("Thu", Weekday::Thu),
    ("Fri", Weekday::Fri),
    ("Sat", Weekday::Sat),
    ("Sun", Weekday::Sun),
];

/// Hours of the week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours(Box<[Span]>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    /// One bit for each day, from Monday.
    days: u8,
    /// Minutes of the day.
    from: u32,
    until: u32,
}

impl Hours {
    /// Whether this instant belongs to them, by the clock of the zone.
    pub fn contain(&self, at: DateTime<Tz>) -> bool {
        let local = at.naive_local();
        let minute = local.hour() * 60 + local.minute();
        let today = local.weekday();
        let yesterday = (local - TimeDelta::days(1)).weekday();
        self.0.iter().any(|span| {
            if span.from < span.until {
                span.is_on(today) && (span.from..span.until).contains(&minute)
            } else {
                (span.is_on(today) && minute >= span.from) || (span.is_on(yesterday) && minute < span.until)
            }
        })
    }
}

impl Span {
    fn is_on(self, day: Weekday) -> bool {
        self.days >> day.num_days_from_monday() & 1 == 1
    }
}

impl FromStr for Hours {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let spans: Result<Box<[Span]>, String> = text.split(';').map(|part| span(part.trim())).collect();
        let spans = spans?;
        if spans.len() > MOST_SPANS {
            return Err(format!("has more than {MOST_SPANS} spans"));
        }
        Ok(Self(spans))
    }
}

fn span(text: &str) -> Result<Span, String> {
    let (days, times) = match text.split_once(' ') {
        Some((days, times)) => (days_of(days)?, times.trim()),
        None => (0b111_1111, text),
    };
    let wrong = || format!("has \"{}\" where a span such as 07:00-19:00 belongs", times.escape_debug());
    let (from, until) = times.split_once('-').ok_or_else(wrong)?;
    let (from, until) = (minute(from).ok_or_else(wrong)?, minute(until).ok_or_else(wrong)?);
    if from == until || from == MINUTES {
        return Err(format!("has a span that lasts no time, \"{}\"", times.escape_debug()));
    }
    Ok(Span { days, from, until })
}

/// Days such as `Mon-Fri` or `Mon,Wed,Sat-Sun`, as bits.
fn days_of(text: &str) -> Result<u8, String> {
    let day = |name: &str| {
        let found = DAYS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let wrong =
            || format!("has no day \"{}\": they are Mon, Tue, Wed, Thu, Fri, Sat, Sun", name.escape_debug());
        found.map(|(_, day)| day.num_days_from_monday()).ok_or_else(wrong)
    };
    let mut days = 0_u8;
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (day(first)?, day(last)?);
        // Sat-Mon goes over the end of the week.
        let length = (last + 7 - first) % 7;
        for step in 0..=length {
            days |= 1 << ((first + step) % 7);
        }
    }
    Ok(days)
}

/// `07:30` as minutes; `24:00` is the end of the day.
fn minute(text: &str) -> Option<u32> {
    let (hour, minute) = text.split_once(':')?;
    let two = |part: &str| {
        let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        if digits { part.parse::<u32>().ok() } else { None }
    };
    let (hour, minute) = (two(hour)?, two(minute)?);
    let minutes = hour * 60 + minute;
    (minute < 60 && minutes <= MINUTES).then_some(minutes)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;

    fn at(hours: &str, zone: Tz, instant: &str) -> bool {
        let instant: DateTime<Utc> = instant.parse().unwrap();
        hours.parse::<Hours>().unwrap().contain(instant.with_timezone(&zone))
    }

    #[test]
    fn a_span_begins_with_its_first_instant_and_is_over_with_its_last() {
        for (instant, expected) in [
            ("2026-11-23T06:59:59.999999Z", false),
            ("2026-11-23T07:00:00Z", true),
            ("2026-11-23T18:59:59.999999Z", true),
            ("2026-11-23T19:00:00Z", false),
            ("2026-11-22T12:00:00Z", false),
            ("2026-11-27T12:00:00Z", true),
            ("2026-11-28T12:00:00Z", false),
        ] {
            assert_eq!(at("Mon-Fri 07:00-19:00", Tz::UTC, instant), expected, "{instant}");
        }
    }

    #[test]
    fn the_clock_on_the_wall_decides() {
        assert!(at("07:00-19:00", Tz::Europe__Berlin, "2026-11-23T06:00:00Z"));
        assert!(!at("07:00-19:00", Tz::Europe__Berlin, "2026-11-23T18:00:00Z"));
        assert!(!at("07:00-19:00", Tz::Asia__Tokyo, "2026-11-23T12:00:00Z"));
        // In the night of 25 October 2026 it is half past two twice in Berlin.
        for instant in ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"] {
            assert!(at("Sun 02:00-03:00", Tz::Europe__Berlin, instant), "{instant}");
        }
        // In that of 29 March it is never half past two.
        for instant in ["2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z"] {
            assert!(!at("Sun 02:00-03:00", Tz::Europe__Berlin, instant), "{instant}");
        }
    }

    #[test]
    fn a_night_belongs_to_the_day_it_begins_on() {
        for (instant, expected) in [
            ("2026-11-27T21:59:59Z", false),
            ("2026-11-27T22:00:00Z", true),
            ("2026-11-28T05:59:59Z", true),
            ("2026-11-28T06:00:00Z", false),
            ("2026-11-27T03:00:00Z", false),
        ] {
            assert_eq!(at("Fri 22:00-06:00", Tz::UTC, instant), expected, "{instant}");
        }
        assert!(at("Sun 22:00-24:00; Sat-Mon 06:00-07:00", Tz::UTC, "2026-11-23T06:30:00Z"));
        assert!(at("Mon,Wed 00:00-24:00", Tz::UTC, "2026-11-25T23:59:59.999999Z"));
    }

    #[test]
    fn what_is_no_span_is_refused() {
        for wrong in [
            "",
            "9-17",
            "Mon-Fri",
            "Mon-Fri 7:00-19:00",
            "Mon-Fry 07:00-19:00",
            "07:00",
            "07:00-25:00",
            "07:60-08:00",
            "24:00-07:00",
            "08:00-08:00",
            "Mon 07:00-19:00;",
            "07:00–19:00",
            "Mon 07:00-19:00 UTC",
            "+7:00-19:00",
        ] {
            assert!(wrong.parse::<Hours>().is_err(), "{wrong:?}");
        }
        assert!("07:00-08:00;".repeat(21).trim_end_matches(';').parse::<Hours>().is_err());
    }
}
