//! What templates may do to a value: tell times the way the house does, and count.
//!
//! Instants come as serde writes them: RFC 3339, the same without a zone (then UTC), or microseconds since 1970.
//! `now` and `zone` are always given by the page, so that a rendered page depends on its context alone.

use chrono::{DateTime, Datelike, Duration, NaiveDate, NaiveDateTime, Timelike, Utc};
use chrono_tz::Tz;
use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind};

/// Half a space that does not break: between the thousands of a number.
const THIN_SPACE: char = '\u{202f}';

/// What is nearer than this is amber.
const DUE_DAYS: i64 = 7;

/// Makes the filters known to the templates.
pub(super) fn register(environment: &mut Environment<'static>) {
    environment.add_filter("instant", instant);
    environment.add_filter("until", until);
    environment.add_filter("second", second);
    environment.add_filter("day", day);
    environment.add_filter("date", date);
    environment.add_filter("last_day", last_day);
    environment.add_filter("clock", clock);
    environment.add_filter("iso", iso);
    environment.add_filter("ago", ago);
    environment.add_filter("left", left);
    environment.add_filter("nearness", nearness);
    environment.add_filter("parts", parts);
    environment.add_filter("hours_since", hours_since);
    environment.add_filter("number", number);
    environment.add_filter("counted", counted);
    environment.add_filter("share", share);
}

/// `Mon 30 Nov 2026, 18:00`: an instant at which something happened or will.
fn instant(at: Value, zone: &str) -> Result<String, Error> {
    Ok(local(&at, zone)?.format("%a %-d %b %Y, %H:%M").to_string())
}

/// `Mon 30 Nov 2026, 24:00`: an instant at which something ends. Midnight belongs to the day that it ends.
fn until(at: Value, zone: &str) -> Result<String, Error> {
    let local = local(&at, zone)?;
    if local.num_seconds_from_midnight() > 0 {
        return Ok(local.format("%a %-d %b %Y, %H:%M").to_string());
    }
    Ok(day_before(&at, local)?.format("%a %-d %b %Y, 24:00").to_string())
}

/// `24 Nov 2026`: the day of an instant, where there is little room.
fn date(at: Value, zone: &str) -> Result<String, Error> {
    Ok(local(&at, zone)?.format("%-d %b %Y").to_string())
}

/// `30 Nov 2026`: the last day on which something that ends then still holds.
fn last_day(at: Value, zone: &str) -> Result<String, Error> {
    let local = local(&at, zone)?;
    let day =
        if local.num_seconds_from_midnight() > 0 { local.date_naive() } else { day_before(&at, local)? };
    Ok(day.format("%-d %b %Y").to_string())
}

/// `Tue 24 Nov 2026, 10:18:04`: an instant on evidence.
fn second(at: Value, zone: &str) -> Result<String, Error> {
    Ok(local(&at, zone)?.format("%a %-d %b %Y, %H:%M:%S").to_string())
}

/// `Tue 24 Nov 2026`: the day of an instant, or a bare date.
fn day(at: Value, zone: &str) -> Result<String, Error> {
    let date = match at.as_str().and_then(|text| text.parse::<NaiveDate>().ok()) {
        Some(date) => date,
        None => local(&at, zone)?.date_naive(),
    };
    Ok(date.format("%a %-d %b %Y").to_string())
}

/// `10:17:58`: the time of day.
fn clock(at: Value, zone: &str) -> Result<String, Error> {
    Ok(local(&at, zone)?.format("%H:%M:%S").to_string())
}

/// `2026-11-24T10:18:04Z`: for the `datetime` attribute.
fn iso(at: Value) -> Result<String, Error> {
    Ok(parse(&at)?.format("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// `41 days ago`.
fn ago(at: Value, now: Value) -> Result<String, Error> {
    let gone = parse(&now)? - parse(&at)?;
    Ok(if gone < Duration::minutes(1) { "just now".to_owned() } else { format!("{} ago", span(gone)) })
}

/// `in 6 days`, or `3 days ago` when it is over.
fn left(at: Value, now: Value) -> Result<String, Error> {
    let left = parse(&at)? - parse(&now)?;
    Ok(match left {
        _ if left < Duration::minutes(-1) => format!("{} ago", span(-left)),
        _ if left < Duration::minutes(1) => "now".to_owned(),
        _ => format!("in {}", span(left)),
    })
}

/// `due` within seven days, `breach` when it is over, otherwise nothing.
fn nearness(at: Value, now: Value) -> Result<&'static str, Error> {
    let left = parse(&at)? - parse(&now)?;
    Ok(match left {
        _ if left <= Duration::zero() => "breach",
        _ if left <= Duration::days(DUE_DAYS) => "due",
        _ => "",
    })
}

/// The figures of a running clock, each with its unit: days, hours and minutes; the days only if there are any.
/// A clock that has run out counts what it is over.
fn parts(at: Value, now: Value) -> Result<Vec<Value>, Error> {
    let left = (parse(&at)? - parse(&now)?).abs();
    let figures = [(left.num_days(), "d"), (left.num_hours() % 24, "h"), (left.num_minutes() % 60, "min")];
    let first = usize::from(left < Duration::days(1));
    Ok(figures[first..]
        .iter()
        .map(|(figure, unit)| Value::from(vec![Value::from(*figure), Value::from(*unit)]))
        .collect())
}

/// Whole hours since an instant.
fn hours_since(at: Value, now: Value) -> Result<i64, Error> {
    Ok((parse(&now)? - parse(&at)?).num_hours())
}

/// `184 220`, with thin spaces.
pub fn number(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut grouped = String::with_capacity(digits.len() * 2);
    if value < 0 {
        grouped.push('\u{2212}');
    }
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(THIN_SPACE);
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 role`, `2 041 people`.
fn counted(value: i64, one: &str, many: &str) -> String {
    format!("{} {}", number(value), if value == 1 { one } else { many })
}

/// The share of a whole in percent with one decimal, for the width of a bar. The share of nothing is nothing.
fn share(part: f64, whole: f64) -> String {
    format!("{:.1}", if whole > 0.0 { (part / whole * 100.0).clamp(0.0, 100.0) } else { 0.0 })
}

/// A length of time in its two largest units below a day and its largest one above, rounded down: nobody is told
/// that they have longer than they do.
fn span(length: Duration) -> String {
    let (minutes, hours, days) = (length.num_minutes(), length.num_hours(), length.num_days());
    match () {
        () if minutes < 60 => format!("{minutes} min"),
        () if hours < 24 && minutes % 60 == 0 => format!("{hours} h"),
        () if hours < 24 => format!("{hours} h {} min", minutes % 60),
        () if hours < 48 => format!("{hours} h"),
        () if days < 120 => counted(days, "day", "days"),
        () if days < 730 => counted(days * 12 / 365, "month", "months"),
        () => counted(days / 365, "year", "years"),
    }
}

/// The day that ends with the midnight `local`.
fn day_before(at: &Value, local: DateTime<Tz>) -> Result<NaiveDate, Error> {
    local.date_naive().pred_opt().ok_or_else(|| unreadable("an instant", at))
}

/// An instant on the reader's clock.
fn local(at: &Value, zone: &str) -> Result<DateTime<Tz>, Error> {
    let zone: Tz = zone
        .parse()
        .map_err(|_| Error::new(ErrorKind::InvalidOperation, "the page's time zone is not an IANA name"))?;
    let local = parse(at)?.with_timezone(&zone);
    if (0..=9999).contains(&local.year()) { Ok(local) } else { Err(unreadable("an instant", at)) }
}

/// An instant in any of the forms serde may give it.
fn parse(at: &Value) -> Result<DateTime<Utc>, Error> {
    let found = if let Some(text) = at.as_str() {
        DateTime::parse_from_rfc3339(text)
            .map(|instant| instant.to_utc())
            .or_else(|_| text.parse::<NaiveDateTime>().map(|instant| instant.and_utc()))
            .ok()
    } else {
        i64::try_from(at.clone()).ok().and_then(DateTime::from_timestamp_micros)
    };
    found.ok_or_else(|| unreadable("an instant", at))
}

/// The error for a value of the wrong kind. It names the kind of the value only: values may be personal data.
fn unreadable(wanted: &str, value: &Value) -> Error {
    Error::new(ErrorKind::InvalidOperation, format!("wanted {wanted}, got a value of kind {}", value.kind()))
}
