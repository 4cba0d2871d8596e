//! What a catalogue asks of questions, and what it lets callers say, compiled.
//!
//! Rules: a condition is read once and kept for the next policy; what cannot be judged is refused. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Compiler;
use crate::access::catalogue::{Allow, Application, Class, Days, Feature, Role, StandsFor};
use crate::access::expression::{Expression, Root};
use crate::decision::further::Further;
use crate::decision::policy::{Asserts, Policy, Records};
use crate::decision::rows::{PolicyRows, RoleRow, SubjectKind};
use crate::profile::Refusal;

impl<'a> Compiler<'a> {
    /// What a caller whose key lists nothing may assert about a feature; `None` for everything.
    pub(super) fn asserts(&self, application: &Application, feature: &Feature) -> Option<Asserts> {
        if let Some(list) = &application.asserts {
            let names = list.iter().map(|name| name.as_str().into()).collect();
            return Some(Asserts { names, listed: true });
        }
        if feature.class() != Class::Pii {
            return None;
        }
        let mut names: BTreeSet<&str> =
            feature.properties.iter().chain(&feature.scopes).map(String::as_str).collect();
        let roles = self.rows.roles.iter().filter(|row| row.application == application.key);
        for allow in roles.flat_map(|row| &row.role.allows).filter(|allow| allow.feature == feature.key) {
            names.extend(allow.within.as_ref().map(|within| within.of.as_str()));
            names.extend(allow.not_by.as_deref());
            let when = allow.when.as_deref().and_then(|text| self.expressions.get(text));
            let read = when.into_iter().flat_map(|when| when.reads());
            names.extend(
                read.filter(|(root, _)| *root == Root::ResourceProperties).filter_map(|(_, name)| name),
            );
        }
        Some(Asserts { names: names.into_iter().map(Box::from).collect(), listed: false })
    }

    /// Reads every condition once, of those that the policy before had none again.
    pub(super) fn read_expressions(&mut self, before: &Policy) {
        for RoleRow { application, role } in &self.rows.roles {
            for text in role.allows.iter().filter_map(|allow| allow.when.as_deref()) {
                if self.expressions.contains_key(text) {
                    continue;
                }
                let known = before.expressions.get(text).cloned();
                match known.map_or_else(|| Expression::read(text), Ok) {
                    Ok(expression) => drop(self.expressions.insert(text.into(), expression)),
                    Err(fault) => {
                        let what = format!("\"when\" of the role \"{}\": {}", role.key, fault.what);
                        self.refuse(application, what, &fault.remedy);
                    }
                }
            }
        }
    }

    pub(super) fn within(
        &mut self,
        application: &str,
        role: &Role,
        allow: &'a Allow,
    ) -> Option<(&'a String, u32)> {
        let within = allow.within.as_ref()?;
        let days = match &within.days {
            Days::Count(days) => Some(*days),
            Days::Profile(_) => {
                within.days.parameter().and_then(|name| self.rows.day_parameters.get(name)).copied()
            }
        };
        if days.is_none() {
            let what = format!("\"within\" of the role \"{}\" names no parameter of days", role.key);
            self.refuse(application, what, "write a number of days or \"profile:\" and a parameter in days");
        }
        // A refused catalogue is never in force, so that nought here never judges anything.
        Some((&within.of, days.unwrap_or(0)))
    }

    /// What an allow asks for besides purposes and age, if it does.
    pub(super) fn further(&mut self, application: &str, role: &Role, allow: &Allow) -> Option<Arc<Further>> {
        let mut refuse = |what: &str, remedy: &str| {
            let what = format!("{what} of the role \"{}\" cannot be judged", role.key);
            self.refused.push(Refusal::of(application, what, remedy));
        };
        let mut networks = Vec::new();
        for name in &allow.networks {
            match (self.rows.networks.get(name), name.parse()) {
                (Some(ranges), _) => networks.extend(ranges.iter().copied()),
                (None, Ok(network)) => networks.push(network),
                (None, Err(_)) => refuse("\"networks\"", "register the network, or write the network itself"),
            }
        }
        let hours = allow.hours.as_deref().and_then(|text| match text.parse() {
            Ok(hours) => Some((text.into(), hours)),
            Err(_) => {
                refuse("\"hours\"", "write something like \"Mon-Fri 07:00-19:00\"");
                None
            }
        });
        let words = || allow.networks.join(", ").into();
        let further = Further {
            networks: (!allow.networks.is_empty()).then(|| (words(), networks.into())),
            mfa: allow.mfa == Some(true),
            managed_device: allow.managed_device == Some(true),
            hours,
            not_by: allow.not_by.as_deref().map(Into::into),
            when: allow.when.as_deref().and_then(|text| self.expressions.get(text)).cloned(),
        };
        self.reads_people |= further.reads_people();
        (further != Further::default()).then(|| Arc::new(further))
    }
}

/// What each application calls its subjects.
pub(super) fn subject_types(rows: &PolicyRows) -> BTreeMap<Box<str>, BTreeMap<Box<str>, SubjectKind>> {
    let kind = |stands_for| match stands_for {
        StandsFor::Person => SubjectKind::Person,
        StandsFor::Service => SubjectKind::Service,
    };
    let named = rows.applications.iter().filter(|application| !application.subject_types.is_empty());
    let types = |application: &Application| {
        let types = application.subject_types.iter();
        types.map(|own| (own.word().into(), kind(own.stands_for()))).collect()
    };
    named.map(|application| (application.key.as_str().into(), types(application))).collect()
}

/// What is known of the records of a feature, if it is of any.
pub(super) fn known_of_records(application: &Application, feature: &Feature) -> Option<Arc<Records>> {
    let own = application.records.iter().filter(|record| record.feature == feature.key);
    let known = own.filter(|record| !record.properties.is_empty());
    let records: Records =
        known.map(|record| (record.id.as_str().into(), record.properties.clone())).collect();
    (!records.is_empty()).then(|| Arc::new(records))
}
