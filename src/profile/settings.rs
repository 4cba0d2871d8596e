//! What the code reads from a profile, typed: no caller handles names of parameters or shapes of values.
//!
//! Rule: a number comes from the profile or the profile is refused; a duty that a profile does not know is `None`,
//! `false`, zero or an empty set. Pure; calls `value` and `period`.

use std::collections::{BTreeMap, BTreeSet};

use super::Parameter;
use super::period::Period;
use super::value::{Range, Threshold, Value};

/// Rules for passwords (O13.2, O14, O16, DPP 1.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Password {
    /// Characters it has at least; `password.min_length`.
    pub min_length: u32,
    /// Uppercase letters it has at least; `password.min_upper`.
    pub min_upper: u32,
    /// Lowercase letters it has at least; `password.min_lower`.
    pub min_lower: u32,
    /// Digits it has at least; `password.min_digits`.
    pub min_digits: u32,
    /// Special characters it has at least; `password.min_special`.
    pub min_special: u32,
    /// Whether it may hold no part of the user's name; `password.forbid_name_parts`.
    pub forbid_name_parts: bool,
    /// How many former passwords it may not repeat; `password.history`.
    pub history: u32,
    /// After which time it expires; `password.max_age`.
    pub max_age: Option<Period>,
    /// Before which time it may not be changed again, except after a compromise; `password.min_age`.
    pub min_age: Option<Period>,
}

/// Rules for locking a password (O15, E10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lockout {
    /// How many failures are evaluated before the lock; `lockout.max_failures`.
    pub max_failures: u32,
    /// How long it lasts; `lockout.duration`.
    pub duration: Period,
    /// Within which an organisation may choose another duration; `lockout.duration`.
    pub duration_range: Range,
    /// When known devices keep their way in during a lock; `lockout.known_devices`.
    pub known_devices: KnownDevices,
    /// Whether unusual patterns lock too; `lockout.anomaly`.
    pub anomaly: bool,
}

/// When a known device keeps its way in while the password is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownDevices {
    /// Never.
    Off,
    /// With a second factor.
    WithMfa,
    /// Always.
    On,
}

/// Rules for a second factor (DPP 1.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mfa {
    /// Whether every account needs one; `mfa.required_for`.
    pub required_for_all: bool,
}

/// Rules for reviews (E8.1, E8.3, O9).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// The longest time between two decisions about a grant; `review.cadence`.
    pub cadence: Period,
    /// Whether people from outside may review; `review.external_reviewers`.
    pub external_reviewers: bool,
}

/// Rules for grants (O6, O12).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    ordinary: Period,
    access_role: Period,
}

impl Grant {
    /// The longest that a grant may last; `grant.max_duration`.
    pub fn max_duration(&self, access_role: bool) -> Period {
        if access_role { self.access_role } else { self.ordinary }
    }
}

/// Rules for leavers (O10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaver {
    /// Within which time from the effective instant everything is taken away; `leaver.within`.
    pub within: Period,
}

/// Rules for customers' personal data (E18, O26).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pii {
    /// How many days it may be kept; `pii.retention`.
    pub retention_days: u32,
    /// The events from which the days count, the earliest of them; `pii.retention_start`.
    pub retention_start: BTreeSet<String>,
    /// What it may be kept for; empty if the profile does not say; `pii.purposes`.
    pub purposes: BTreeSet<String>,
}

/// Rules for logs and records (E36, E39, O36, O44).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// How long entries are kept at least; `log.retention`.
    pub retention: Period,
    /// How long one file of the log lasts; `log.file_every`.
    pub file_every: Period,
    /// How often somebody reads it; `log.review_every`.
    pub review_every: Option<Period>,
    /// What clearing it needs; `log.clearing`.
    pub clearing: BTreeSet<String>,
    /// How long records are kept after the agreement with Amazon; `records.keep_after_agreement`.
    pub keep_after_agreement: Period,
}

/// Rules for incidents (E17, O19).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// Within which time Amazon is told; `incident.notify_within`.
    pub notify_within: Period,
    /// Who is told; empty until the organisation sets it; `incident.notify_to`.
    pub notify_to: BTreeSet<String>,
}

/// Rules for API keys (DPP 1.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// After which time a key ends; `api_key.max_age`.
    pub max_age: Period,
}

/// Thresholds of alarms (E37).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// Whether one access to a canary record raises one; `alarm.canary_access`.
    pub canary_access: bool,
    /// Repeated locks of the same name; `alarm.repeated_lock`.
    pub repeated_lock: Threshold,
    /// Repeated unauthorised calls; `alarm.unauthorised_calls`.
    pub unauthorised_calls: Threshold,
    /// An unexpected rate of requests; `alarm.request_rate`.
    pub request_rate: Threshold,
    /// An unexpected volume of data retrieved; `alarm.retrieval_volume`.
    pub retrieval_volume: Threshold,
}

/// All of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    pub password: Password,
    pub lockout: Lockout,
    pub mfa: Mfa,
    pub review: Review,
    pub grant: Grant,
    pub leaver: Leaver,
    pub pii: Pii,
    pub log: Log,
    pub incident: Incident,
    pub api_key: ApiKey,
    pub alarm: Alarm,
}

impl Settings {
    /// Reads what the code needs; the error is the name of the parameter that has no value.
    pub fn read(parameters: &BTreeMap<&'static str, Parameter>) -> Result<Self, &'static str> {
        let read = Reader { parameters };
        let range = read.range("lockout.duration")?;
        Ok(Self {
            password: Password {
                min_length: read.count("password.min_length")?,
                min_upper: read.count_or_none("password.min_upper"),
                min_lower: read.count_or_none("password.min_lower"),
                min_digits: read.count_or_none("password.min_digits"),
                min_special: read.count_or_none("password.min_special"),
                forbid_name_parts: read.switch("password.forbid_name_parts"),
                history: read.count_or_none("password.history"),
                max_age: read.period_or_none("password.max_age"),
                min_age: read.period_or_none("password.min_age"),
            },
            lockout: Lockout {
                max_failures: read.count("lockout.max_failures")?,
                duration: range.default,
                duration_range: range,
                known_devices: match read.word("lockout.known_devices") {
                    Some("with-mfa") => KnownDevices::WithMfa,
                    Some("on") => KnownDevices::On,
                    _ => KnownDevices::Off,
                },
                anomaly: read.switch("lockout.anomaly"),
            },
            mfa: Mfa { required_for_all: read.set("mfa.required_for").contains("all") },
            review: Review {
                cadence: read.period("review.cadence")?,
                external_reviewers: read.word("review.external_reviewers") != Some("refused"),
            },
            grant: Grant {
                ordinary: read.kind("grant.max_duration", "ordinary")?,
                access_role: read.kind("grant.max_duration", "access_role")?,
            },
            leaver: Leaver { within: read.period("leaver.within")? },
            pii: Pii {
                retention_days: read.period("pii.retention")?.count,
                retention_start: read.set("pii.retention_start"),
                purposes: read.set("pii.purposes"),
            },
            log: Log {
                retention: read.period("log.retention")?,
                file_every: read.period("log.file_every")?,
                review_every: read.period_or_none("log.review_every"),
                clearing: read.set("log.clearing"),
                keep_after_agreement: read.period("records.keep_after_agreement")?,
            },
            incident: Incident {
                notify_within: read.period("incident.notify_within")?,
                notify_to: read.set("incident.notify_to"),
            },
            api_key: ApiKey { max_age: read.period("api_key.max_age")? },
            alarm: Alarm {
                canary_access: read.switch("alarm.canary_access"),
                repeated_lock: read.threshold("alarm.repeated_lock")?,
                unauthorised_calls: read.threshold("alarm.unauthorised_calls")?,
                request_rate: read.threshold("alarm.request_rate")?,
                retrieval_volume: read.threshold("alarm.retrieval_volume")?,
            },
        })
    }
}

struct Reader<'a> {
    parameters: &'a BTreeMap<&'static str, Parameter>,
}

impl<'a> Reader<'a> {
    fn value(&self, name: &'static str) -> Option<&'a Value> {
        self.parameters.get(name)?.value.as_ref()
    }

    fn count(&self, name: &'static str) -> Result<u32, &'static str> {
        match self.value(name) {
            Some(Value::Count(count)) => Ok(*count),
            _ => Err(name),
        }
    }

    fn count_or_none(&self, name: &'static str) -> u32 {
        self.count(name).unwrap_or_default()
    }

    fn period(&self, name: &'static str) -> Result<Period, &'static str> {
        match self.value(name) {
            Some(Value::Period(period)) => Ok(*period),
            _ => Err(name),
        }
    }

    fn period_or_none(&self, name: &'static str) -> Option<Period> {
        self.period(name).ok()
    }

    fn kind(&self, name: &'static str, kind: &str) -> Result<Period, &'static str> {
        match self.value(name) {
            Some(Value::Periods(kinds)) => kinds.get(kind).copied().ok_or(name),
            _ => Err(name),
        }
    }

    fn range(&self, name: &'static str) -> Result<Range, &'static str> {
        match self.value(name) {
            Some(Value::Range(range)) => Ok(*range),
            _ => Err(name),
        }
    }

    fn threshold(&self, name: &'static str) -> Result<Threshold, &'static str> {
        match self.value(name) {
            Some(Value::Threshold(threshold)) => Ok(*threshold),
            _ => Err(name),
        }
    }

    fn switch(&self, name: &'static str) -> bool {
        matches!(self.value(name), Some(Value::Switch(true)))
    }

    fn word(&self, name: &'static str) -> Option<&'a str> {
        match self.value(name) {
            Some(Value::Choice(word)) => Some(word),
            _ => None,
        }
    }

    fn set(&self, name: &'static str) -> BTreeSet<String> {
        match self.value(name) {
            Some(Value::Set(words)) => words.clone(),
            _ => BTreeSet::new(),
        }
    }
}
