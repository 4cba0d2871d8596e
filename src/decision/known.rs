//! What conditions see of a subject besides its grants: read only while some condition asks for it, and kept apart, so
//! that questions without conditions pay nothing for it.
//!
//! Rule: it is personal, stands sealed in the database, and is kept in memory alone; nothing prints it. Pure.

use std::fmt;

use chrono_tz::Tz;
use serde_json::{Map, Value};

use crate::accounts::Named;

/// What Bailiwick itself knows of an account.
#[derive(Clone, Default, PartialEq)]
pub struct Known {
    /// What it signs in with.
    pub username: Box<str>,
    /// The department, if it has one.
    pub department: Option<Box<str>>,
    /// Its attributes; behind them, where they say nothing else, its e-mail address, numbers, job and place.
    pub attributes: Map<String, Value>,
    /// The zone of its days, if it is not the organisation's.
    pub zone: Option<Tz>,
}

impl fmt::Debug for Known {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Known(..)")
    }
}

impl From<Named> for Known {
    fn from(Named { account, details }: Named) -> Self {
        let mut attributes: Map<String, Value> = details.attributes.into_iter().collect();
        for (name, value) in [
            ("email", details.email),
            ("employee_id", details.employee_id),
            ("external_id", details.external_id),
            ("job_title", details.job_title),
            ("location", details.location),
        ] {
            if let Some(value) = value {
                attributes.entry(name).or_insert(Value::String(value));
            }
        }
        Self {
            username: details.username.into(),
            department: details.department.map(Into::into),
            attributes,
            zone: account.time_zone.and_then(|zone| zone.parse().ok()),
        }
    }
}
