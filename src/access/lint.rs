//! What a catalogue must not say, each refusal with file, line and remedy.
//!
//! Rules: all refusals of a file are found at once; a permission counts as reached even where it is denied again; what
//! this version cannot enforce is refused, never ignored. Pure; calls `catalogue` and `profile`.

mod conditions;

use std::collections::{BTreeMap, BTreeSet};

use super::catalogue::{Application, Class, Days, Environment, Role};
use super::names;
use super::requirement::Requirement;
use super::routes;
use crate::profile::refusal::did_you_mean;
use crate::profile::{Document, Period, Profile, Refusal};

/// The key of Bailiwick's own catalogue.
pub const OWN_APPLICATION: &str = "bailiwick";
/// The longest chain of inheritance below a role, in links. The grant of the role is a link too, and casbin-rs answers
/// dependably up to nine of them and no deeper.
pub const MAX_CHAIN: usize = 8;
/// The most features, roles, actions or other entries in one list.
pub const MAX_ENTRIES: usize = 1_000;

/// What the profile in force contributes to the judgement.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Parameters counted in days, which `within` may name.
    pub day_parameters: BTreeSet<String>,
    /// The networks that are registered by name.
    pub networks: BTreeSet<String>,
    /// The end that the profile gives to grants of access roles that state none.
    pub access_role_end: Option<Period>,
}

impl From<&Profile> for Rules {
    fn from(profile: &Profile) -> Self {
        let names = profile.parameters().map(|parameter| parameter.name);
        let day_parameters = names.filter(|name| profile.days(name).is_some()).map(str::to_owned).collect();
        let access_role_end = Some(profile.grant().max_duration(true));
        Self { day_parameters, access_role_end, ..Self::default() }
    }
}

/// Everything wrong with one catalogue, in the order of the file; empty if nothing is.
pub fn check(document: &Document<Application>, rules: &Rules) -> Vec<Refusal> {
    let mut lint =
        Lint { document, application: &document.value, chains: chains(&document.value), found: Vec::new() };
    lint.application();
    lint.features();
    lint.role_names();
    for index in 0..lint.application.roles.len() {
        lint.role(index, rules);
    }
    lint.records();
    lint.routes();
    lint.found.sort_by_key(|refusal| refusal.line);
    lint.found
}

/// Everything wrong with all files of a directory that can be told from them alone.
pub fn check_all(documents: &[Document<Application>], rules: &Rules) -> Vec<Refusal> {
    let mut found = check_together(documents);
    for document in documents {
        found.extend(check(document, rules));
    }
    found
}

/// Applications that two files describe.
pub fn check_together(documents: &[Document<Application>]) -> Vec<Refusal> {
    let mut seen = BTreeSet::new();
    let twice = documents.iter().filter(|document| !seen.insert(document.value.key.as_str()));
    twice
        .map(|document| {
            let what = format!("another file describes the application \"{}\" already", document.value.key);
            document.refuse("key", what, "keep one of the two files, or give this one another key")
        })
        .collect()
}

struct Lint<'a> {
    document: &'a Document<Application>,
    application: &'a Application,
    chains: BTreeMap<&'a str, usize>,
    found: Vec<Refusal>,
}

impl<'a> Lint<'a> {
    fn refuse(&mut self, path: &str, what: impl Into<String>, remedy: impl Into<String>) {
        self.found.push(self.document.refuse(path, what, remedy));
    }

    fn application(&mut self) {
        let application = self.application;
        self.key("key", &application.key);
        self.text("name", application.name.as_deref());
        self.text("owner", application.owner.as_deref());
        if application.owner.is_none() && application.key != OWN_APPLICATION {
            let remedy = "add owner = \"USERNAME\" with the username or employee id of the owner";
            self.refuse("key", "the application has no owner", remedy);
        }
        self.list("feature", application.features.len());
        self.list("role", application.roles.len());
        self.list("record", application.records.len());
        self.texts("asserts", "name", application.asserts.as_deref().unwrap_or_default());
        self.subject_types();
    }

    fn features(&mut self) {
        let application = self.application;
        let mut seen = BTreeSet::new();
        for (index, feature) in application.features.iter().enumerate() {
            let path = format!("feature.{index}");
            self.key(&format!("{path}.key"), &feature.key);
            self.text(&format!("{path}.name"), feature.name.as_deref());
            self.once(&format!("{path}.key"), "feature", &feature.key, &mut seen);
            self.actions(&format!("{path}.actions"), &feature.actions);
            self.texts(&format!("{path}.scopes"), "scope", &feature.scopes);
            self.texts(&format!("{path}.properties"), "property", &feature.properties);
            if feature.actions.is_empty() {
                self.refuse(
                    &format!("{path}.actions"),
                    "the feature has no action",
                    "name at least one action",
                );
            }
            if feature.pii && feature.written_class.is_some_and(|class| class != Class::Pii) {
                let what = "the feature says pii = true and another class";
                self.refuse(&format!("{path}.class"), what, "keep class = \"pii\" alone");
            }
            if feature.class() == Class::Pii && application.environment != Environment::Production {
                let what = format!("the feature \"{}\" is PII outside production", feature.key);
                self.refuse(&path, what, "use data that identify nobody there, and class = \"internal\"");
            }
        }
    }

    fn role_names(&mut self) {
        let mut seen = BTreeSet::new();
        for (index, role) in self.application.roles.iter().enumerate() {
            let path = format!("role.{index}");
            self.key(&format!("{path}.key"), &role.key);
            self.text(&format!("{path}.name"), role.name.as_deref());
            self.once(&format!("{path}.key"), "role", &role.key, &mut seen);
        }
    }

    fn role(&mut self, index: usize, rules: &Rules) {
        let application = self.application;
        let Some(role) = application.roles.get(index) else { return };
        let path = format!("role.{index}");
        self.inheritance(&path, role);
        for (number, allow) in role.allows.iter().enumerate() {
            let path = format!("{path}.allow.{number}");
            self.permission(&path, &allow.feature, &allow.actions);
            self.texts(&format!("{path}.purposes"), "purpose", &allow.purposes);
            if let Some(within) = &allow.within {
                self.text(&format!("{path}.within.of"), Some(&within.of));
                self.days(&format!("{path}.within.days"), &within.days, rules);
            }
            self.conditions(&path, allow, rules);
        }
        for (number, deny) in role.denies.iter().enumerate() {
            self.permission(&format!("{path}.deny.{number}"), &deny.feature, &deny.actions);
        }
        if application.permissions_of(role).is_empty() {
            let what = format!("no permission is reached through the role \"{}\"", role.key);
            self.refuse(&path, what, "allow it something that it does not deny again, or remove it");
        }
        self.requirements(&path, role);
        if role.birthright && role.position.is_some() {
            let what = format!("the role \"{}\" is birthright and by position at once", role.key);
            self.refuse(&path, what, "keep one of the two");
        }
        if role.max_duration.is_some_and(|period| period.count == 0) {
            self.refuse(
                &format!("{path}.max_duration"),
                "a grant cannot last no time",
                "write at least \"1h\"",
            );
        }
        if role.access_role {
            self.access_role(&path, role, rules);
        } else {
            self.ordinary_role(&path, role);
        }
    }

    fn requirements(&mut self, path: &str, role: &'a Role) {
        self.texts(&format!("{path}.requires"), "prerequisite", &role.requires);
        for (number, text) in role.requires.iter().enumerate() {
            if let Err(what) = text.parse::<Requirement>() {
                let remedy =
                    "write the kind, and how old it may be, such as \"training:data-protection@12mo\"";
                self.refuse(&format!("{path}.requires.{number}"), what, remedy);
            }
        }
        let by_itself = role.birthright || role.position.is_some();
        let needs = self.application.with_inherited(role).iter().any(|role| !role.requires.is_empty());
        if by_itself && needs {
            let what =
                format!("the role \"{}\" comes by itself, so that nothing can be required for it", role.key);
            let place = if role.requires.is_empty() { "inherits" } else { "requires" };
            self.refuse(&format!("{path}.{place}"), what, "require it for a role that is given");
        }
    }

    fn ordinary_role(&mut self, path: &str, role: &Role) {
        let application = self.application;
        let pii = application.features_of(role).into_iter().find(|feature| feature.class() == Class::Pii);
        if let Some(feature) = pii {
            let what = format!(
                "the PII feature \"{}\" is reached without an access role by \"{}\"",
                feature.key, role.key
            );
            let place = self.allow_of(path, role, &feature.key);
            self.refuse(&place, what, "move that permission to a role with access_role = true");
        }
    }

    fn access_role(&mut self, path: &str, role: &Role, rules: &Rules) {
        let application = self.application;
        let key = &role.key;
        let features = application.features_of(role);
        if let Some(other) = features.iter().find(|feature| feature.class() != Class::Pii) {
            let what = format!("the access role \"{key}\" also reaches \"{}\", which is not PII", other.key);
            let place = self.allow_of(path, role, &other.key);
            self.refuse(&place, what, "move that permission to an ordinary role");
        }
        if role.birthright {
            let remedy = "remove birthright: access roles are asked for and approved";
            self.refuse(
                &format!("{path}.birthright"),
                format!("the access role \"{key}\" is birthright"),
                remedy,
            );
        }
        if role.position.is_some() {
            let what = format!("the access role \"{key}\" comes with a position");
            self.refuse(
                &format!("{path}.position"),
                what,
                "remove position: a position lets decide, not use",
            );
        }
        if role.approval.is_empty() {
            let what = format!("the access role \"{key}\" needs nobody's approval");
            self.refuse(&format!("{path}.approval"), what, "add approval = [\"manager\", \"owner\"]");
        }
        if role.max_duration.is_none() && rules.access_role_end.is_none() {
            let what = format!("grants of the access role \"{key}\" have no end");
            self.refuse(path, what, "add max_duration = \"90d\", or less");
        }
    }

    /// Where a role itself allows a feature; else where it inherits.
    fn allow_of(&self, path: &str, role: &Role, feature: &str) -> String {
        match role.allows.iter().position(|allow| allow.feature == feature) {
            Some(number) => format!("{path}.allow.{number}.feature"),
            None => format!("{path}.inherits"),
        }
    }

    fn inheritance(&mut self, path: &str, role: &Role) {
        let application = self.application;
        let known = || application.roles.iter().map(|role| role.key.as_str());
        for (number, parent) in role.inherits.iter().enumerate() {
            let place = format!("{path}.inherits.{number}");
            if parent.contains('/') {
                let what = format!("\"{parent}\" is a role of another application");
                self.refuse(&place, what, "inherit only within one application and environment");
            } else if application.role(parent).is_none() {
                self.refuse(&place, format!("there is no role \"{parent}\""), did_you_mean(parent, known()));
            }
        }
        let is_self = |other: &Role| other.key == role.key;
        let parents = || role.inherits.iter().filter_map(|key| application.role(key));
        if parents().any(|parent| application.with_inherited(parent).into_iter().any(is_self)) {
            let what = format!("the role \"{}\" inherits from itself in the end", role.key);
            self.refuse(&format!("{path}.inherits"), what, "take one link out of the circle");
        } else if self.chains.get(role.key.as_str()).is_some_and(|length| *length > MAX_CHAIN) {
            let what = format!("the chain of roles below \"{}\" is deeper than {MAX_CHAIN}", role.key);
            self.refuse(&format!("{path}.inherits"), what, "inherit from the deeper roles directly");
        }
    }

    fn permission(&mut self, path: &str, feature: &str, actions: &[String]) {
        let application = self.application;
        if actions.is_empty() {
            self.refuse(&format!("{path}.actions"), "no action is named", "name at least one action");
        }
        let Some(found) = application.feature(feature) else {
            let known = application.features.iter().map(|feature| feature.key.as_str());
            let remedy = match feature {
                "*" => "name each feature: a permission never means all of them".to_owned(),
                _ => did_you_mean(feature, known),
            };
            self.refuse(&format!("{path}.feature"), format!("there is no feature \"{feature}\""), remedy);
            return;
        };
        for (number, action) in
            actions.iter().enumerate().filter(|(_, action)| !found.actions.contains(action))
        {
            let what = format!("the feature \"{feature}\" has no action \"{action}\"");
            let remedy = match action.as_str() {
                "*" => "name each action: a permission never means all of them".to_owned(),
                _ => did_you_mean(action, found.actions.iter().map(String::as_str)),
            };
            self.refuse(&format!("{path}.actions.{number}"), what, remedy);
        }
    }

    fn days(&mut self, path: &str, days: &Days, rules: &Rules) {
        let Days::Profile(text) = days else { return };
        match days.parameter() {
            None => {
                let what = format!("\"{text}\" names no profile parameter");
                self.refuse(path, what, "write a number of days or \"profile:pii.retention\"");
            }
            Some(name) if !rules.day_parameters.contains(name) => {
                let what = format!("the profile has no parameter \"{name}\" that counts days");
                self.refuse(path, what, did_you_mean(name, rules.day_parameters.iter().map(String::as_str)));
            }
            Some(_) => {}
        }
    }

    fn records(&mut self) {
        let application = self.application;
        let mut seen = BTreeSet::new();
        for (index, record) in application.records.iter().enumerate() {
            let path = format!("record.{index}");
            if application.feature(&record.feature).is_none() {
                let known = application.features.iter().map(|feature| feature.key.as_str());
                let what = format!("there is no feature \"{}\"", record.feature);
                self.refuse(&format!("{path}.feature"), what, did_you_mean(&record.feature, known));
            }
            self.text(&format!("{path}.id"), Some(&record.id));
            if !seen.insert((&record.feature, &record.id)) {
                self.refuse(&format!("{path}.id"), "the record is registered twice", "remove one of the two");
            }
            self.properties_of_record(&format!("{path}.properties"), record);
        }
    }

    fn routes(&mut self) {
        let application = self.application;
        self.list("route", application.routes.len());
        for (index, route) in application.routes.iter().enumerate() {
            let path = format!("route.{index}");
            let known = application.feature(&route.feature);
            let named = known.is_some_and(|feature| feature.actions.contains(&route.action));
            if known.is_none() {
                let features = application.features.iter().map(|feature| feature.key.as_str());
                let what = format!("there is no feature \"{}\"", route.feature.escape_debug());
                self.refuse(&format!("{path}.feature"), what, did_you_mean(&route.feature, features));
            } else if !named {
                let actions = known.into_iter().flat_map(|feature| &feature.actions).map(String::as_str);
                let (feature, action) = (&route.feature, route.action.escape_debug());
                let what = format!("the feature \"{feature}\" has no action \"{action}\"");
                self.refuse(&format!("{path}.action"), what, did_you_mean(&route.action, actions));
            }
            self.text(&format!("{path}.purpose"), route.purpose.as_deref());
        }
        self.found.extend(routes::check(self.document));
    }

    fn once(&mut self, path: &str, kind: &str, key: &'a str, seen: &mut BTreeSet<&'a str>) {
        if !seen.insert(key) {
            self.refuse(path, format!("the {kind} \"{key}\" is named twice"), "merge the two, or rename one");
        }
    }

    fn actions(&mut self, path: &str, actions: &'a [String]) {
        self.list(path, actions.len());
        let mut seen = BTreeSet::new();
        for (number, action) in actions.iter().enumerate() {
            let place = format!("{path}.{number}");
            if let Some((what, remedy)) = names::fault_of_action(action) {
                self.refuse(&place, what, remedy);
            }
            self.once(&place, "action", action, &mut seen);
        }
    }

    fn key(&mut self, path: &str, key: &str) {
        if let Some((what, remedy)) = names::fault_of_key(key) {
            self.refuse(path, what, remedy);
        }
    }

    fn text(&mut self, path: &str, text: Option<&str>) {
        if let Some((what, remedy)) = text.and_then(names::fault_of_text) {
            self.refuse(path, what, remedy);
        }
    }

    fn texts(&mut self, path: &str, kind: &str, texts: &'a [String]) {
        self.list(path, texts.len());
        let mut seen = BTreeSet::new();
        for (number, text) in texts.iter().enumerate() {
            let place = format!("{path}.{number}");
            self.text(&place, Some(text));
            self.once(&place, kind, text, &mut seen);
        }
    }

    fn list(&mut self, path: &str, length: usize) {
        if length > MAX_ENTRIES {
            self.refuse(path, format!("a list has more than {MAX_ENTRIES} entries"), "split the application");
        }
    }
}

/// The length of the longest chain of inheritance below each role, in links; no further than one beyond the limit, so
/// that circles end as well.
fn chains(application: &Application) -> BTreeMap<&str, usize> {
    let mut lengths: BTreeMap<&str, usize> =
        application.roles.iter().map(|role| (role.key.as_str(), 0)).collect();
    for _ in 0..=MAX_CHAIN {
        for role in &application.roles {
            let below = role.inherits.iter().filter_map(|key| lengths.get(key.as_str())).max();
            if let Some(below) = below {
                let length = (below + 1).min(MAX_CHAIN + 1);
                lengths.insert(&role.key, length);
            }
        }
    }
    lengths
}
