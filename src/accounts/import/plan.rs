//! What is to become of each row: compared with what is known, without writing anything.
//!
//! Rules: a person is known again by employee id; an account without one is taken over if it has the row's username,
//! or its address and its names. Two hundred rows are planned with a handful of questions to the database.

use std::collections::{HashMap, HashSet};

use chrono_tz::Tz;

use super::super::details::Details;
use super::super::joining::{base_of, check_dates, new_person};
use super::super::names::{self, Holders, NameKind, Space};
use super::super::state::{Kind, Standing, Status};
use super::super::{Account, Changes, Named, Source, find_many, named};
use super::claims;
use super::report::{Fate, RowReport};
use super::sheet::{Has, Row, Sheet};
use super::usernames::Made;
use crate::clock::Timestamp;
use crate::db::Reader;
use crate::error::Result;
use crate::ids::AccountId;
use crate::organisation::parse_zone;
use crate::sheet::shown;
use crate::vault::fold;

/// A whole import on its way.
pub(super) struct Import {
    pub(super) rows: Vec<Row>,
    pub(super) details: Vec<Details>,
    has: Has,
    zone: Tz,
    by_employee_id: HashMap<String, usize>,
    /// Names that a row claims: a username made by rule is none of them.
    pub(super) reserved: HashMap<String, usize>,
    /// The one row that gets each address.
    addresses: HashMap<String, usize>,
    /// Who is placed, by employee id.
    placed: HashMap<String, AccountId>,
    /// Accounts that a row took over.
    adopted: HashSet<AccountId>,
    pub(super) usernames: Made,
    pub(super) reports: Vec<RowReport>,
}

/// What is to become of a row.
pub(super) enum Plan {
    Add { account: Account, details: Details },
    Change { before: Named, changes: Box<Changes> },
    Keep,
}

/// What the database knows about a chunk's rows.
pub(super) struct Known {
    holders: Holders,
    accounts: HashMap<AccountId, Named>,
    managers: HashMap<AccountId, Account>,
}

impl Import {
    pub(super) fn of(sheet: Sheet, zone: Tz) -> Self {
        let Sheet { mut rows, has, .. } = sheet;
        let details = claims::details_of(&mut rows);
        let by_employee_id = claims::by_employee_id(&mut rows);
        let reserved = claims::subject_names(&mut rows, &details);
        Self {
            details,
            has,
            zone,
            by_employee_id,
            reserved,
            addresses: HashMap::new(),
            placed: HashMap::new(),
            adopted: HashSet::new(),
            usernames: Made::default(),
            reports: Vec::with_capacity(rows.len()),
            rows,
        }
    }

    pub(super) fn total(&self) -> usize {
        self.rows.len()
    }

    /// Decides who gets an address that several rows claim: who has it already, else the first.
    pub(super) fn settle_addresses(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        let claims = claims::addresses(&self.rows, &self.details);
        let contested: Vec<(&String, &Vec<usize>)> =
            claims.iter().filter(|(_, rows)| rows.len() > 1).collect();
        let asked = contested.iter().flat_map(|(email, rows)| {
            let people = rows.iter().map(|row| (Space::EmployeeId, self.rows[*row].employee_id.as_str()));
            [(Space::Email, email.as_str())].into_iter().chain(people)
        });
        let holders = names::holders(reader, asked)?;
        for (email, rows) in &claims {
            let held = holders.of(Space::Email, email).map(|holder| &holder.account);
            let holds = |row: &&usize| {
                let person = holders.of(Space::EmployeeId, &self.rows[**row].employee_id);
                held.is_some() && person.map(|person| &person.account) == held
            };
            if let Some(winner) = rows.iter().find(holds).or(rows.first()) {
                self.addresses.insert(email.clone(), *winner);
            }
        }
        Ok(())
    }

    /// The rows to work on in their order; reports all others as refused.
    pub(super) fn order(&mut self) -> Vec<usize> {
        let order = claims::managers_first(&mut self.rows, &self.by_employee_id);
        let report = |row: &Row| {
            let parts = [&row.person.given_name, &row.person.family_name];
            let name: Vec<&str> = parts.into_iter().filter_map(Option::as_deref).collect();
            RowReport {
                line: row.line,
                employee_id: shown(&row.employee_id),
                username: shown(row.person.username.as_deref().unwrap_or_default()),
                name: shown(&name.join(" ")),
                fate: Fate::Refused,
                account: None,
                reasons: row.reasons.clone(),
                warnings: Vec::new(),
            }
        };
        self.reports = self.rows.iter().map(report).collect();
        order
    }

    /// The fates of all rows, in the order of the file.
    pub(super) fn into_rows(self) -> Vec<RowReport> {
        let Self { mut reports, rows, .. } = self;
        for (report, row) in reports.iter_mut().zip(rows) {
            report.warnings = row.warnings;
        }
        reports
    }

    /// Plans a chunk of rows. A refused row has its reasons, and no plan.
    pub(super) fn plan(&mut self, reader: &mut Reader<'_>, chunk: &[usize]) -> Result<Vec<(usize, Plan)>> {
        let known = self.look_up(reader, chunk)?;
        self.prepare_usernames(reader, chunk)?;
        let mut plans = Vec::with_capacity(chunk.len());
        for index in chunk {
            match self.plan_row(reader, &known, *index) {
                Ok(plan) => plans.push((*index, plan)),
                Err(error) => self.refuse(*index, error)?,
            }
        }
        Ok(plans)
    }

    /// Refuses a row; a fault that is not the row's ends the import.
    pub(super) fn refuse(&mut self, index: usize, error: crate::error::Error) -> Result<()> {
        let reasons = claims::reasons(&error).ok_or(error)?;
        let report = &mut self.reports[index];
        (report.fate, report.account) = (Fate::Refused, None);
        report.reasons.extend(reasons);
        Ok(())
    }

    fn look_up(&self, reader: &mut Reader<'_>, chunk: &[usize]) -> Result<Known> {
        let mut asked: Vec<(Space, String)> = Vec::with_capacity(chunk.len() * 6);
        for index in chunk {
            let (row, details) = (&self.rows[*index], &self.details[*index]);
            asked.push((Space::EmployeeId, row.employee_id.clone()));
            asked.extend(row.manager.iter().map(|manager| (Space::EmployeeId, manager.clone())));
            asked.extend(details.email.iter().map(|email| (Space::Email, email.clone())));
            asked.extend(details.external_id.iter().map(|name| (Space::Subject, name.clone())));
            asked.push((Space::Subject, details.username.clone()));
        }
        asked.retain(|(_, name)| !name.is_empty());
        let holders = names::holders(reader, asked.iter().map(|(space, name)| (*space, name.as_str())))?;
        let (mut people, mut above) = (HashSet::new(), HashSet::new());
        for index in chunk {
            let (row, details) = (&self.rows[*index], &self.details[*index]);
            let own = [
                holders.of(Space::EmployeeId, &row.employee_id),
                holders.of(Space::Subject, &details.username),
                details.email.as_deref().and_then(|email| holders.of(Space::Email, email)),
            ];
            people.extend(own.into_iter().flatten().map(|holder| holder.account.clone()));
            let manager = row.manager.as_deref().and_then(|manager| holders.of(Space::EmployeeId, manager));
            above.extend(manager.map(|holder| holder.account.clone()));
        }
        let people: Vec<AccountId> = people.into_iter().collect();
        let above: Vec<AccountId> = above.into_iter().collect();
        let people = named(reader, &people)?.into_iter().map(|named| (named.account.id.clone(), named));
        let managers = find_many(reader, &above)?.into_iter().map(|account| (account.id.clone(), account));
        Ok(Known { holders, accounts: people.collect(), managers: managers.collect() })
    }

    fn plan_row(&mut self, reader: &mut Reader<'_>, known: &Known, index: usize) -> Result<Plan> {
        let before = self.known_again(known, index).cloned();
        let id = before.as_ref().map(|before| &before.account.id);
        self.check_names(known, index, id)?;
        let manager = self.manager(reader, known, index);
        let plan = match before {
            Some(before) if before.account.standing(reader.now) == Standing::Over => {
                self.warn_of_gone(index, &before, reader.now);
                self.placed.insert(fold(&self.rows[index].employee_id), before.account.id.clone());
                self.report(index, Fate::Unchanged, &before.account.id, before.details.username);
                return Ok(Plan::Keep);
            }
            Some(before) => self.plan_known(reader.now, index, before, manager)?,
            None => self.plan_new(reader, index, manager.flatten())?,
        };
        let (fate, id, username) = match &plan {
            Plan::Add { account, details } => (Fate::Added, &account.id, &details.username),
            Plan::Change { before, changes } => {
                let username = changes.username.as_ref().unwrap_or(&before.details.username);
                (Fate::Changed, &before.account.id, username)
            }
            Plan::Keep => return Ok(plan),
        };
        self.placed.insert(fold(&self.rows[index].employee_id), id.clone());
        self.report(index, fate, id, username.clone());
        Ok(plan)
    }

    pub(super) fn report(&mut self, index: usize, fate: Fate, account: &AccountId, username: String) {
        let report = &mut self.reports[index];
        (report.fate, report.account) = (fate, Some(account.clone()));
        report.username = shown(&username);
    }

    /// The account that this row means, if there is one.
    fn known_again<'k>(&mut self, known: &'k Known, index: usize) -> Option<&'k Named> {
        let (row, details) = (&self.rows[index], &self.details[index]);
        let holder = |space, name| known.holders.of(space, name).map(|holder| &holder.account);
        if let Some(id) = holder(Space::EmployeeId, &row.employee_id) {
            return known.accounts.get(id);
        }
        let free = |id: &&AccountId| {
            known.accounts.get(*id).is_some_and(|found| {
                found.account.kind == Kind::Person
                    && found.details.employee_id.is_none()
                    && !self.adopted.contains(*id)
            })
        };
        let in_use = |name| {
            let found = known.holders.of(Space::Subject, name)?;
            (found.kind == NameKind::Username && found.until.is_none()).then_some(&found.account)
        };
        let same_name = |id: &&AccountId| {
            known
                .accounts
                .get(*id)
                .is_some_and(|found| fold(&found.details.display_name()) == fold(&details.display_name()))
        };
        let by_username = in_use(&details.username).filter(free);
        let by_email = || holder(Space::Email, details.email.as_deref()?).filter(free).filter(same_name);
        let id = by_username.or_else(by_email)?.clone();
        self.rows[index]
            .warnings
            .push("an account without employee id is taken to be this person's".to_owned());
        self.adopted.insert(id.clone());
        known.accounts.get(&id)
    }

    /// Refuses names that mean somebody else; an address that does is left out with a warning.
    fn check_names(&mut self, known: &Known, index: usize, own: Option<&AccountId>) -> Result<()> {
        let details = &mut self.details[index];
        let foreign = |space, name: &str| {
            known.holders.of(space, name).is_some_and(|holder| Some(&holder.account) != own)
        };
        if foreign(Space::Subject, &details.username) {
            return Err(names::taken(NameKind::Username));
        }
        if details.external_id.as_deref().is_some_and(|name| foreign(Space::Subject, name)) {
            return Err(names::taken(NameKind::ExternalId));
        }
        let Some(email) = &details.email else { return Ok(()) };
        let lost = self.addresses.get(&fold(email)) != Some(&index);
        if lost || foreign(Space::Email, email) {
            details.email = None;
            let row = &mut self.rows[index];
            row.loses_email = true;
            row.warnings.push("the e-mail address is somebody else's; imported without it".to_owned());
        }
        Ok(())
    }

    /// Whom the row makes the manager: `None` leaves whoever is known, `Some(None)` nobody.
    fn manager(&mut self, reader: &Reader<'_>, known: &Known, index: usize) -> Option<Option<AccountId>> {
        let row = &mut self.rows[index];
        if row.keeps_manager {
            return None;
        }
        let Some(manager) = row.manager.as_deref() else { return Some(None) };
        let held = || known.holders.of(Space::EmployeeId, manager).map(|holder| holder.account.clone());
        let Some(id) = self.placed.get(&fold(manager)).cloned().or_else(held) else {
            row.warnings.push("manager is not known here".to_owned());
            return None;
        };
        let file_end = self.by_employee_id.get(&fold(manager)).and_then(|at| self.rows[*at].ended_at);
        let stored = known.managers.get(&id);
        let gone = stored.map_or(file_end.is_some_and(|end| end <= reader.now), |manager| {
            manager.standing(reader.now) == Standing::Over
        });
        if gone {
            self.rows[index].warnings.push("manager has left".to_owned());
        }
        Some(Some(id))
    }

    fn warn_of_gone(&mut self, index: usize, before: &Named, now: Timestamp) {
        let row = &mut self.rows[index];
        let zone = zone_of(row, Some(&before.account), self.has, self.zone);
        if row.ends.is_none_or(|end| end.ends(zone) > now) {
            let words = "has left; whether they come back is decided by hand";
            row.warnings.push(words.to_owned());
        }
    }

    fn plan_new(
        &mut self,
        reader: &mut Reader<'_>,
        index: usize,
        manager: Option<AccountId>,
    ) -> Result<Plan> {
        let mut account = new_person(reader, &self.rows[index].person, Source::File)?;
        let row = &mut self.rows[index];
        let zone = zone_of(row, None, self.has, self.zone);
        account.manager = manager;
        account.starts_at = row.starts.map(|day| day.begins(zone));
        account.ends_at = row.ends.map(|day| day.ends(zone));
        check_dates(account.starts_at, account.ends_at)?;
        if account.ends_at.is_some_and(|end| end <= reader.now) {
            account.status = Status::past();
        }
        row.ended_at = account.ends_at;
        let mut details = self.details[index].clone();
        details.end_of_file = account.ends_at;
        if details.username.is_empty() {
            details.username = self.free_username(reader, &base_of(&details))?;
        }
        Ok(Plan::Add { account, details })
    }

    fn plan_known(
        &mut self,
        now: Timestamp,
        index: usize,
        before: Named,
        manager: Option<Option<AccountId>>,
    ) -> Result<Plan> {
        let (row, wanted) = (&mut self.rows[index], &self.details[index]);
        let zone = zone_of(row, Some(&before.account), self.has, self.zone);
        let mut changes = super::apply::differences(row, wanted, self.has, &before)?;
        changes.manager = manager.filter(|manager| *manager != before.account.manager);
        let starts_at = row.starts.map(|day| day.begins(zone));
        changes.starts_at = Some(starts_at).filter(|at| at.is_some() && *at != before.account.starts_at);
        super::apply::end(row, row.ends.map(|day| day.ends(zone)), &before, now, &mut changes);
        if changes == Changes::default() {
            self.placed.insert(fold(&self.rows[index].employee_id), before.account.id.clone());
            self.report(index, Fate::Unchanged, &before.account.id, before.details.username);
            return Ok(Plan::Keep);
        }
        Ok(Plan::Change { before, changes: Box::new(changes) })
    }
}

/// The zone of a row's days: the row's own, else the account's if the file has no such column, else the
/// organisation's.
fn zone_of(row: &Row, account: Option<&Account>, has: Has, organisation: Tz) -> Tz {
    let own = row.person.time_zone.as_deref();
    let stored = account.filter(|_| !has.time_zone).and_then(|account| account.time_zone.as_deref());
    own.or(stored).and_then(|zone| parse_zone("time_zone", zone).ok()).unwrap_or(organisation)
}
