//! The catalogue as the index keeps it: for each permission, which role reaches it and under which conditions.
//!
//! Rules: a role is a number that never changes while the process lives; a permission knows every role from which a
//! grant reaches it, so that a subject's grants need no walk along inheritance; what every question reads stands
//! together, apart from what few do. Pure; made by `compile`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono_tz::Tz;
use serde_json::{Map, Value};

use super::further::Further;
use super::rows::SubjectKind;
use super::slots::Slots;
use crate::access::catalogue::Class;
use crate::access::expression::{Expression, May};

/// The age that a date of the record may have.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Age {
    /// The property of the resource that holds the date.
    pub(super) of: Box<str>,
    /// How old it may be, in days and in microseconds.
    pub(super) days: u32,
    pub(super) micros: i64,
}

/// One row of the policy: a role allows or denies a permission.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// The role that says so itself.
    pub(super) role: u32,
    pub(super) allows: bool,
    /// Whether that role is an access role, so that the subject needs a strong factor.
    pub(super) strong: bool,
    /// `context.purpose` must be one of these; empty means any or none.
    pub(super) purposes: Box<[Box<str>]>,
    pub(super) within: Option<Age>,
    /// What few rows ask for besides.
    pub(super) further: Option<Arc<Further>>,
}

/// Where in a question something is asserted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Subject,
    Action,
    Resource,
    Context,
}

/// What callers may assert about a feature.
#[derive(Debug, Clone)]
pub(super) struct Asserts {
    pub(super) names: Arc<[Box<str>]>,
    /// Whether the application lists them itself: then they are good wherever they stand, and else only as properties
    /// of the resource, beside the purpose.
    pub(super) listed: bool,
}

/// What is known of registered records.
pub(super) type Records = HashMap<Box<str>, Map<String, Value>>;

/// What gives a role without a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Birth {
    /// Being a person who may act.
    Right,
    /// Being somebody's manager.
    Manager,
    /// Being an application's owner.
    Owner,
}

/// The rows that a role reaches, its own and inherited ones.
#[derive(Debug)]
pub(super) struct Reach {
    pub(super) role: u32,
    first: u32,
    count: u32,
    /// Whether one of the rows denies.
    pub(super) denies: bool,
    /// Whether one of the rows allows and asks for nothing: no strong factor, purpose, age or anything further.
    pub(super) plain: bool,
}

/// What every question about a permission asks for. Small, so that many of them stay near the processor; everything
/// else about it stands in the lists of [`Policy`].
#[derive(Debug)]
struct Entry {
    /// One bit for each role that reaches it, by the low six bits of the role's number.
    mask: u64,
    /// Where in [`Policy::names`] its name, feature and action begin, and where it ends.
    name: u32,
    feature: u32,
    action: u32,
    end: u32,
    /// Its part of [`Policy::reaches`], in the order of the roles' numbers.
    first: u32,
    count: u32,
    class: Class,
    floor: bool,
    /// Whether birth or position may give it.
    born: bool,
    /// Whether its feature has canaries.
    watched: bool,
}

/// What is asked for less often.
#[derive(Debug)]
struct Rest {
    asserts: Option<Asserts>,
    records: Option<Arc<Records>>,
    births: Box<[(Birth, Reach)]>,
    /// Its part of [`Policy::rows`].
    first: usize,
    count: usize,
}

/// What `compile` gathers for a permission.
pub(super) struct Draft<'a> {
    pub(super) application: &'a str,
    pub(super) feature: &'a str,
    pub(super) action: &'a str,
    pub(super) class: Class,
    pub(super) floor: bool,
    pub(super) watched: bool,
    pub(super) asserts: Option<Asserts>,
    pub(super) records: Option<Arc<Records>>,
    pub(super) rows: Vec<Row>,
    /// Role and row, for each row that a grant of the role reaches.
    pub(super) reach: Vec<(u32, u32)>,
    pub(super) births: Vec<(Birth, u32, u32)>,
}

/// A feature with its permissions, one behind the other, and in their order its registered records, but no canaries:
/// a list that named them would lead people there.
#[derive(Debug)]
pub(super) struct Offer {
    pub(super) first: usize,
    pub(super) count: usize,
    pub(super) records: Box<[Box<str>]>,
    /// Its canaries, in their order.
    pub(super) canaries: Box<[Box<str>]>,
}

/// The whole catalogue.
#[derive(Default)]
pub(super) struct Policy {
    /// In the order of application, feature and action.
    entries: Box<[Entry]>,
    rest: Box<[Rest]>,
    /// `app/feature:action` of every permission, one behind the other.
    names: Box<str>,
    reaches: Box<[Reach]>,
    /// For each reach the places of its rows.
    reached: Box<[u32]>,
    rows: Box<[Row]>,
    index: Slots,
    /// Application, then feature.
    pub(super) offers: BTreeMap<Box<str>, BTreeMap<Box<str>, Offer>>,
    /// The roles from which a role inherits directly.
    pub(super) parents: HashMap<u32, Box<[u32]>>,
    /// What applications call their subjects: application, word, and what it stands for.
    pub(super) subject_types: BTreeMap<Box<str>, BTreeMap<Box<str>, SubjectKind>>,
    /// The organisation's zone.
    pub(super) zone: Option<Tz>,
    /// Conditions by their texts, so that the next policy need not read them again.
    pub(super) expressions: HashMap<Box<str>, Arc<Expression>>,
    /// Whether some condition asks for what is known of accounts.
    pub(super) reads_people: bool,
}

/// Numbers of 32 bits are enough for all that fits into memory; what lay beyond would be found empty.
fn short(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The lists of a policy, as they grow.
#[derive(Default)]
struct Lists {
    names: String,
    reaches: Vec<Reach>,
    reached: Vec<u32>,
    rows: Vec<Row>,
}

impl Lists {
    fn add(&mut self, draft: Draft<'_>) -> (Entry, Rest) {
        let first_row = self.rows.len();
        let reach = self.group(draft.reach, &draft.rows);
        let births = [Birth::Right, Birth::Manager, Birth::Owner].into_iter().flat_map(|birth| {
            let own = draft.births.iter().filter(|(how, _, _)| *how == birth);
            let reached = self.group(own.map(|(_, role, row)| (*role, *row)).collect(), &draft.rows);
            reached.into_iter().map(move |reach| (birth, reach))
        });
        let births: Box<[(Birth, Reach)]> = births.collect();
        let name = self.names.len();
        let feature = name + draft.application.len() + 1;
        let action = feature + draft.feature.len() + 1;
        self.names.extend([draft.application, "/", draft.feature, ":", draft.action]);
        let entry = Entry {
            mask: reach.iter().fold(0, |mask, reach| mask | 1 << (reach.role & 63)),
            name: short(name),
            feature: short(feature),
            action: short(action),
            end: short(self.names.len()),
            first: short(self.reaches.len()),
            count: short(reach.len()),
            class: draft.class,
            floor: draft.floor,
            born: !births.is_empty(),
            watched: draft.watched,
        };
        let rest = Rest {
            asserts: draft.asserts,
            records: draft.records,
            births,
            first: first_row,
            count: draft.rows.len(),
        };
        self.reaches.extend(reach);
        self.rows.extend(draft.rows);
        (entry, rest)
    }

    /// Role and row, gathered by role. The rows will stand behind those that are there.
    fn group(&mut self, mut pairs: Vec<(u32, u32)>, rows: &[Row]) -> Vec<Reach> {
        pairs.sort_unstable();
        pairs.dedup();
        let behind = self.rows.len();
        let one = |pairs: &[(u32, u32)]| {
            let first = self.reached.len();
            let own = || pairs.iter().filter_map(|(_, row)| rows.get(*row as usize));
            self.reached.extend(pairs.iter().map(|(_, row)| short(behind + *row as usize)));
            Reach {
                role: pairs[0].0,
                first: short(first),
                count: short(pairs.len()),
                denies: own().any(|row| !row.allows),
                plain: own().any(Row::is_plain),
            }
        };
        pairs.chunk_by(|left, right| left.0 == right.0).map(one).collect()
    }
}

impl Row {
    fn is_plain(&self) -> bool {
        self.allows
            && !self.strong
            && self.purposes.is_empty()
            && self.within.is_none()
            && self.further.is_none()
    }
}

impl Policy {
    /// The policy of these permissions, which come in the order of application, feature and action.
    pub(super) fn of(
        drafts: Vec<Draft<'_>>,
        offers: BTreeMap<Box<str>, BTreeMap<Box<str>, Offer>>,
        parents: HashMap<u32, Box<[u32]>>,
        bits: impl Fn(&str, &str, &str) -> u32,
    ) -> Self {
        let own = |draft: &Draft<'_>| bits(draft.application, draft.feature, draft.action);
        let index = Slots::numbering(drafts.iter().map(own));
        let mut lists = Lists::default();
        let (entries, rest): (Vec<_>, Vec<_>) = drafts.into_iter().map(|draft| lists.add(draft)).unzip();
        Self {
            entries: entries.into(),
            rest: rest.into(),
            names: lists.names.into(),
            reaches: lists.reaches.into(),
            reached: lists.reached.into(),
            rows: lists.rows.into(),
            index,
            offers,
            parents,
            ..Self::default()
        }
    }

    /// What a word of `subject.type` stands for in an application, if it is one of its own.
    pub(super) fn subject_type(&self, application: &str, word: &str) -> Option<SubjectKind> {
        self.subject_types.get(application)?.get(word).copied()
    }

    /// How many rows were compiled, each action of each allow and deny of each role counted once.
    pub(super) fn row_count(&self) -> usize {
        self.rows.len()
    }

    /// The permission of these names, if the catalogue has it.
    pub(super) fn permission(&self, bits: u32, names: (&str, &str, &str)) -> Option<Permission<'_>> {
        let candidates = self.index.candidates(bits).filter_map(|number| self.at(number as usize));
        candidates.into_iter().find(|found| found.names() == names)
    }

    /// The permission of that number.
    pub(super) fn at(&self, number: usize) -> Option<Permission<'_>> {
        Some(Permission { policy: self, number, entry: self.entries.get(number)? })
    }

    /// The feature of these names, if the catalogue has it.
    pub(super) fn offer(&self, application: &str, feature: &str) -> Option<&Offer> {
        self.offers.get(application)?.get(feature)
    }

    /// The permissions of a feature, in the order of their actions.
    pub(super) fn permissions_of(&self, offer: &Offer) -> impl Iterator<Item = Permission<'_>> {
        (offer.first..offer.first + offer.count).filter_map(|number| self.at(number))
    }

    /// Every permission behind these names, in the order of application, feature and action.
    pub(super) fn permissions_behind<'a>(
        &'a self,
        after: Option<(&str, &str, &str)>,
    ) -> impl Iterator<Item = Permission<'a>> {
        let is_before = |entry: &Entry| after.is_some_and(|after| self.names_of(entry) <= after);
        let first = self.entries.partition_point(is_before);
        (first..self.entries.len()).filter_map(|number| self.at(number))
    }

    fn names_of(&self, entry: &Entry) -> (&str, &str, &str) {
        let part = |from: u32, until: u32| self.names.get(from as usize..until as usize).unwrap_or("");
        (
            part(entry.name, entry.feature.saturating_sub(1)),
            part(entry.feature, entry.action.saturating_sub(1)),
            part(entry.action, entry.end),
        )
    }
}

/// `app/feature:action` with everything that bears on it.
#[derive(Clone, Copy)]
pub(super) struct Permission<'a> {
    policy: &'a Policy,
    number: usize,
    entry: &'a Entry,
}

impl<'a> Permission<'a> {
    /// Application, feature and action.
    pub(super) fn names(self) -> (&'a str, &'a str, &'a str) {
        self.policy.names_of(self.entry)
    }

    /// `app/feature:action`.
    pub(super) fn name(self) -> &'a str {
        self.policy.names.get(self.entry.name as usize..self.entry.end as usize).unwrap_or("")
    }

    /// Its number within this policy.
    pub(super) fn number(self) -> u32 {
        short(self.number)
    }

    /// Whether its feature has canaries.
    pub(super) fn watched(self) -> bool {
        self.entry.watched
    }

    /// The action.
    pub(super) fn action(self) -> &'a str {
        self.names().2
    }

    /// The feature's class.
    pub(super) fn class(self) -> Class {
        self.entry.class
    }

    /// Whether kill switches and leases do not reach it.
    pub(super) fn floor(self) -> bool {
        self.entry.floor
    }

    fn rest(self) -> Option<&'a Rest> {
        self.policy.rest.get(self.number)
    }

    /// What a caller whose key lists nothing may assert there.
    pub(super) fn may(self, place: Place) -> May<'a> {
        let Some(rest) = self.rest() else { return May::Nothing };
        match (&rest.asserts, place) {
            (None, _) => May::Everything,
            (Some(asserts), Place::Resource) => May::Usual(&asserts.names),
            (Some(asserts), _) if asserts.listed => May::Usual(&asserts.names),
            (Some(_), Place::Context) => May::Only("purpose"),
            (Some(_), _) => May::Nothing,
        }
    }

    /// What is known of a record of the feature, whatever a caller says.
    pub(super) fn record(self, id: &str) -> Option<&'a Map<String, Value>> {
        self.rest()?.records.as_ref()?.get(id)
    }

    /// What gives it without a grant.
    pub(super) fn births(self) -> &'a [(Birth, Reach)] {
        if !self.entry.born {
            return &[];
        }
        self.rest().map_or(&[], |rest| &rest.births)
    }

    /// What each role reaches here, in the order of the roles' numbers.
    pub(super) fn reaches(self) -> &'a [Reach] {
        let (first, count) = (self.entry.first as usize, self.entry.count as usize);
        self.policy.reaches.get(first..first + count).unwrap_or_default()
    }

    /// What a grant of this role reaches here, if anything.
    pub(super) fn reach_of(self, role: u32) -> Option<&'a Reach> {
        if self.entry.mask >> (role & 63) & 1 == 0 {
            return None;
        }
        let own = self.reaches();
        let found = own.binary_search_by_key(&role, |reach| reach.role).ok()?;
        own.get(found)
    }

    /// The rows behind a reach of this permission.
    pub(super) fn rows_of(self, reach: &Reach) -> impl Iterator<Item = &'a Row> {
        let (first, count) = (reach.first as usize, reach.count as usize);
        let numbers = self.policy.reached.get(first..first + count).unwrap_or_default();
        numbers.iter().filter_map(move |number| self.policy.rows.get(*number as usize))
    }

    /// Every row about it.
    pub(super) fn rows(self) -> &'a [Row] {
        let rows = |rest: &Rest| self.policy.rows.get(rest.first..rest.first + rest.count);
        self.rest().and_then(rows).unwrap_or_default()
    }
}
