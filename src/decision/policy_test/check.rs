//! What is wrong with a file of tests: names that mean nothing, and what asks too much.

use std::collections::BTreeSet;

use chrono_tz::Tz;

use super::{File, MAX_QUESTIONS, Policy, Test};
use crate::access::catalogue::Application;
use crate::profile::refusal::did_you_mean;
use crate::profile::{Document, Refusal};

impl Policy<'_> {
    /// Everything wrong with a file.
    pub(super) fn check(&self, document: &Document<File>) -> Vec<Refusal> {
        let file = &document.value;
        let mut check = Check { document, found: Vec::new() };
        let roles: Vec<String> = self.names(|application| application.roles.iter().map(|role| &role.key));
        let features: Vec<String> =
            self.names(|application| application.features.iter().map(|feature| &feature.key));
        for (number, subject) in file.subjects.iter().enumerate() {
            if subject.time_zone.as_ref().is_some_and(|zone| zone.parse::<Tz>().is_err()) {
                let what = "there is no such time zone";
                check.refuse(&format!("subject.{number}.time_zone"), what, "write it as Europe/Berlin is");
            }
            for (place, grant) in subject.grants.iter().enumerate() {
                check.known(&format!("subject.{number}.grant.{place}.role"), "role", &grant.role, &roles);
            }
        }
        for (number, resource) in file.resources.iter().enumerate() {
            check.known(&format!("resource.{number}.feature"), "feature", &resource.feature, &features);
        }
        let subjects: Vec<String> = file.subjects.iter().map(|subject| subject.name.clone()).collect();
        let resources: Vec<String> = file.resources.iter().map(|resource| resource.name.clone()).collect();
        check.unique("subject", &subjects);
        check.unique("resource", &resources);
        for (number, test) in file.tests.iter().enumerate() {
            check.test(number, test, (&subjects, &resources));
        }
        let questions: usize = file.tests.iter().map(Test::size).sum();
        if questions > MAX_QUESTIONS {
            let what = format!("the tests ask {questions} questions");
            check.refuse("test", what, &format!("split the file: at most {MAX_QUESTIONS} each"));
        }
        check.found
    }

    fn names<'k, I: Iterator<Item = &'k String>>(&'k self, of: impl Fn(&'k Application) -> I) -> Vec<String> {
        let all = self.applications.iter();
        all.flat_map(|application| of(application).map(|key| format!("{}/{key}", application.key))).collect()
    }
}

struct Check<'a> {
    document: &'a Document<File>,
    found: Vec<Refusal>,
}

impl Check<'_> {
    fn refuse(&mut self, path: &str, what: impl Into<String>, remedy: &str) {
        self.found.push(self.document.refuse(path, what, remedy));
    }

    fn known(&mut self, path: &str, kind: &str, name: &str, all: &[String]) {
        if !all.iter().any(|known| known == name) {
            let remedy = did_you_mean(name, all.iter().map(String::as_str));
            self.refuse(path, format!("there is no {kind} \"{}\"", name.escape_debug()), &remedy);
        }
    }

    fn unique(&mut self, kind: &str, names: &[String]) {
        let mut seen = BTreeSet::new();
        for (number, name) in names.iter().enumerate().filter(|(_, name)| !seen.insert(*name)) {
            let what = format!("the {kind} \"{}\" is there twice", name.escape_debug());
            self.refuse(&format!("{kind}.{number}.name"), what, "give one of them another name");
        }
    }

    fn test(&mut self, number: usize, test: &Test, (subjects, resources): (&[String], &[String])) {
        let path = |list: &str| format!("test.{number}.{list}");
        let asked =
            [("subjects", &test.subjects), ("resources", &test.resources), ("actions", &test.actions)];
        for (list, _) in asked.iter().filter(|(_, names)| names.is_empty()) {
            self.refuse(&path(list), format!("the test asks about no {list}"), "name at least one");
        }
        for name in &test.subjects {
            self.known(&path("subjects"), "subject", name, subjects);
        }
        for name in &test.resources {
            self.known(&path("resources"), "resource", name, resources);
        }
        // An expectation about what is not asked would never be held against anything.
        let permits = test.permits.iter().map(|one| ("permit", &one.subjects, &one.resources, &one.actions));
        let denies = test.denies.iter().map(|one| ("deny", &one.subjects, &one.resources, &one.actions));
        for (list, of_subjects, of_resources, of_actions) in permits.chain(denies) {
            self.all_known(&path(list), "subject of the test", of_subjects, &test.subjects);
            self.all_known(&path(list), "resource of the test", of_resources, &test.resources);
            self.all_known(&path(list), "action of the test", of_actions, &test.actions);
        }
    }

    fn all_known(&mut self, path: &str, kind: &str, names: &[String], all: &[String]) {
        for name in names {
            self.known(path, kind, name, all);
        }
    }
}
