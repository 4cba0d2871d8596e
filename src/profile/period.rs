//! Periods of time as policies write them: a count and a unit, calendar months included.
//!
//! Rules: 90 days are 90 × 24 hours and never a quarter; a month is the calendar's. Two periods of different units are
//! compared by how long or how short they can become. Pure; calls `chrono` only.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Months, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// The unit that a period counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PeriodUnit {
    /// Minutes of 60 seconds.
    Minutes,
    /// Hours of 60 minutes.
    Hours,
    /// Days of 24 hours.
    Days,
    /// Months of the calendar, counted from any day.
    Months,
    /// Whole months of the calendar, from the first day of the first to the last day of the last.
    CalendarMonths,
}

impl PeriodUnit {
    /// The unit with this name in the plural, as profiles write it.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "minutes" => Some(Self::Minutes),
            "hours" => Some(Self::Hours),
            "days" => Some(Self::Days),
            "months" => Some(Self::Months),
            "calendar months" => Some(Self::CalendarMonths),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Minutes => "minute",
            Self::Hours => "hour",
            Self::Days => "day",
            Self::Months => "month",
            Self::CalendarMonths => "calendar month",
        }
    }
}

/// A period of time, such as 90 days or one calendar month. Written `90d`, `24h`, `15min`, `12mo`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period {
    /// How many units.
    pub count: u32,
    /// Of what.
    pub unit: PeriodUnit,
}

/// The longest (first) and shortest (second) number of days that n consecutive months of a year can have.
const DAYS_OF_MONTHS: [(u64, u64); 12] = [
    (0, 0),
    (31, 28),
    (62, 59),
    (92, 89),
    (123, 120),
    (153, 150),
    (184, 181),
    (215, 212),
    (245, 242),
    (276, 273),
    (306, 303),
    (337, 334),
];
const MINUTES_OF_DAY: u64 = 24 * 60;

impl Period {
    /// A period of `count` days.
    pub const fn days(count: u32) -> Self {
        Self { count, unit: PeriodUnit::Days }
    }

    /// As people read it: `90 days`, `1 calendar month`.
    pub fn in_words(self) -> String {
        format!("{} {}{}", self.count, self.unit.name(), if self.count == 1 { "" } else { "s" })
    }

    /// The exact length, in time; `None` for months, whose length depends on where they begin.
    pub fn exact(self) -> Option<TimeDelta> {
        let count = i64::from(self.count);
        match self.unit {
            PeriodUnit::Minutes => TimeDelta::try_minutes(count),
            PeriodUnit::Hours => TimeDelta::try_hours(count),
            PeriodUnit::Days => TimeDelta::try_days(count),
            PeriodUnit::Months | PeriodUnit::CalendarMonths => None,
        }
    }

    /// The instant this period after `start`; `None` beyond the range of the calendar.
    ///
    /// For whole calendar months this is the same day so many months later; where the campaign's month begins and ends
    /// in the organisation's zone is for the caller to say.
    pub fn after(self, start: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self.exact() {
            Some(length) => start.checked_add_signed(length),
            None => start.checked_add_months(Months::new(self.count)),
        }
    }

    /// The instant this period before `end`; `None` beyond the range of the calendar.
    pub fn before(self, end: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self.exact() {
            Some(length) => end.checked_sub_signed(length),
            None => end.checked_sub_months(Months::new(self.count)),
        }
    }

    /// The most minutes that this period can last.
    pub fn longest_minutes(self) -> u64 {
        self.minutes(|(longest, _)| longest, 366)
    }

    /// The fewest minutes that this period can last.
    pub fn shortest_minutes(self) -> u64 {
        self.minutes(|(_, shortest)| shortest, 365)
    }

    fn minutes(self, pick: fn((u64, u64)) -> u64, year: u64) -> u64 {
        let count = u64::from(self.count);
        match self.unit {
            PeriodUnit::Minutes => count,
            PeriodUnit::Hours => count * 60,
            PeriodUnit::Days => count * MINUTES_OF_DAY,
            PeriodUnit::Months | PeriodUnit::CalendarMonths => {
                let rest = DAYS_OF_MONTHS[(self.count % 12) as usize];
                (count / 12 * year + pick(rest)) * MINUTES_OF_DAY
            }
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            PeriodUnit::Minutes => "min",
            PeriodUnit::Hours => "h",
            PeriodUnit::Days => "d",
            PeriodUnit::Months => "mo",
            PeriodUnit::CalendarMonths => "calmo",
        };
        write!(out, "{}{unit}", self.count)
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

impl TryFrom<String> for Period {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for Period {
    type Err = String;

    /// Reads `15min`, `24h`, `90d`, `12mo` or `1calmo`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is not a period such as \"90d\", \"24h\", \"15min\" or \"12mo\"");
        let digits = text.chars().take_while(char::is_ascii_digit).count();
        let (count, unit) = text.split_at_checked(digits).ok_or_else(wrong)?;
        let count = count.parse().map_err(|_| wrong())?;
        let unit = match unit {
            "min" => PeriodUnit::Minutes,
            "h" => PeriodUnit::Hours,
            "d" => PeriodUnit::Days,
            "mo" => PeriodUnit::Months,
            "calmo" => PeriodUnit::CalendarMonths,
            _ => return Err(wrong()),
        };
        Ok(Self { count, unit })
    }
}
