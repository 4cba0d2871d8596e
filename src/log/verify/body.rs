//! A cheap look at an event's text: what the columns repeat, and the digests of the rows it changed. The change
//! itself is skipped over, which is what makes half a million events a second possible.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::EventRow;
use crate::clock::Timestamp;
use crate::log::event::VERSION;

/// An event's text as far as it is compared.
#[derive(Deserialize)]
pub(super) struct Body<'a> {
    version: u32,
    number: u64,
    #[serde(borrow)]
    at: Cow<'a, str>,
    #[serde(borrow)]
    actor: Actor<'a>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    subject: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) rows: Vec<RowDigest<'a>>,
    #[serde(default, rename = "data")]
    _data: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Actor<'a> {
    #[serde(borrow, rename = "as")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    account: Option<Cow<'a, str>>,
    #[serde(default)]
    user: Option<u32>,
    #[serde(borrow, default)]
    job: Option<Cow<'a, str>>,
}

/// The digest of a governed row, as an event carries it.
#[derive(Deserialize)]
pub(super) struct RowDigest<'a> {
    #[serde(borrow)]
    pub(super) table: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) digest: Cow<'a, str>,
}

impl<'a> Body<'a> {
    /// Reads a text; `None` if it is not an event of a version that is known here.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        serde_json::from_str::<Self>(text).ok().filter(|body| body.version == VERSION)
    }

    /// The first column that does not say what the text says.
    pub(super) fn differing_column(&self, row: &EventRow) -> Option<&'static str> {
        if self.number != row.number.unsigned_abs() {
            Some("number")
        } else if micros(&self.at) != Some(row.at.micros()) {
            Some("at")
        } else if self.kind != row.kind {
            Some("kind")
        } else if !self.actor.is(&row.actor) {
            Some("actor")
        } else if self.subject.as_deref() != row.subject.as_deref() {
            Some("subject")
        } else {
            None
        }
    }
}

impl Actor<'_> {
    /// Whether `label` is what [`crate::caller::Caller::label`] says of this actor.
    fn is(&self, label: &str) -> bool {
        match &*self.kind {
            "person" | "service" => self.account.as_deref() == Some(label),
            "shell" => match (label.strip_prefix("shell:"), self.user) {
                (Some(number), Some(user)) => number.parse() == Ok(user),
                _ => false,
            },
            "house" => label.strip_prefix("house:").is_some_and(|job| self.job.as_deref() == Some(job)),
            kind => kind == label,
        }
    }
}

/// Microseconds since 1970 of "2026-11-30T23:00:00.123456Z", the form in which events carry times; other forms of
/// RFC 3339 take the slow way.
fn micros(text: &str) -> Option<i64> {
    quick_micros(text.as_bytes()).or_else(|| Timestamp::parse(text).map(Timestamp::micros))
}

fn quick_micros(text: &[u8]) -> Option<i64> {
    let number = |range: std::ops::Range<usize>| {
        text.get(range)?
            .iter()
            .try_fold(0i64, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
    };
    let separated = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')]
        .iter()
        .all(|(place, byte)| text.get(*place) == Some(byte));
    if !separated || text.last() != Some(&b'Z') {
        return None;
    }
    let fraction = match text.len() {
        20 => 0,
        24 if text[19] == b'.' => number(20..23)? * 1_000,
        27 if text[19] == b'.' => number(20..26)?,
        _ => return None,
    };
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let seconds = number(11..13)? * 3_600 + number(14..16)? * 60 + number(17..19)?;
    Some((days(year, month, day) * 86_400 + seconds) * 1_000_000 + fraction)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar. Years are counted from March, so that the leap day is
/// the last of its year.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_quick_way_reads_every_time_as_the_slow_one(micros_of in -62_135_596_800_000_000i64..253_402_300_800_000_000) {
            let text = Timestamp::from_micros(micros_of).to_string();
            prop_assert_eq!(quick_micros(text.as_bytes()), Some(micros_of), "{}", text);
        }
    }

    #[test]
    fn whole_seconds_and_milliseconds_are_read_too() {
        for text in ["2024-02-29T23:59:59Z", "1999-12-31T00:00:00.001Z", "2000-03-01T12:00:00.000001Z"] {
            assert_eq!(
                quick_micros(text.as_bytes()),
                Timestamp::parse(text).map(Timestamp::micros),
                "{text}"
            );
        }
        assert_eq!(quick_micros(b"2024-13-01T00:00:00Z"), None);
        assert_eq!(micros("2026-11-30T23:00:00+01:00"), micros("2026-11-30T22:00:00Z"));
    }
}
