//! From the rows of the catalogue to the policy of the index.
//!
//! Rules: what cannot be compiled is refused with the application and rule named, all of it at once, and the policy
//! before it stays; nothing is ignored; roles inherit within their own application, along chains that casbin follows
//! dependably. Pure; calls `access::catalogue` for the words of a catalogue and `profile` for refusals.

mod conditions;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::quality::RandomState;

use super::model::{self, MODEL};
use super::numbers::RoleNumbers;
use super::policy::{Age, Birth, Draft, Offer, Policy, Row};
use super::rows::{PolicyRows, RoleRow};
use super::subject::is_name;
use crate::access::catalogue::{Application, Feature, Position, Role};
use crate::access::expression::Expression;
use crate::access::lint::{MAX_CHAIN, OWN_APPLICATION};
use crate::profile::Refusal;

/// The features of `bailiwick` that neither kill switches nor leases reach, so that nobody is ever locked out of the
/// means to put things right.
pub const FLOOR: [&str; 5] = ["sign-in", "kill-switches", "log", "health", "recovery"];

/// The longest chain from a subject to a role, in links: the grant is the first, each inheritance one more.
pub const MAX_LINKS: usize = MAX_CHAIN + 1;

const MICROS_OF_DAY: i64 = 86_400_000_000;

/// Why a catalogue could not be compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused(pub Vec<Refusal>);

impl fmt::Display for Refused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<String> = self.0.iter().map(Refusal::to_string).collect();
        out.write_str(&all.join("\n"))
    }
}

impl std::error::Error for Refused {}

/// The bits by which a permission is looked up.
pub(super) fn bits_of(hasher: &RandomState, application: &str, feature: &str, action: &str) -> u32 {
    // Only the low half: the table is far smaller than that.
    hasher.hash_one((application, feature, action)) as u32
}

/// Compiles the whole catalogue. Roles that are new get numbers, and conditions that are not need no reading.
pub(super) fn compile(
    rows: &PolicyRows,
    before: &Policy,
    numbers: &mut RoleNumbers,
    hasher: &RandomState,
) -> Result<Policy, Refused> {
    model::check(MODEL).map_err(|refusal| Refused(vec![refusal]))?;
    let mut compiler = Compiler {
        rows,
        refused: Vec::new(),
        drafts: Vec::new(),
        found: HashMap::new(),
        expressions: HashMap::new(),
        reads_people: false,
    };
    compiler.read_expressions(before);
    let offers = compiler.applications();
    let roles = compiler.roles();
    let mut parents = HashMap::new();
    for (application, roles) in &roles {
        compiler.rules(application, roles, numbers, &mut parents);
    }
    if !compiler.refused.is_empty() {
        return Err(Refused(compiler.refused));
    }
    let bits = |application: &str, feature: &str, action: &str| bits_of(hasher, application, feature, action);
    let mut policy = Policy::of(compiler.drafts, offers, parents, bits);
    policy.subject_types = conditions::subject_types(rows);
    policy.zone = rows.zone;
    policy.expressions = compiler.expressions;
    policy.reads_people = compiler.reads_people;
    Ok(policy)
}

type RolesByKey<'a> = BTreeMap<&'a str, &'a Role>;

struct Compiler<'a> {
    rows: &'a PolicyRows,
    refused: Vec<Refusal>,
    drafts: Vec<Draft<'a>>,
    /// Where in `drafts` an application's feature's action stands.
    found: HashMap<(&'a str, &'a str, &'a str), usize>,
    /// Conditions by their texts.
    expressions: HashMap<Box<str>, Arc<Expression>>,
    reads_people: bool,
}

impl<'a> Compiler<'a> {
    fn refuse(&mut self, application: &str, what: impl Into<String>, remedy: &str) {
        self.refused.push(Refusal::of(application, what, remedy));
    }

    fn name(&mut self, application: &str, what: &str, name: &str) {
        if !is_name(name) || name.contains(['/', ':']) {
            let what = format!("{what} cannot be called \"{name}\"");
            self.refuse(application, what, "choose a key of letters, digits, \"-\" and \"_\"");
        }
    }

    fn applications(&mut self) -> BTreeMap<Box<str>, BTreeMap<Box<str>, Offer>> {
        let mut offers: BTreeMap<Box<str>, BTreeMap<Box<str>, Offer>> = BTreeMap::new();
        for application in sorted(&self.rows.applications, |application| &application.key) {
            self.name(&application.key, "an application", &application.key);
            if offers.contains_key(application.key.as_str()) {
                self.refuse(&application.key, "the application is there twice", "keep one of the two");
            }
            let mut features = BTreeMap::new();
            for feature in sorted(&application.features, |feature| &feature.key) {
                let offer = self.feature(application, feature);
                if features.insert(feature.key.as_str().into(), offer).is_some() {
                    let what = format!("the feature \"{}\" is there twice", feature.key);
                    self.refuse(&application.key, what, "keep one of the two");
                }
            }
            offers.insert(application.key.as_str().into(), features);
        }
        offers
    }

    fn feature(&mut self, application: &'a Application, feature: &'a Feature) -> Offer {
        self.name(&application.key, "a feature", &feature.key);
        let asserts = self.asserts(application, feature);
        let known = conditions::known_of_records(application, feature);
        let canaries = canaries(application, feature);
        let first = self.drafts.len();
        for action in feature.actions.iter().collect::<BTreeSet<_>>() {
            self.name(&application.key, "an action", action);
            self.found.insert((&application.key, &feature.key, action), self.drafts.len());
            self.drafts.push(Draft {
                application: &application.key,
                feature: &feature.key,
                action,
                class: feature.class(),
                floor: application.key == OWN_APPLICATION && FLOOR.contains(&feature.key.as_str()),
                watched: !canaries.is_empty(),
                asserts: asserts.clone(),
                records: known.clone(),
                rows: Vec::new(),
                reach: Vec::new(),
                births: Vec::new(),
            });
        }
        let registered = application.records.iter();
        let records = registered.filter(|record| record.feature == feature.key && !record.canary);
        let records: BTreeSet<&str> = records.map(|record| record.id.as_str()).collect();
        let records = records.into_iter().map(Box::from).collect();
        Offer { first, count: self.drafts.len() - first, records, canaries }
    }

    fn roles(&mut self) -> BTreeMap<&'a str, RolesByKey<'a>> {
        let mut roles: BTreeMap<&'a str, RolesByKey<'a>> = BTreeMap::new();
        for RoleRow { application, role } in &self.rows.roles {
            self.name(application, "a role", &role.key);
            if !self.rows.applications.iter().any(|known| known.key == *application) {
                let what = format!("the role \"{}\" belongs to an application that is not there", role.key);
                self.refuse(application, what, "apply the application first");
            }
            if role.access_role && (role.birthright || role.position.is_some()) {
                let what = format!("the access role \"{}\" would come to people unasked", role.key);
                self.refuse(application, what, "leave out \"birthright\" and \"position\"");
            }
            if roles.entry(application).or_default().insert(&role.key, role).is_some() {
                let what = format!("the role \"{}\" is there twice", role.key);
                self.refuse(application, what, "keep one of the two");
            }
        }
        roles
    }

    /// The rows of all roles of one application, and which role reaches which.
    fn rules(
        &mut self,
        application: &'a str,
        roles: &RolesByKey<'a>,
        numbers: &mut RoleNumbers,
        parents: &mut HashMap<u32, Box<[u32]>>,
    ) {
        let mut number = |key: &str| numbers.number_of(&format!("{application}/{key}"));
        let mut own: BTreeMap<&str, Vec<(usize, u32)>> = BTreeMap::new();
        for (key, role) in roles {
            let this = number(key);
            parents.insert(this, role.inherits.iter().map(|parent| number(parent)).collect());
            own.insert(key, self.rows_of(application, role, this));
        }
        for (key, role) in roles {
            let this = number(key);
            for reached in self.closure(application, role, roles) {
                for (draft, row) in own.get(reached).into_iter().flatten() {
                    let Some(draft) = self.drafts.get_mut(*draft) else { continue };
                    draft.reach.push((this, *row));
                    let births = [
                        (role.birthright, Birth::Right),
                        (role.position == Some(Position::Manager), Birth::Manager),
                        (role.position == Some(Position::Owner), Birth::Owner),
                    ];
                    let births = births.into_iter().filter(|(given, _)| *given).map(|(_, birth)| birth);
                    #[cfg(test)]
                    let births = births.filter_map(super::fault::birth);
                    draft.births.extend(births.map(|birth| (birth, this, *row)));
                }
            }
        }
    }

    /// Adds what a role says itself to the drafts; tells where.
    fn rows_of(&mut self, application: &'a str, role: &'a Role, this: u32) -> Vec<(usize, u32)> {
        let mut places = Vec::new();
        for allow in &role.allows {
            let within = self.within(application, role, allow);
            let further = self.further(application, role, allow);
            for action in &allow.actions {
                let row = || Row {
                    role: this,
                    allows: true,
                    strong: role.access_role,
                    purposes: allow.purposes.iter().map(|purpose| purpose.as_str().into()).collect(),
                    within: within.as_ref().map(|(of, days)| Age {
                        of: of.as_str().into(),
                        days: *days,
                        micros: i64::from(*days) * MICROS_OF_DAY,
                    }),
                    further: further.clone(),
                };
                self.add(application, role, (&allow.feature, action), row, &mut places);
            }
        }
        for deny in &role.denies {
            for action in &deny.actions {
                let row = || Row {
                    role: this,
                    allows: false,
                    strong: false,
                    purposes: Box::default(),
                    within: None,
                    further: None,
                };
                self.add(application, role, (&deny.feature, action), row, &mut places);
            }
        }
        places
    }

    fn add(
        &mut self,
        application: &'a str,
        role: &Role,
        (feature, action): (&'a str, &'a str),
        row: impl Fn() -> Row,
        places: &mut Vec<(usize, u32)>,
    ) {
        let targets = self.targets(application, feature, action);
        if targets.is_empty() {
            let what = format!("the role \"{}\" names \"{feature}:{action}\", which is not there", role.key);
            self.refuse(application, what, "name a feature and an action of the application");
        }
        for target in targets {
            if let Some(draft) = self.drafts.get_mut(target) {
                places.push((target, u32::try_from(draft.rows.len()).unwrap_or(u32::MAX)));
                let row = row();
                #[cfg(test)]
                let row = super::fault::effect(row);
                draft.rows.push(row);
            }
        }
    }

    /// Where in the drafts a row belongs.
    fn targets(&self, application: &'a str, feature: &'a str, action: &'a str) -> Vec<usize> {
        #[cfg(test)]
        if let Some(wrong) = super::fault::targets(&self.found, (application, feature, action)) {
            return wrong;
        }
        self.found.get(&(application, feature, action)).copied().into_iter().collect()
    }

    /// The role and all it inherits from, each once.
    fn closure(&mut self, application: &str, role: &'a Role, roles: &RolesByKey<'a>) -> BTreeSet<&'a str> {
        let mut level = vec![role.key.as_str()];
        let mut closure = BTreeSet::from([role.key.as_str()]);
        let mut links = 1;
        while !level.is_empty() {
            let deeper: BTreeSet<&str> = level
                .iter()
                .filter_map(|key| roles.get(key))
                .flat_map(|role| role.inherits.iter().map(String::as_str))
                .collect();
            // Only the role's own: what is wrong further down is said of the role it stands in.
            for unknown in deeper.iter().filter(|key| links == 1 && !roles.contains_key(*key)) {
                let what =
                    format!("the role \"{}\" inherits from \"{unknown}\", which is not there", role.key);
                self.refuse(application, what, "name a role of the application");
            }
            if deeper.contains(role.key.as_str()) {
                let what = format!("the role \"{}\" inherits from itself", role.key);
                self.refuse(application, what, "break the circle");
                break;
            }
            links += 1;
            if !deeper.is_empty() && links > max_links() {
                let what =
                    format!("the chain below the role \"{}\" has more than {MAX_LINKS} links", role.key);
                self.refuse(application, what, "inherit from the deeper roles directly");
                break;
            }
            #[cfg(test)]
            if super::fault::cuts(links) {
                break;
            }
            closure.extend(&deeper);
            level = deeper.into_iter().collect();
        }
        closure
    }
}

/// The records of a feature that nobody has a reason to ask about.
fn canaries(application: &Application, feature: &Feature) -> Box<[Box<str>]> {
    let own = application.records.iter().filter(|record| record.feature == feature.key && record.canary);
    let ids: BTreeSet<&str> = own.map(|record| record.id.as_str()).collect();
    ids.into_iter().map(Box::from).collect()
}

/// In the order of their keys, so that whoever goes through permissions page by page can say where to go on.
fn sorted<T>(all: &[T], key: fn(&T) -> &String) -> Vec<&T> {
    let mut sorted: Vec<&T> = all.iter().collect();
    sorted.sort_by_key(|one| key(one));
    sorted
}

fn max_links() -> usize {
    #[cfg(test)]
    if super::fault::is(super::fault::Fault::OneLinkTooMany) {
        return MAX_LINKS + 1;
    }
    MAX_LINKS
}
