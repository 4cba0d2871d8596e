//! How long sessions last: the parameters of `policies/sessions.toml`.
//!
//! May call: `profile` for reading policy files.

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::profile::{Document, Period};

const FILE: &str = "policies/sessions.toml";
const TEXT: &str = include_str!("../../policies/sessions.toml");

/// How long one kind of session lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Without a request in it, it ends after so long.
    pub idle: chrono::Duration,
    /// Whatever happens in it, it ends after so long.
    pub longest: chrono::Duration,
}

impl Limit {
    /// Of each of the two ends the earlier one.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        Self { idle: self.idle.min(other.idle), longest: self.longest.min(other.longest) }
    }
}

/// How long each kind of session lasts.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Sessions of everybody but administrators.
    pub employee: Limit,
    /// Sessions of who holds `bailiwick/administrator`.
    pub administrator: Limit,
    /// On a shared workstation, unless the person's own is stricter.
    pub shared: Limit,
    /// Between a chosen password and a confirmed second factor.
    pub enrolment: Limit,
    /// Between the right password and the code.
    pub password: Limit,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    employee: WrittenLimit,
    administrator: WrittenLimit,
    shared: WrittenLimit,
    enrolment: WrittenLimit,
    password: WrittenLimit,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenLimit {
    idle: Period,
    longest: Period,
}

impl Limits {
    /// The limits that this version ships.
    ///
    /// # Errors
    /// [`Error::Invalid`] with the line, if the file cannot be read.
    pub fn shipped() -> Result<Self> {
        let written: Document<Written> =
            Document::parse(FILE, TEXT).map_err(|refusal| Error::field(FILE, refusal.to_string()))?;
        let Written { employee, administrator, shared, enrolment, password } = written.value;
        Ok(Self {
            employee: limit(employee)?,
            administrator: limit(administrator)?,
            shared: limit(shared)?,
            enrolment: limit(enrolment)?,
            password: limit(password)?,
        })
    }
}

fn limit(written: WrittenLimit) -> Result<Limit> {
    let exact = |period: Period| {
        period.exact().ok_or_else(|| Error::field(FILE, "a session's length cannot be counted in months"))
    };
    Ok(Limit { idle: exact(written.idle)?, longest: exact(written.longest)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_limits_can_be_read_and_administrators_have_the_shorter_ones() {
        let limits = Limits::shipped().unwrap();
        assert_eq!(limits.employee.idle, chrono::Duration::minutes(30));
        assert_eq!(limits.administrator.longest, chrono::Duration::hours(8));
        assert!(limits.administrator.idle < limits.employee.idle);
        let all = [limits.employee, limits.administrator, limits.shared, limits.enrolment, limits.password];
        for limit in all {
            assert!(limit.idle <= limit.longest);
        }
    }

    #[test]
    fn on_a_shared_workstation_each_end_is_the_earlier_one() {
        let limits = Limits::shipped().unwrap();
        let (minutes, hours) = (chrono::Duration::minutes, chrono::Duration::hours);
        for (own, idle, longest) in [
            (limits.employee, minutes(2), hours(9)),
            (limits.administrator, minutes(2), hours(8)),
            (limits.enrolment, minutes(2), hours(1)),
            (limits.password, minutes(2), minutes(10)),
        ] {
            assert_eq!(own.stricter(limits.shared), Limit { idle, longest });
            assert_eq!(limits.shared.stricter(own), Limit { idle, longest });
        }
    }
}
