//! Lint of conditions, of what applications call their subjects, and of what is known of records.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Lint, Rules};
use crate::access::catalogue::{Allow, Record};
use crate::access::expression::Expression;
use crate::access::hours::{EXAMPLE, Hours};
use crate::access::names;
use crate::access::networks::Network;
use crate::profile::refusal::nearest;

/// The words that are always understood.
const OWN_TYPES: [&str; 2] = ["user", "service"];
/// The most properties of one record, and their size together as JSON.
const MOST_PROPERTIES: usize = 50;
const LARGEST_PROPERTIES: usize = 4_096;

impl<'a> Lint<'a> {
    /// What an allow asks of a question besides purposes and age.
    pub(super) fn conditions(&mut self, path: &str, allow: &'a Allow, rules: &Rules) {
        self.texts(&format!("{path}.networks"), "network", &allow.networks);
        for (number, network) in allow.networks.iter().enumerate() {
            self.network(&format!("{path}.networks.{number}"), network, rules);
        }
        for (name, wanted) in [("mfa", allow.mfa), ("managed_device", allow.managed_device)] {
            if wanted == Some(false) {
                let what = format!("\"{name} = false\" asks for nothing");
                self.refuse(&format!("{path}.{name}"), what, format!("write {name} = true, or leave it out"));
            }
        }
        if let Some(Err(fault)) = allow.hours.as_deref().map(str::parse::<Hours>) {
            let what = format!("\"hours\" {fault}");
            self.refuse(&format!("{path}.hours"), what, format!("write something like \"{EXAMPLE}\""));
        }
        self.text(&format!("{path}.not_by"), allow.not_by.as_deref());
        if let Some(Err(fault)) = allow.when.as_deref().map(Expression::read) {
            self.refuse(&format!("{path}.when"), fault.what, fault.remedy);
        }
    }

    fn network(&mut self, path: &str, network: &str, rules: &Rules) {
        if rules.networks.contains(network) || network.parse::<Network>().is_ok() {
            return;
        }
        let near = nearest(network, rules.networks.iter().map(String::as_str));
        let remedy = match near {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => "register it in networks.toml, or write the network itself, such as \"10.1.0.0/16\""
                .to_owned(),
        };
        self.refuse(path, format!("there is no network \"{}\"", network.escape_debug()), remedy);
    }

    pub(super) fn subject_types(&mut self) {
        let types = &self.application.subject_types;
        self.list("subject_types", types.len());
        let mut seen = BTreeSet::new();
        for (number, kind) in types.iter().enumerate() {
            let path = format!("subject_types.{number}");
            let word = kind.word();
            if OWN_TYPES.contains(&word) {
                let what = format!("the subject type \"{word}\" is understood everywhere");
                self.refuse(&path, what, "leave it out");
            } else if let Some((what, remedy)) = names::fault_of_action(word) {
                self.refuse(&path, what, remedy);
            }
            self.once(&path, "subject type", word, &mut seen);
        }
    }

    pub(super) fn properties_of_record(&mut self, path: &str, record: &'a Record) {
        let properties = &record.properties;
        let size = serde_json::to_string(properties).map_or(usize::MAX, |json| json.len());
        if properties.len() > MOST_PROPERTIES || size > LARGEST_PROPERTIES {
            let what = format!(
                "a record has more than {MOST_PROPERTIES} properties, or {LARGEST_PROPERTIES} bytes of them"
            );
            self.refuse(path, what, "register only what conditions read");
        }
        for (name, value) in properties {
            let place = format!("{path}.{name}");
            self.text(&place, Some(name));
            if has_date(value) {
                let what = format!("the property \"{name}\" is a date without quotes");
                self.refuse(&place, what, "write it as a text, such as \"2026-11-23\"");
            }
        }
    }
}

/// Whether there is a date of TOML in it, which JSON has nothing like.
fn has_date(value: &Value) -> bool {
    match value {
        Value::Object(object) => {
            object.iter().any(|(name, value)| name == "$__toml_private_datetime" || has_date(value))
        }
        Value::Array(items) => items.iter().any(has_date),
        _ => false,
    }
}
