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

/// How long each kind of session lasts.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Sessions of everybody but administrators.
    pub employee: Limit,
    /// Sessions of who holds `bailiwick/administrator`.
    pub administrator: Limit,
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
        let Written { employee, administrator, enrolment, password } = written.value;
        Ok(Self {
            employee: limit(employee)?,
            administrator: limit(administrator)?,
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
        for limit in [limits.employee, limits.administrator, limits.enrolment, limits.password] {
            assert!(limit.idle <= limit.longest);
        }
    }
}
