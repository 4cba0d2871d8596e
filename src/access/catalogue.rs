//! The catalogue of one application as it stands in its TOML file: features, roles and registered records.
//!
//! Rules: unknown keys are refused with a suggestion; what a file leaves out has the defaults stated here; writing a
//! catalogue and reading it again gives the same catalogue. Pure; calls `profile` for reading and periods.
//! What a catalogue means beyond its shape is judged in `lint`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use super::approval::{ApprovalStep, Approver};
use super::routes::Route;
use crate::profile::{Document, Period, Refusal};

crate::text_enum! {
    /// How sensitive a feature is, or the most sensitive thing that a role reaches. Ordered: `Internal` is least.
    #[derive(Default)]
    pub enum Class {
        /// Neither customers' data nor other information under the policies.
        #[default]
        Internal = "internal",
        /// Other information under the policies, such as Amazon Information, and names of colleagues.
        Regulated = "regulated",
        /// Customers' personal data.
        Pii = "pii",
    }
}

crate::text_enum! {
    /// Where an application runs.
    #[derive(Default)]
    pub enum Environment {
        /// Real data, real work. The only environment that may hold PII.
        #[default]
        Production = "production",
        /// For trying a release.
        Test = "test",
        /// For building one.
        Development = "development",
    }
}

crate::text_enum! {
    /// How an application takes part.
    #[derive(Default)]
    pub enum Integration {
        /// It asks for each decision.
        #[default]
        Decides = "decides",
        /// It lets people sign in here and decides by the claims it gets.
        SignsIn = "signs_in",
        /// Its accounts are kept in step by a connector.
        Provisioned = "provisioned",
        /// Somebody keeps its accounts by hand, with tasks and proof.
        Manual = "manual",
    }
}

/// Who hosts an application, as the register of systems says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hosting {
    /// Privately hosted.
    Private,
    /// Hosted with others.
    Shared,
}

/// A position that gives a role by itself, for as long as the position lasts.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Position {
    /// Somebody names this person as manager.
    Manager,
    /// An application names this person as owner.
    Owner,
}

/// What a subject's type stands for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StandsFor {
    /// A person, as `user` does.
    #[default]
    Person,
    /// A service, as `service` does.
    Service,
}

/// A further word by which an application calls its subjects in `subject.type`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "a subject type must be a word, or { type = \"WORD\", stands_for = \"person\" or \"service\" }"
)]
pub enum SubjectType {
    /// The word alone stands for people.
    Word(String),
    /// A word and what it stands for.
    Other {
        /// The word.
        #[serde(rename = "type")]
        word: String,
        /// What it stands for.
        stands_for: StandsFor,
    },
}

impl SubjectType {
    /// The word.
    pub fn word(&self) -> &str {
        match self {
            Self::Word(word) | Self::Other { word, .. } => word,
        }
    }

    /// What it stands for.
    pub fn stands_for(&self) -> StandsFor {
        match self {
            Self::Word(_) => StandsFor::Person,
            Self::Other { stands_for, .. } => *stands_for,
        }
    }
}

/// An application: a system in scope, whether or not it asks for decisions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// The unique key, `[a-z][a-z0-9_-]*`.
    pub key: String,
    /// What people call it; the key if left out (see [`Application::display_name`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Username or employee id of the owner. Left out only for `bailiwick` itself, whose owner the first run names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Where it runs; production if left out.
    #[serde(default)]
    pub environment: Environment,
    /// How it takes part; it decides if left out.
    #[serde(default)]
    pub integration: Integration,
    /// Who hosts it, where the register says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hosting: Option<Hosting>,
    /// What its keys may assert in `context` and `properties`; `None` means the default of each feature's class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asserts: Option<Vec<String>>,
    /// What it calls its subjects besides `user` and `service`, which are always understood.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subject_types: Vec<SubjectType>,
    /// The things it offers.
    #[serde(default, rename = "feature", skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<Feature>,
    /// The roles people can hold in it.
    #[serde(default, rename = "role", skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Role>,
    /// Registered records: canaries, and what a resource search lists.
    #[serde(default, rename = "record", skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<Record>,
    /// Which requests need which permission, for proxies that ask before they let one through.
    #[serde(default, rename = "route", skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Route>,
}

/// A thing an application offers, with its actions and its class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    /// Unique within the application, `[a-z][a-z0-9_-]*`.
    pub key: String,
    /// What people call it; the key if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The class as written; read [`Feature::class`] instead.
    #[serde(default, rename = "class", skip_serializing_if = "Option::is_none")]
    pub written_class: Option<Class>,
    /// Short for `class = "pii"`; read [`Feature::class`] instead.
    #[serde(default, skip_serializing_if = "is_false")]
    pub pii: bool,
    /// What can be done with it; at least one.
    pub actions: Vec<String>,
    /// Resource properties to whose values a grant may be limited.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// Further resource properties that conditions may read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub properties: Vec<String>,
}

/// Named permissions of one application.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Unique within the application, `[a-z][a-z0-9_-]*`.
    pub key: String,
    /// What people call it; the key if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether this is a unique role that guards PII features (E20.1, O6).
    #[serde(default, skip_serializing_if = "is_false")]
    pub access_role: bool,
    /// Whether every active person holds it without asking.
    #[serde(default, skip_serializing_if = "is_false")]
    pub birthright: bool,
    /// The position that gives it by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// Who must approve, all of the steps; empty means nobody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approval: Vec<ApprovalStep>,
    /// The longest a grant may last; the profile's if left out, and never longer than the profile's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_duration: Option<Period>,
    /// Attestations the holder must have, such as `training:data-protection@12mo`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<String>,
    /// Keys of roles of the same application whose permissions this one has too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inherits: Vec<String>,
    /// What it permits.
    #[serde(default, rename = "allow", skip_serializing_if = "Vec::is_empty")]
    pub allows: Vec<Allow>,
    /// What it forbids, whatever other roles permit.
    #[serde(default, rename = "deny", skip_serializing_if = "Vec::is_empty")]
    pub denies: Vec<Deny>,
}

/// Actions of one feature that a role permits, under conditions that must all hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allow {
    /// The feature's key.
    pub feature: String,
    /// Actions of that feature; at least one.
    pub actions: Vec<String>,
    /// `context.purpose` must be one of these; empty means any or none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub purposes: Vec<String>,
    /// How old a date in the record may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Within>,
    /// Networks that the end user must be in, as `context.source_ip` says: registered names, addresses or prefixes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<String>,
    /// A condition in CEL; missing data denies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Whether the session must have been opened with a second factor, as `context.mfa` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mfa: Option<bool>,
    /// Whether it must come from a managed device, as `context.managed_device` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_device: Option<bool>,
    /// Hours of the week in which it holds, by the clock of the subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<String>,
    /// The property of the resource that names who made it: the subject must be somebody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_by: Option<String>,
}

/// A bound on the age of a date that the record carries: null permits, older or absent denies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Within {
    /// The property of the resource that holds the date.
    pub of: String,
    /// How many days old it may be.
    pub days: Days,
}

/// A number of days, or the profile parameter that holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "days must be a whole number or \"profile:NAME\" with the name of a profile parameter"
)]
pub enum Days {
    /// So many days.
    Count(u32),
    /// `profile:NAME`; read [`Days::parameter`] for the name.
    Profile(String),
}

impl Days {
    /// The name of the profile parameter, if one is meant and the text begins with `profile:`.
    pub fn parameter(&self) -> Option<&str> {
        match self {
            Self::Count(_) => None,
            Self::Profile(text) => text.strip_prefix("profile:"),
        }
    }
}

/// Actions of one feature that a role forbids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deny {
    /// The feature's key.
    pub feature: String,
    /// Actions of that feature; at least one.
    pub actions: Vec<String>,
}

/// A registered record of a feature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The feature's key.
    pub feature: String,
    /// The record's opaque id.
    pub id: String,
    /// Whether nobody has a reason to open it, so that opening it raises an alarm (E37.5).
    #[serde(default, skip_serializing_if = "is_false")]
    pub canary: bool,
    /// What is known of it, whatever a caller says.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub properties: Map<String, Value>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

impl Application {
    /// What people call the application.
    pub fn display_name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.key)
    }

    /// The feature with this key.
    pub fn feature(&self, key: &str) -> Option<&Feature> {
        self.features.iter().find(|feature| feature.key == key)
    }

    /// The role with this key.
    pub fn role(&self, key: &str) -> Option<&Role> {
        self.roles.iter().find(|role| role.key == key)
    }

    /// A role and all roles it inherits from, itself first, each once, also if they form a circle.
    pub fn with_inherited<'a>(&'a self, role: &'a Role) -> Vec<&'a Role> {
        let mut found = vec![role];
        let mut seen = BTreeSet::from([role.key.as_str()]);
        let mut next = 0;
        while let Some(current) = found.get(next).copied() {
            next += 1;
            for parent in current.inherits.iter().filter_map(|key| self.role(key)) {
                if seen.insert(&parent.key) {
                    found.push(parent);
                }
            }
        }
        found
    }

    /// The features that a role allows, by itself or by inheritance, whatever is denied again.
    pub fn features_of<'a>(&'a self, role: &'a Role) -> Vec<&'a Feature> {
        let allows = self.with_inherited(role).into_iter().flat_map(|role| &role.allows);
        let keys: BTreeSet<&str> = allows.map(|allow| allow.feature.as_str()).collect();
        keys.into_iter().filter_map(|key| self.feature(key)).collect()
    }

    /// The permissions that a role leaves after its own and inherited denials, as `(feature, action)`.
    pub fn permissions_of<'a>(&'a self, role: &'a Role) -> BTreeSet<(&'a str, &'a str)> {
        let roles = self.with_inherited(role);
        let denied: BTreeSet<_> = roles
            .iter()
            .flat_map(|role| &role.denies)
            .flat_map(|deny| pairs(&deny.feature, &deny.actions))
            .collect();
        let allowed = roles.iter().flat_map(|role| &role.allows);
        allowed
            .flat_map(|allow| pairs(&allow.feature, &allow.actions))
            .filter(|pair| !denied.contains(pair))
            .collect()
    }

    /// The class of a role: the highest that it reaches, also where it is denied again.
    pub fn class_of(&self, role: &Role) -> Class {
        self.features_of(role).into_iter().map(Feature::class).max().unwrap_or_default()
    }

    /// The resource properties that typed conditions on a feature read: declared ones, scopes, dates of `within` and
    /// makers of `not_by`.
    pub fn properties_of<'a>(&'a self, feature: &'a Feature) -> BTreeSet<&'a str> {
        let allows =
            self.roles.iter().flat_map(|role| &role.allows).filter(|allow| allow.feature == feature.key);
        let named = allows.flat_map(|allow| {
            let date = allow.within.as_ref().map(|within| within.of.as_str());
            date.into_iter().chain(allow.not_by.as_deref())
        });
        let declared = feature.properties.iter().chain(&feature.scopes).map(String::as_str);
        declared.chain(named).collect()
    }

    /// The catalogue as TOML, for export.
    ///
    /// # Errors
    /// A refusal if a value cannot be written as TOML, which no value read from TOML can cause.
    pub fn to_toml(&self) -> Result<String, Refusal> {
        toml::to_string(self).map_err(|error| Refusal::of(&self.key, error.to_string(), "correct that value"))
    }
}

fn pairs<'a>(feature: &'a str, actions: &'a [String]) -> impl Iterator<Item = (&'a str, &'a str)> {
    actions.iter().map(move |action| (feature, action.as_str()))
}

impl Feature {
    /// What people call the feature.
    pub fn display_name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.key)
    }

    /// The class: `pii` if either way of writing says so, internal if nothing is said.
    pub fn class(&self) -> Class {
        if self.pii { Class::Pii } else { self.written_class.unwrap_or_default() }
    }
}

impl Role {
    /// What people call the role.
    pub fn display_name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.key)
    }
}

/// Reads one catalogue file. What it means is not judged yet: `lint::check` does that.
///
/// # Errors
/// A refusal with line and remedy when the text is not TOML or not a catalogue.
pub fn parse(file: &str, text: &str) -> Result<Document<Application>, Refusal> {
    Document::parse(file, text)
}
