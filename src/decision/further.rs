//! What few rows ask of a question besides purpose and age: where it comes from, how and when, whose work it is about,
//! and conditions of the catalogue's own.
//!
//! Rules: as in `conditions`; what the house knows of account and record comes from the house, everything else from the
//! caller, as far as it may assert it. Pure.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Reason;
use super::conditions::Facts;
use super::explain::Condition;
use super::policy::{Permission, Place};
use super::snapshot::Found;
use super::subject::{MAX_NAME, id_of};
use crate::access::expression::{Expression, Properties, Root, Seen, Stop};
use crate::access::hours::Hours;
use crate::access::networks::Network;
use crate::clock::Timestamp;
use crate::ids::AccountId;
use crate::vault::fold;

/// The name in `context` of the end user's address.
const SOURCE_IP: &str = "source_ip";
const MFA: &str = "mfa";
const MANAGED_DEVICE: &str = "managed_device";

/// What a row asks for further.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Further {
    /// Networks as the catalogue calls them, and what they are.
    pub(super) networks: Option<(Box<str>, Box<[Network]>)>,
    pub(super) mfa: bool,
    pub(super) managed_device: bool,
    /// Hours as the catalogue writes them, and what they are.
    pub(super) hours: Option<(Box<str>, Hours)>,
    /// The property that names who made the record.
    pub(super) not_by: Option<Box<str>>,
    pub(super) when: Option<Arc<Expression>>,
}

impl Further {
    /// Whether it asks for what is known of accounts.
    pub(super) fn reads_people(&self) -> bool {
        let when = || self.when.iter().any(|when| when.reads().any(|(root, _)| root.is_of_the_house()));
        self.hours.is_some() || when()
    }
}

impl Facts<'_> {
    /// Whether all of it holds, else why not.
    pub(super) fn all_further(&self, permission: Permission<'_>, further: &Further) -> Result<(), Reason> {
        let asked = [
            (
                further.networks.as_ref().is_none_or(|(_, list)| self.is_within(permission, list)),
                Reason::Network,
            ),
            (!further.mfa || self.says(permission, MFA), Reason::Mfa),
            (!further.managed_device || self.says(permission, MANAGED_DEVICE), Reason::ManagedDevice),
            (further.hours.as_ref().is_none_or(|(_, hours)| self.is_during(hours)), Reason::Hours),
            (
                further.not_by.as_ref().is_none_or(|name| self.is_by_another(permission, name)),
                Reason::SamePerson,
            ),
        ];
        if let Some((_, reason)) = asked.into_iter().find(|(holds, _)| !holds) {
            return Err(reason);
        }
        let holds = further.when.as_ref().is_none_or(|when| self.holds(permission, when) == Ok(true));
        if holds { Ok(()) } else { Err(Reason::Condition) }
    }

    /// The same, each condition for itself, as explanations show them.
    pub(super) fn each_further(
        &self,
        permission: Permission<'_>,
        further: &Further,
        told: &mut Vec<Condition>,
    ) {
        let context = self.asserted(permission, Place::Context);
        if let Some((words, list)) = &further.networks {
            let (given, holds) = (context.get(SOURCE_IP), self.is_within(permission, list));
            told.push(Condition::of("networks", format!("context.{SOURCE_IP} in {words}"), given, holds));
        }
        for (name, wanted) in [(MFA, further.mfa), (MANAGED_DEVICE, further.managed_device)] {
            if wanted {
                let (given, holds) = (context.get(name), self.says(permission, name));
                told.push(Condition::of(name, format!("context.{name} is true"), given, holds));
            }
        }
        if let Some((words, hours)) = &further.hours {
            told.push(Condition::of("hours", words.to_string(), None, self.is_during(hours)));
        }
        if let Some(name) = &further.not_by {
            let wanted = "somebody who is known here and is not the subject".to_owned();
            let (given, holds) = (self.property(permission, name), self.is_by_another(permission, name));
            told.push(Condition::of(&format!("not_by.{name}"), wanted, given, holds));
        }
        if let Some(when) = &further.when {
            let outcome = self.holds(permission, when);
            let given = self.read_from_caller(permission, when);
            let shown = Condition::of("when", when.text().to_owned(), given.as_ref(), outcome == Ok(true));
            told.push(Condition { because: outcome.err().map(Stop::words), ..shown });
        }
    }

    fn is_within(&self, permission: Permission<'_>, networks: &[Network]) -> bool {
        let given = self.asserted(permission, Place::Context).get(SOURCE_IP).and_then(Value::as_str);
        let address = given.and_then(|text| text.parse().ok());
        address.is_some_and(|address| networks.iter().any(|network| network.contains(address)))
    }

    fn says(&self, permission: Permission<'_>, name: &str) -> bool {
        self.asserted(permission, Place::Context).get(name) == Some(&Value::Bool(true))
    }

    /// By the clock of the subject; whoever is not known has none.
    fn is_during(&self, hours: &Hours) -> bool {
        let Some(known) = self.state.known(self.subject.account()) else { return false };
        let zone = known.zone.or(self.state.policy.zone).unwrap_or(chrono_tz::Tz::UTC);
        hours.contain(Timestamp::from_micros(self.now).utc().with_timezone(&zone))
    }

    /// A name that means nobody might mean the subject.
    fn is_by_another(&self, permission: Permission<'_>, name: &str) -> bool {
        // Longer than every name, and not a way to make the house work.
        let may_be_name = |text: &&str| text.len() <= MAX_NAME;
        let maker = self.property(permission, name).and_then(Value::as_str).filter(may_be_name);
        maker.is_some_and(|maker| match self.state.find(&fold(maker)) {
            Found::One(maker) => maker.account() != self.subject.account(),
            Found::Nobody | Found::Several => false,
        })
    }

    fn holds(&self, permission: Permission<'_>, when: &Expression) -> Result<bool, Stop> {
        let account = id_of::<AccountId>(self.subject.account());
        let known = self.state.known(self.subject.account());
        let (_, feature, action) = permission.names();
        when.holds(&Seen {
            subject: account.as_ref().map_or("", AccountId::as_str),
            username: known.map(|known| &*known.username),
            department: known.and_then(|known| known.department.as_deref()),
            attributes: known.map(|known| &known.attributes),
            subject_properties: self.asserted(permission, Place::Subject),
            action,
            action_properties: self.asserted(permission, Place::Action),
            feature,
            record: self.question.resource,
            record_properties: self.asserted(permission, Place::Resource),
            context: self.asserted(permission, Place::Context),
        })
    }

    /// What a condition reads of the caller's, or of the record, by name; nothing that is known of accounts.
    fn read_from_caller(&self, permission: Permission<'_>, when: &Expression) -> Option<Value> {
        let mut given = Map::new();
        for (root, name) in when.reads() {
            let place = match root {
                Root::SubjectProperties => Place::Subject,
                Root::ActionProperties => Place::Action,
                Root::ResourceProperties => Place::Resource,
                Root::Context => Place::Context,
                _ => continue,
            };
            let of: Properties<'_> = self.asserted(permission, place);
            if let Some((name, value)) = name.and_then(|name| Some((name, of.get(name)?))) {
                given.insert(format!("{}.{name}", root.name()), value.clone());
            }
        }
        (!given.is_empty()).then_some(Value::Object(given))
    }
}
