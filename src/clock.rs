//! Time, injected. Nothing else in the crate asks the machine what time it is (clippy's `disallowed-methods`).
//!
//! All instants are UTC in microseconds, the precision that both databases keep. May call: nothing.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use chrono::{
    DateTime, Duration, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, TimeZone, Utc,
};
use chrono_tz::Tz;
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, Output, ToSql};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An instant: UTC, whole microseconds. In JSON it is RFC 3339 with the letter Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = diesel::sql_types::Timestamp)]
pub struct Timestamp(NaiveDateTime);

impl Timestamp {
    /// From microseconds since 1970-01-01T00:00:00Z; what lies outside the calendar becomes its edge.
    pub fn from_micros(micros: i64) -> Self {
        let edge = if micros < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
        Self(DateTime::from_timestamp_micros(micros).unwrap_or(edge).naive_utc())
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub fn micros(self) -> i64 {
        self.0.and_utc().timestamp_micros()
    }

    /// Whole seconds since 1970-01-01T00:00:00Z.
    pub fn seconds(self) -> i64 {
        self.0.and_utc().timestamp()
    }

    /// This instant as chrono knows it, for calendars and zones.
    pub fn utc(self) -> DateTime<Utc> {
        self.0.and_utc()
    }

    /// The instant `span` later; saturates at the calendar's edge.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        let micros = span.num_microseconds().unwrap_or(i64::MAX);
        Self::from_micros(self.micros().saturating_add(micros))
    }

    /// The instant `span` earlier; saturates at the calendar's edge.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        self.plus(-span)
    }

    /// How long from `earlier` to this instant; negative if it lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        self.0 - earlier.0
    }

    /// Reads RFC 3339 ("2026-11-30T23:00:00Z", any offset). `None` if it is not that.
    pub fn parse(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc3339(text).ok().map(|at| Self::from(at.with_timezone(&Utc)))
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(at: DateTime<Utc>) -> Self {
        Self::from_micros(at.timestamp_micros())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.utc().to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom("must be a time as RFC 3339 has it, such as 2026-11-30T23:00:00Z")
        })
    }
}

impl utoipa::PartialSchema for Timestamp {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        crate::ids::text_of(&["An instant as RFC 3339 has it; answers are in UTC."], Some("date-time"), None)
    }
}

impl utoipa::ToSchema for Timestamp {}

impl<DB> ToSql<diesel::sql_types::Timestamp, DB> for Timestamp
where
    DB: Backend,
    NaiveDateTime: ToSql<diesel::sql_types::Timestamp, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.0.to_sql(out)
    }
}

impl<DB> FromSql<diesel::sql_types::Timestamp, DB> for Timestamp
where
    DB: Backend,
    NaiveDateTime: FromSql<diesel::sql_types::Timestamp, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        NaiveDateTime::from_sql(bytes).map(Self)
    }
}

/// The instant at which a day is over in a zone: when the next begins.
pub fn end_of_day(zone: Tz, day: NaiveDate) -> Timestamp {
    local(zone, day.succ_opt().unwrap_or(day), 0)
}

/// The instant at which an hour of a day begins in a zone; an hour that a clock change skips begins when it ends.
pub fn local(zone: Tz, day: NaiveDate, hour: u32) -> Timestamp {
    let time = day.and_time(NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default());
    match zone.from_local_datetime(&time) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Timestamp::from(at.to_utc()),
        LocalResult::None => {
            let later = zone.from_local_datetime(&(time + Duration::hours(1)));
            later
                .earliest()
                .map_or_else(|| Timestamp::from(time.and_utc()), |at| Timestamp::from(at.to_utc()))
        }
    }
}

/// Where `now` comes from.
pub trait Clock: Send + Sync {
    /// The wall clock, UTC.
    fn now(&self) -> Timestamp;
    /// Microseconds on a clock that never steps; only differences mean anything. Leases are judged by it.
    fn steady_micros(&self) -> i64;
    /// Whether this is the machine's clock, which must agree with the database's; a clock that is moved by hand
    /// stands for both.
    fn is_machine(&self) -> bool;
}

/// The machine's clock.
pub struct SystemClock {
    started: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { started: Instant::now() }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine for the time")]
    fn now(&self) -> Timestamp {
        Timestamp::from(Utc::now())
    }

    fn steady_micros(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX)
    }

    fn is_machine(&self) -> bool {
        true
    }
}

/// A clock that stands still until it is moved: for tests and for policy tests with a fixed clock.
pub struct ManualClock {
    micros: AtomicI64,
}

impl ManualClock {
    /// A clock that shows `at`.
    pub fn at(at: Timestamp) -> Self {
        Self { micros: AtomicI64::new(at.micros()) }
    }

    /// A clock at the given UTC date and time; an impossible date gives 1970-01-01.
    pub fn on(year: i32, month: u32, day: u32, hour: u32, minute: u32) -> Self {
        let at = Utc.with_ymd_and_hms(year, month, day, hour, minute, 0).single().unwrap_or_default();
        Self::at(at.into())
    }

    /// Moves the clock forward (or back, for a negative span).
    pub fn advance(&self, span: Duration) {
        self.micros.fetch_add(span.num_microseconds().unwrap_or(i64::MAX), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.micros.load(Ordering::SeqCst))
    }

    fn steady_micros(&self) -> i64 {
        self.micros.load(Ordering::SeqCst)
    }

    fn is_machine(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_that_the_clock_skips_begins_when_it_ends() {
        let zone: Tz = "Europe/Berlin".parse().unwrap();
        let day = NaiveDate::from_ymd_opt(2026, 3, 29).unwrap();
        assert_eq!(local(zone, day, 2), Timestamp::parse("2026-03-29T01:00:00Z").unwrap());
    }
}
