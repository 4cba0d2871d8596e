//! Scope, purposes and age: what is asked of the single question once a grant reaches the permission. What few rows ask
//! for besides stands in `further`.
//!
//! Rules: what is missing, of another kind than asked for, or not the caller's to assert, denies; only a date that is
//! null says "not yet". Pure.

use chrono::NaiveDate;
use serde_json::Value;

use super::policy::{Age, Permission, Place, Row};
use super::snapshot::Snapshot;
use super::subject::{Grant, Subject, Texts};
use super::{Question, Reason};
use crate::access::catalogue::Class;
use crate::access::expression::{May, Properties};
use crate::clock::Timestamp;

/// What must hold besides the rows.
pub(super) trait Conditions {
    /// Whether the question stays within the limits of a grant, else why not.
    fn in_scope(&self, permission: Permission<'_>, grant: Option<Grant<'_>>) -> Result<(), Reason>;

    /// Whether a row reached by a grant (or by birth, then there is none) permits this question, else why not.
    fn met(&self, permission: Permission<'_>, row: &Row, grant: Option<Grant<'_>>) -> Result<(), Reason>;
}

/// Judges the rows alone, as the referee does.
pub(super) struct Unconditional;

impl Conditions for Unconditional {
    fn in_scope(&self, _: Permission<'_>, _: Option<Grant<'_>>) -> Result<(), Reason> {
        Ok(())
    }

    fn met(&self, _: Permission<'_>, _: &Row, _: Option<Grant<'_>>) -> Result<(), Reason> {
        Ok(())
    }
}

/// What is known about one question.
pub(super) struct Facts<'a> {
    pub(super) now: i64,
    pub(super) question: &'a Question<'a>,
    pub(super) subject: &'a Subject,
    pub(super) state: &'a Snapshot,
}

impl Conditions for Facts<'_> {
    fn in_scope(&self, permission: Permission<'_>, grant: Option<Grant<'_>>) -> Result<(), Reason> {
        let mut limits = grant.into_iter().flat_map(Grant::limits);
        let within = limits.all(|(name, values)| self.is_in(permission, name, values));
        if within { Ok(()) } else { Err(Reason::Scope) }
    }

    fn met(&self, permission: Permission<'_>, row: &Row, grant: Option<Grant<'_>>) -> Result<(), Reason> {
        if self.needs_strong_factor(permission, row) && !self.subject.strong_factor() {
            return Err(Reason::NoStrongFactor);
        }
        self.in_scope(permission, grant)?;
        if !row.purposes.is_empty() && !self.has_purpose(permission, &row.purposes) {
            return Err(Reason::Purpose);
        }
        if !row.within.as_ref().is_none_or(|age| self.is_young(permission, age)) {
            return Err(Reason::Retention);
        }
        row.further.as_ref().map_or(Ok(()), |further| self.all_further(permission, further))
    }
}

impl Facts<'_> {
    /// Access roles presume a strong factor; whatever reaches customers' data should be one, and is treated as one.
    pub(super) fn needs_strong_factor(&self, permission: Permission<'_>, row: &Row) -> bool {
        row.strong || permission.class() == Class::Pii
    }

    /// A property of the resource: of the record, if it is a registered one that has it, or else of the caller's, if it
    /// may assert it and did.
    pub(super) fn property<'f>(&'f self, permission: Permission<'f>, name: &str) -> Option<&'f Value> {
        self.asserted(permission, Place::Resource).get(name)
    }

    /// The purpose, if the caller may assert one and did.
    pub(super) fn purpose<'f>(&'f self, permission: Permission<'f>) -> Option<&'f Value> {
        self.asserted(permission, Place::Context).get("purpose")
    }

    /// What stands at a place of the question, as far as it counts.
    pub(super) fn asserted<'f>(&'f self, permission: Permission<'f>, place: Place) -> Properties<'f> {
        let asserted = match place {
            Place::Subject => self.question.subject_properties,
            Place::Action => self.question.action_properties,
            Place::Resource => self.question.properties,
            Place::Context => self.question.context,
        };
        Properties {
            own: if place == Place::Resource { permission.record(self.question.resource) } else { None },
            asserted: asserted.and_then(Value::as_object),
            may: self.question.asserts.map_or_else(|| permission.may(place), May::Listed),
        }
    }

    pub(super) fn is_in(&self, permission: Permission<'_>, name: &str, mut values: Texts<'_>) -> bool {
        let value = self.property(permission, name).and_then(Value::as_str);
        value.is_some_and(|value| values.any(|own| own == value))
    }

    pub(super) fn has_purpose(&self, permission: Permission<'_>, purposes: &[Box<str>]) -> bool {
        let purpose = self.purpose(permission).and_then(Value::as_str);
        purpose.is_some_and(|purpose| purposes.iter().any(|own| **own == *purpose))
    }

    pub(super) fn is_young(&self, permission: Permission<'_>, age: &Age) -> bool {
        match self.property(permission, &age.of) {
            Some(Value::Null) => true,
            Some(Value::String(text)) => {
                date(text).is_some_and(|date| self.now < date.saturating_add(age.micros))
            }
            _ => false,
        }
    }
}

/// An instant in RFC 3339, or the beginning of a day `YYYY-MM-DD` in UTC, in microseconds.
fn date(text: &str) -> Option<i64> {
    let day = || text.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0).map(|day| day.and_utc().into());
    Timestamp::parse(text).or_else(day).map(Timestamp::micros)
}
