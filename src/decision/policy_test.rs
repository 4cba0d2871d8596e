//! Tests of a policy, as they stand in its directory: subjects × resources × actions, judged at a fixed instant.
//!
//! Rules: everything a test asks is decided by the index that production asks, made from the files alone; what a test
//! does not name as permitted must be denied; an unknown name in a test is refused and never a denial that passes.
//! Pure.

mod check;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::rows::{GrantRow, GrantState, PolicyRows, SubjectKind, SubjectRow, SubjectState};
use super::subject::id_of;
use super::{Decision, Freshness, Known, Question, Reason, Snapshot};
use crate::access::catalogue::Application;
use crate::access::named_networks::NamedNetworks;
use crate::clock::Timestamp;
use crate::ids::Id;
use crate::profile::{Document, Refusal};
use crate::vault::fold;

/// The most questions that one file may ask.
pub const MAX_QUESTIONS: usize = 100_000;

/// One file of tests.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// The instant at which everything is judged, unless a test says another.
    pub now: Timestamp,
    /// Who is asked about.
    #[serde(default, rename = "subject")]
    pub subjects: Vec<Subject>,
    /// With what.
    #[serde(default, rename = "resource")]
    pub resources: Vec<Resource>,
    /// The tests.
    #[serde(default, rename = "test")]
    pub tests: Vec<Test>,
}

/// Somebody, with what they hold.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// What tests call them.
    pub name: String,
    /// Whether it is a service and no person.
    #[serde(default)]
    pub service: bool,
    /// Whether a strong factor is missing.
    #[serde(default)]
    pub without_strong_factor: bool,
    /// Whether somebody names this person as manager.
    #[serde(default)]
    pub manager: bool,
    /// Whether an application names this person as owner.
    #[serde(default)]
    pub owner: bool,
    /// The first instant at which they may act.
    #[serde(default)]
    pub starts_at: Option<Timestamp>,
    /// The first instant at which they may act no more.
    #[serde(default)]
    pub ends_at: Option<Timestamp>,
    /// What conditions read of them: the department, attributes, the zone of their days.
    #[serde(default)]
    pub department: Option<String>,
    /// Attributes.
    #[serde(default)]
    pub attributes: Map<String, Value>,
    /// The zone; UTC if left out.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// What the caller asserts about them.
    #[serde(default)]
    pub properties: Option<Value>,
    /// What they were given.
    #[serde(default, rename = "grant")]
    pub grants: Vec<Grant>,
}

/// A role somebody was given.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// `app/role`.
    pub role: String,
    /// What it is limited to.
    #[serde(default)]
    pub scope: Option<BTreeMap<String, Vec<String>>>,
    /// From when; from ever if left out.
    #[serde(default)]
    pub valid_from: Option<Timestamp>,
    /// Until when; without end if left out.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
    /// Whether it rests.
    #[serde(default)]
    pub suspended: bool,
}

/// A record.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// What tests call it.
    pub name: String,
    /// Its feature, `app/feature`.
    pub feature: String,
    /// Its id.
    #[serde(default)]
    pub id: String,
    /// What the caller asserts about it.
    #[serde(default)]
    pub properties: Map<String, Value>,
    /// Properties that the caller asserts to be null, for which TOML has no word.
    #[serde(default)]
    pub null: Vec<String>,
}

impl Resource {
    fn asserted(&self) -> Value {
        let null = self.null.iter().map(|name| (name.clone(), Value::Null));
        Value::Object(self.properties.clone().into_iter().chain(null).collect())
    }
}

/// One test: every subject is asked about every action of every resource.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// What it shows, in words.
    pub name: String,
    /// Names of subjects.
    pub subjects: Vec<String>,
    /// Names of resources.
    pub resources: Vec<String>,
    /// Actions.
    pub actions: Vec<String>,
    /// The context that the caller sends along.
    #[serde(default)]
    pub context: Option<Value>,
    /// What the caller asserts about the action.
    #[serde(default)]
    pub action_properties: Option<Value>,
    /// At another instant than the file's.
    #[serde(default)]
    pub now: Option<Timestamp>,
    /// What must be permitted; everything else that is asked must be denied.
    #[serde(default, rename = "permit")]
    pub permits: Vec<Expected>,
    /// Why it must be denied, where that matters.
    #[serde(default, rename = "deny")]
    pub denies: Vec<Denied>,
}

/// Permissions that are expected.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// Names of subjects; all of the test's if left out.
    #[serde(default)]
    pub subjects: Vec<String>,
    /// Names of resources; all of the test's if left out.
    #[serde(default)]
    pub resources: Vec<String>,
    /// Actions; all of the test's if left out.
    #[serde(default)]
    pub actions: Vec<String>,
}

/// Denials that must have this reason.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Denied {
    /// The reason, as `context.explain` gives it.
    pub reason: Reason,
    /// Names of subjects; all of the test's if left out.
    #[serde(default)]
    pub subjects: Vec<String>,
    /// Names of resources; all of the test's if left out.
    #[serde(default)]
    pub resources: Vec<String>,
    /// Actions; all of the test's if left out.
    #[serde(default)]
    pub actions: Vec<String>,
}

/// What became of one test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The file.
    pub file: String,
    /// Where in it the test stands.
    pub line: usize,
    /// The test's name.
    pub test: String,
    /// How many questions it asked.
    pub questions: usize,
    /// Every answer that was another than expected, in words.
    pub failures: Vec<String>,
}

/// The policy that is tested.
pub struct Policy<'a> {
    snapshot: Snapshot,
    applications: &'a [Application],
}

impl<'a> Policy<'a> {
    /// Compiles the catalogues, with the networks that have names.
    ///
    /// # Errors
    /// Everything that keeps them from being compiled.
    pub fn of(
        applications: &'a [Application],
        networks: &NamedNetworks,
        day_parameters: BTreeMap<String, u32>,
    ) -> Result<Self, Vec<Refusal>> {
        let rows = PolicyRows {
            networks: networks.by_name(),
            ..PolicyRows::of_catalogues(applications.to_vec(), day_parameters)
        };
        let snapshot = Snapshot::default().with_policy(&rows).map_err(|refused| refused.0)?;
        Ok(Self { snapshot, applications })
    }

    /// Runs the tests of one file.
    ///
    /// # Errors
    /// Everything in the file that names what is not there, or asks too much.
    pub fn run(&self, document: &Document<File>) -> Result<Vec<Outcome>, Vec<Refusal>> {
        let refusals = self.check(document);
        if !refusals.is_empty() {
            return Err(refusals);
        }
        let file = &document.value;
        let mut snapshot = self.snapshot.clone();
        let subjects = file.subjects.iter().enumerate();
        for row in subjects.filter_map(|(number, subject)| subject.row(number)) {
            snapshot = snapshot.with_subject(&row);
        }
        for (number, subject) in file.subjects.iter().enumerate() {
            if let Some(account) = id(number, 0) {
                snapshot = snapshot.with_known(&account, subject.known());
            }
        }
        let tests = file.tests.iter().enumerate();
        Ok(tests
            .map(|(number, test)| Outcome {
                file: document.file.clone(),
                line: document.line(&format!("test.{number}.name")),
                test: test.name.clone(),
                questions: test.size(),
                failures: test.failures(file, &snapshot),
            })
            .collect())
    }
}

/// The id of the subject, or of its grant, with this number: made up, and the same each time.
fn id<I: Id>(subject: usize, grant: usize) -> Option<I> {
    id_of((subject as u128 + 1) << 64 | grant as u128)
}

impl Subject {
    fn known(&self) -> Known {
        Known {
            username: self.name.as_str().into(),
            department: self.department.as_deref().map(Into::into),
            attributes: self.attributes.clone(),
            zone: self.time_zone.as_ref().and_then(|zone| zone.parse().ok()),
        }
    }

    fn row(&self, number: usize) -> Option<SubjectRow> {
        let grants = self.grants.iter().enumerate();
        Some(SubjectRow {
            account: id(number, 0)?,
            kind: if self.service { SubjectKind::Service } else { SubjectKind::Person },
            // Also folded, as a property that names who made something finds it.
            names: vec![self.name.clone(), fold(&self.name)],
            state: SubjectState::Active,
            valid_from: self.starts_at,
            valid_until: self.ends_at,
            strong_factor: !self.without_strong_factor,
            is_manager: self.manager,
            is_owner: self.owner,
            grants: grants.filter_map(|(place, grant)| grant.row(number, place + 1)).collect(),
        })
    }
}

impl Grant {
    fn row(&self, subject: usize, place: usize) -> Option<GrantRow> {
        Some(GrantRow {
            id: id(subject, place)?,
            role: self.role.clone(),
            state: if self.suspended { GrantState::Suspended } else { GrantState::Active },
            valid_from: self.valid_from.unwrap_or(Timestamp::from_micros(i64::MIN)),
            expires_at: self.expires_at,
            scope: self.scope.clone(),
        })
    }
}

impl Test {
    fn size(&self) -> usize {
        self.subjects.len().saturating_mul(self.resources.len()).saturating_mul(self.actions.len())
    }

    /// Every answer that is another than expected, in words.
    fn failures(&self, file: &File, snapshot: &Snapshot) -> Vec<String> {
        let mut failures = Vec::new();
        let subjects = file.subjects.iter().filter(|subject| self.subjects.contains(&subject.name));
        for subject in subjects {
            let resources = file.resources.iter().filter(|resource| self.resources.contains(&resource.name));
            for resource in resources {
                for action in &self.actions {
                    let decision = self.ask(file, snapshot, subject, resource, action);
                    let asked = (subject.name.as_str(), resource.name.as_str(), action.as_str());
                    failures.extend(self.complaint(asked, &decision));
                }
            }
        }
        failures
    }

    fn ask(
        &self,
        file: &File,
        snapshot: &Snapshot,
        subject: &Subject,
        resource: &Resource,
        action: &str,
    ) -> Decision {
        let properties = resource.asserted();
        let question = Question {
            subject_type: if subject.service { "service" } else { "user" },
            subject: &subject.name,
            application: None,
            resource_type: &resource.feature,
            resource: &resource.id,
            action,
            subject_properties: subject.properties.as_ref(),
            action_properties: self.action_properties.as_ref(),
            properties: Some(&properties),
            context: self.context.as_ref(),
            asserts: None,
        };
        snapshot.evaluate(self.now.unwrap_or(file.now), Freshness::Fresh, &question)
    }

    /// What is wrong with an answer, if anything.
    fn complaint(&self, asked: (&str, &str, &str), decision: &Decision) -> Option<String> {
        let is_meant = |subjects: &[String], resources: &[String], actions: &[String]| {
            let covers =
                |names: &[String], name: &str| names.is_empty() || names.iter().any(|own| own == name);
            covers(subjects, asked.0) && covers(resources, asked.1) && covers(actions, asked.2)
        };
        let permitted = self.permits.iter().any(|one| is_meant(&one.subjects, &one.resources, &one.actions));
        let (subject, resource, action) = asked;
        let said = format!("{subject} · {resource} · {action}: ");
        if permitted != decision.permit() {
            let wanted = if permitted { "permitted" } else { "denied" };
            return Some(format!("{said}should be {wanted}, is {}", decision.reason));
        }
        let reason = self.denies.iter().find(|one| is_meant(&one.subjects, &one.resources, &one.actions))?;
        (reason.reason != decision.reason)
            .then(|| format!("{said}should be denied as {}, is {}", reason.reason, decision.reason))
    }
}
