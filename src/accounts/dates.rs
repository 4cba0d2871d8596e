//! Days of work as files and forms give them, and the instants they mean.
//!
//! Rules: a bare date is a day in the person's zone: the first day begins at its 00:00, the last day ends at its 24:00;
//! a time given is taken as it is. Where a zone skips midnight, the day begins when the clock goes on. Pure.

use chrono::{Days, Duration, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::clock::Timestamp;
use crate::ids::text_of;

/// A day, or an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Day {
    /// A day of the calendar, without a time.
    Date(NaiveDate),
    /// An instant.
    Instant(Timestamp),
}

impl Day {
    /// Reads `YYYY-MM-DD` or RFC 3339, between the years 1900 and 2200. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let day = if text.len() == 10 {
            Self::Date(NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?)
        } else {
            Self::Instant(Timestamp::parse(text)?)
        };
        let from = NaiveDate::from_ymd_opt(1900, 1, 1)?;
        let to = NaiveDate::from_ymd_opt(2200, 1, 1)?;
        let date = match day {
            Self::Date(date) => date,
            Self::Instant(at) => at.utc().date_naive(),
        };
        (from..to).contains(&date).then_some(day)
    }

    /// The instant at which work that begins on this day begins.
    pub fn begins(self, zone: Tz) -> Timestamp {
        match self {
            Self::Date(date) => midnight(date, zone),
            Self::Instant(at) => at,
        }
    }

    /// The instant from which on nobody works whose last day this is.
    pub fn ends(self, zone: Tz) -> Timestamp {
        match self {
            Self::Date(date) => midnight(date.checked_add_days(Days::new(1)).unwrap_or(date), zone),
            Self::Instant(at) => at,
        }
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Date(date) => serializer.collect_str(date),
            Self::Instant(at) => at.serialize(serializer),
        }
    }
}

impl utoipa::PartialSchema for Day {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        let day = text_of(&["A day of the calendar, from 1900 to 2199."], Some("date"), None);
        let instant = text_of(&["An instant as RFC 3339 has it."], Some("date-time"), None);
        utoipa::openapi::schema::AnyOfBuilder::new().item(day).item(instant).into()
    }
}

impl utoipa::ToSchema for Day {}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(
                "must be a date such as 2026-11-30 or a time such as 2026-11-30T17:00:00Z",
            )
        })
    }
}

fn midnight(date: NaiveDate, zone: Tz) -> Timestamp {
    let local = date.and_time(NaiveTime::MIN);
    // No zone ever skipped more than a day; the first half hour that exists begins the day.
    (0..=48)
        .find_map(|half_hours| {
            zone.from_local_datetime(&(local + Duration::minutes(30 * half_hours))).earliest()
        })
        .map_or_else(|| local.and_utc().into(), |at| at.with_timezone(&Utc).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn a_bare_day_lasts_from_midnight_to_midnight_in_its_zone() {
        let day = Day::parse("2026-11-30").unwrap();
        assert_eq!(day.begins(Tz::Europe__Warsaw), instant("2026-11-29T23:00:00Z"));
        assert_eq!(day.ends(Tz::Europe__Warsaw), instant("2026-11-30T23:00:00Z"));
        assert_eq!(day.ends(Tz::Asia__Kolkata), instant("2026-11-30T18:30:00Z"));
        assert_eq!(day.ends(Tz::UTC), instant("2026-12-01T00:00:00Z"));
    }

    #[test]
    fn days_on_which_clocks_change() {
        let spring = Day::parse("2026-03-29").unwrap();
        assert_eq!(spring.ends(Tz::Europe__Berlin), instant("2026-03-29T22:00:00Z"));
        // Midnight itself did not exist on this day.
        let skipped = Day::parse("2018-11-04").unwrap();
        assert_eq!(skipped.begins(Tz::America__Sao_Paulo), instant("2018-11-04T03:00:00Z"));
        // This day was left out as a whole.
        let never = Day::parse("2011-12-30").unwrap();
        assert_eq!(never.begins(Tz::Pacific__Apia), instant("2011-12-30T10:00:00Z"));
    }

    #[test]
    fn a_time_is_taken_as_it_is() {
        let day = Day::parse("2027-03-31T17:00:00+02:00").unwrap();
        assert_eq!(day.begins(Tz::Asia__Tokyo), instant("2027-03-31T15:00:00Z"));
        assert_eq!(day.ends(Tz::Asia__Tokyo), instant("2027-03-31T15:00:00Z"));
    }

    #[test]
    fn what_is_no_day() {
        for wrong in
            ["", "30.11.2026", "2026-13-01", "2026-02-30", "0001-01-01", "9999-12-31", "tomorrow", "46357"]
        {
            assert_eq!(Day::parse(wrong), None, "{wrong}");
        }
    }
}
