//! What is to become of each row: compared with what is known, without writing anything.
//!
//! Rules: a person is known by employee id, then by e-mail address, and where the two mean two people nobody is; a
//! login that somebody claimed stays theirs. A hundred rows are planned with a handful of questions to the database.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::report::{Fate, Missing, Report, RowReport, SystemReport};
use super::rows::Row;
use crate::access::importing;
use crate::access::roles::{self, RoleRecord};
use crate::accounts::names::{self, Holders, Space};
use crate::accounts::{self, Standing};
use crate::db::Reader;
use crate::error::Result;
use crate::ids::{AccountId, GrantId};
use crate::provisioning::store::{holdings as store, tasks};
use crate::provisioning::{Doubt, Holding, HoldingState, space};
use crate::sheet::shown;

/// A whole import on its way.
pub(super) struct Import {
    pub(super) rows: Vec<Row>,
    list: String,
    roles: HashMap<String, RoleRecord>,
    /// The systems of which a list was read before: what is new in them is drift.
    listed: HashSet<String>,
    pub(super) reports: BTreeMap<usize, RowReport>,
    /// What each of the file's systems adds up to, but for its rows.
    pub(super) systems: BTreeMap<String, SystemReport>,
    /// Grants that this run would give, for a run that writes none.
    pub(super) given: HashSet<(AccountId, String)>,
}

/// What is to become of a row.
pub(super) enum Plan {
    /// It belongs to somebody: a new holding, or one that was an orphan or gone.
    Match { account: AccountId, known: Option<Box<Holding>> },
    /// It belongs to nobody: a new orphan, or one that had been gone.
    Orphan { doubt: Doubt, account: Option<AccountId>, known: Option<Box<Holding>> },
    /// It is here already. `still` says that a task had taken it away.
    Keep { known: Box<Holding>, still: bool },
}

/// Whom a row means.
enum Person {
    Somebody(AccountId),
    Nobody(Doubt, Option<AccountId>),
}

/// What the database knows about a chunk's rows.
struct Known {
    holders: Holders,
    holdings: HashMap<(String, String), Holding>,
    left: HashSet<AccountId>,
    /// Holdings whose task somebody said to be done.
    done: HashSet<crate::ids::HoldingId>,
    open_grants: HashSet<GrantId>,
}

impl Import {
    /// Looks up systems and roles; rows that name none of them are refused.
    pub(super) fn of(reader: &mut Reader<'_>, mut rows: Vec<Row>, list: String) -> Result<Self> {
        let (mut found, mut listed, mut systems) = (HashMap::new(), HashSet::new(), BTreeMap::new());
        let mut in_force: HashMap<String, bool> = HashMap::new();
        for row in rows.iter_mut().filter(|row| !row.system.is_empty()) {
            let known = match in_force.get(&row.system) {
                Some(known) => *known,
                None => {
                    let known = roles::application(reader, &row.system).is_ok();
                    in_force.insert(row.system.clone(), known);
                    if known && store::has_list(reader, &row.system)? {
                        listed.insert(row.system.clone());
                    }
                    known
                }
            };
            if !known {
                row.reasons.push("this system is in no catalogue; apply one that names it".to_owned());
                continue;
            }
            systems
                .entry(row.system.clone())
                .or_insert_with(|| SystemReport { system: row.system.clone(), ..SystemReport::default() });
            row.reasons.extend(role_fault(reader, row, &mut found)?);
        }
        let reports = BTreeMap::new();
        let given = HashSet::new();
        Ok(Self { rows, list, roles: found, listed, reports, systems, given })
    }

    pub(super) fn total(&self) -> usize {
        self.rows.len()
    }

    /// The id of this reading.
    pub(super) fn list(&self) -> &str {
        &self.list
    }

    pub(super) fn role(&self, id: &str) -> Option<&RoleRecord> {
        self.roles.get(id)
    }

    pub(super) fn is_listed(&self, system: &str) -> bool {
        self.listed.contains(system)
    }

    /// The rows to work on in their order; reports all others as refused.
    pub(super) fn order(&mut self) -> Vec<usize> {
        let mut order = Vec::with_capacity(self.rows.len());
        for index in 0..self.rows.len() {
            if self.rows[index].reasons.is_empty() {
                order.push(index);
            } else {
                self.say(index, Fate::Refused, None, false);
            }
        }
        order
    }

    /// Notes a row's fate.
    pub(super) fn say(&mut self, index: usize, fate: Fate, account: Option<AccountId>, drift: bool) {
        let row = &self.rows[index];
        let report = RowReport {
            line: row.line,
            system: shown(&row.system),
            external_login: shown(&row.named.login),
            role: shown(&row.role),
            fate,
            drift,
            account,
            reasons: row.reasons.clone(),
            warnings: row.warnings.clone(),
        };
        self.reports.insert(index, report);
    }

    /// Plans a chunk.
    pub(super) fn plan(&mut self, reader: &mut Reader<'_>, chunk: &[usize]) -> Result<Vec<(usize, Plan)>> {
        let known = self.look_up(reader, chunk)?;
        chunk.iter().map(|index| Ok((*index, self.plan_row(reader, *index, &known)?))).collect()
    }

    fn look_up(&self, reader: &mut Reader<'_>, chunk: &[usize]) -> Result<Known> {
        let of_chunk = || chunk.iter().map(|index| &self.rows[*index]);
        let asked = of_chunk().flat_map(|row| {
            let id = row.named.employee_id.as_deref().map(|id| (Space::EmployeeId, id));
            let email = row.named.email.as_deref().map(|email| (Space::Email, email));
            id.into_iter().chain(email)
        });
        let holders = names::holders(reader, asked)?;
        let digests: Vec<String> = of_chunk()
            .flat_map(|row| reader.vault().blind_indexes(&space(&row.system), &row.named.login))
            .collect();
        let found = store::by_digests(reader, &digests)?;
        let mut people: Vec<AccountId> = found.iter().filter_map(|holding| holding.account.clone()).collect();
        for row in of_chunk() {
            let by = |space, text: Option<&str>| text.and_then(|text| holders.of(space, text));
            let id = by(Space::EmployeeId, row.named.employee_id.as_deref());
            let email = by(Space::Email, row.named.email.as_deref());
            people.extend(id.into_iter().chain(email).map(|holder| holder.account.clone()));
        }
        people.sort_unstable();
        people.dedup();
        let now = reader.now;
        let left = accounts::find_many(reader, &people)?
            .into_iter()
            .filter(|account| account.standing(now) == Standing::Over)
            .map(|account| account.id)
            .collect();
        let ids: Vec<_> = found.iter().map(|holding| holding.id.clone()).collect();
        let open = importing::open_among(reader, &people)?.into_iter().filter(|grant| grant.lives(now));
        let open_grants = open.map(|grant| grant.id).collect();
        let done = tasks::said_to_be_done(reader, &ids)?;
        let holdings = found.into_iter().map(|one| ((one.role.clone(), one.digest.clone()), one)).collect();
        Ok(Known { holders, holdings, left, done, open_grants })
    }

    fn plan_row(&mut self, reader: &Reader<'_>, index: usize, known: &Known) -> Result<Plan> {
        let row = &self.rows[index];
        let digests = reader.vault().blind_indexes(&space(&row.system), &row.named.login);
        let key = |digest: String| (row.role.clone(), digest);
        let here = digests.into_iter().find_map(|digest| known.holdings.get(&key(digest)).cloned());
        let person = self.person(index, here.as_ref(), known);
        let Some(here) = here else {
            return Ok(match person {
                Person::Somebody(account) => Plan::Match { account, known: None },
                Person::Nobody(doubt, account) => Plan::Orphan { doubt, account, known: None },
            });
        };
        let here = Box::new(here);
        Ok(match (here.state, person) {
            (HoldingState::Held | HoldingState::Removing, _) => {
                let still = known.done.contains(&here.id);
                self.warn_about(index, &here, still, known);
                Plan::Keep { known: here, still }
            }
            (HoldingState::Orphan | HoldingState::Gone, Person::Somebody(account)) => {
                Plan::Match { account, known: Some(here) }
            }
            (HoldingState::Orphan, Person::Nobody(..)) => Plan::Keep { known: here, still: false },
            (HoldingState::Gone, Person::Nobody(doubt, account)) => {
                Plan::Orphan { doubt, account, known: Some(here) }
            }
        })
    }

    fn warn_about(&mut self, index: usize, here: &Holding, still: bool, known: &Known) {
        let ended = here.grant.as_ref().is_some_and(|grant| !known.open_grants.contains(grant));
        let words = match () {
            () if still => "still there, though somebody said that it was taken away; the task is open again",
            () if here.state == HoldingState::Removing || ended => "still there; its removal is waited for",
            () => return,
        };
        self.rows[index].warnings.push(words.to_owned());
    }

    /// Whom a row means; never a guess.
    fn person(&mut self, index: usize, here: Option<&Holding>, known: &Known) -> Person {
        let row = &mut self.rows[index];
        let by = |space, text: Option<&str>| {
            let holder = text.and_then(|text| known.holders.of(space, text));
            holder.filter(|holder| holder.until.is_none()).map(|holder| holder.account.clone())
        };
        let by_id = by(Space::EmployeeId, row.named.employee_id.as_deref());
        let by_email = by(Space::Email, row.named.email.as_deref());
        let claimed = here.filter(|here| here.doubt.is_none()).and_then(|here| here.account.clone());
        let found = match (claimed, by_id, by_email) {
            (Some(claimed), by_id, _) => {
                if by_id.is_some_and(|other| other != claimed) {
                    row.warnings.push("this login belongs to somebody else here; it stays theirs".to_owned());
                }
                claimed
            }
            (None, Some(by_id), Some(by_email)) if by_id != by_email => {
                row.warnings
                    .push("employee_id and email belong to two people; nobody was guessed".to_owned());
                return Person::Nobody(Doubt::TwoPeople, None);
            }
            (None, Some(found), _) | (None, None, Some(found)) => found,
            (None, None, None) => return Person::Nobody(Doubt::Nobody, None),
        };
        if known.left.contains(&found) {
            row.warnings.push("whoever this belongs to has left; it should go".to_owned());
            return Person::Nobody(Doubt::Left, Some(found));
        }
        Person::Somebody(found)
    }

    /// The whole report.
    pub(super) fn report(&mut self, missing: Vec<Missing>) -> Report {
        let rows: Vec<RowReport> = std::mem::take(&mut self.reports).into_values().collect();
        let mut systems = std::mem::take(&mut self.systems);
        for row in &rows {
            if let Some(system) = systems.get_mut(&row.system) {
                system.count(row);
            }
        }
        let systems = systems.into_values().collect();
        let mut report = Report { rows, systems, missing, ..Report::default() };
        report.sum();
        report
    }
}

/// Why a row's role cannot be taken over; each role is looked up once.
fn role_fault(
    reader: &mut Reader<'_>,
    row: &Row,
    found: &mut HashMap<String, RoleRecord>,
) -> Result<Option<String>> {
    if !row.reasons.is_empty() {
        return Ok(None);
    }
    if row.role.split_once('/').map(|(system, _)| system) != Some(row.system.as_str()) {
        return Ok(Some("role belongs to another system".to_owned()));
    }
    if !found.contains_key(&row.role) {
        match roles::role(reader, &row.role) {
            Ok(role) => {
                found.insert(row.role.clone(), role);
            }
            Err(crate::error::Error::NotFound(_)) => {
                return Ok(Some("the catalogue of this system has no such role".to_owned()));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(found.get(&row.role).and_then(importing::refusal).map(str::to_owned))
}
