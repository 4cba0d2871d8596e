//! What was decided in the past: the index as it stood at an instant, made from the histories of its rows.
//!
//! Rules: the rows are those that the log's events had left by then, so that the answer is the one that was given;
//! names are not kept, so that people are asked about by their ids; kill switches and pins are passed over, for the
//! question is who held what. Made a page of accounts at a time; nothing is cached. Calls `access`, `accounts`.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::held::HeldPage;
use super::rows::{GrantRow, GrantState, PolicyRows, RoleRow, SubjectKind, SubjectRow, SubjectState};
use super::snapshot::Snapshot;
use crate::access::past::{self, PastGrant};
use crate::access::{grants, limits, named_networks};
use crate::accounts::past::Past;
use crate::accounts::{Kind, State};
use crate::clock::Timestamp;
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::ids::AccountId;
use crate::log::history;

/// How many accounts are read at a time.
const PAGE: i64 = 1_000;
/// The most accounts that are read for one answer.
const MAX_ACCOUNTS: usize = 20_000;

/// The past at one instant.
pub struct AsOf {
    at: Timestamp,
    number: u64,
    policy: Snapshot,
    managers: HashSet<AccountId>,
    owners: HashSet<AccountId>,
}

impl AsOf {
    /// Reads catalogue and positions as they were at `at`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if histories do not reach back so far, or the catalogue of then cannot be compiled any more.
    pub fn load(reader: &mut Reader<'_>, at: Timestamp) -> Result<Self> {
        if at > reader.now {
            return Err(Error::field("at", "must not lie ahead"));
        }
        if let Some(first) = history::begins(reader)?.filter(|first| at < *first) {
            return Err(Error::field("at", format!("must not be before {first}, when histories begin")));
        }
        let number = history::number_at(reader, at)?;
        let (applications, roles) = past::catalogue(reader, number)?;
        let owners = applications.iter().filter_map(|(_, owner)| owner.clone()).collect();
        let rows = PolicyRows {
            applications: applications.into_iter().map(|(application, _)| application).collect(),
            roles: roles.into_iter().map(|(application, role)| RoleRow { application, role }).collect(),
            // Parameters, networks and zone are those of today: what they were is not kept by row.
            day_parameters: limits::day_parameters(reader),
            networks: named_networks::in_force(reader)?.by_name(),
            zone: None,
        };
        let policy = Snapshot::default()
            .with_policy(&rows)
            .map_err(|refused| Error::field("at", refused.to_string()))?;
        let mut past = Self { at, number, policy, managers: HashSet::new(), owners };
        past.managers = past.managers_then(reader)?;
        Ok(past)
    }

    /// The number of the last event before or at that instant.
    pub fn revision(&self) -> u64 {
        self.number
    }

    /// Whether the catalogue of then had this permission.
    pub fn has_permission(&self, permission: &str) -> bool {
        self.policy.has_permission(permission)
    }

    /// Who held a permission, in the order of their ids, from behind `after`.
    ///
    /// # Errors
    /// [`Error::Internal`] for a fault of the database.
    pub fn holders(
        &self,
        reader: &mut Reader<'_>,
        permission: &str,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Result<HeldPage<AccountId>> {
        let mut found = HeldPage { items: Vec::new(), next: None };
        let mut behind = after.map(ToString::to_string).unwrap_or_default();
        let mut read = 0;
        loop {
            let accounts = self.accounts(reader, &behind)?;
            let Some((last, _)) = accounts.last() else {
                found.next = None;
                return Ok(found);
            };
            behind = last.to_string();
            read += accounts.len();
            let state = self.with(reader, accounts)?;
            let room = limit - found.items.len();
            let HeldPage { items, next } = state.holders(self.at, permission, None, room);
            found.items.extend(items);
            if next.is_some() {
                found.next = next;
                return Ok(found);
            }
            found.next = AccountId::parse(&behind);
            if found.items.len() >= limit || read >= MAX_ACCOUNTS {
                return Ok(found);
            }
        }
    }

    /// What an account held, in the order of application, feature and action, from behind `after`.
    ///
    /// # Errors
    /// [`Error::Internal`] for a fault of the database.
    pub fn holdings(
        &self,
        reader: &mut Reader<'_>,
        account: &AccountId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<HeldPage<String>> {
        let ids = [account.to_string()];
        let rows = history::of_rows(reader, "accounts", self.number, &ids)?;
        let past = rows.first().map(history::Past::read::<Past>).transpose()?;
        let Some(past) = past else { return Ok(HeldPage { items: Vec::new(), next: None }) };
        Ok(self.with(reader, vec![(account.clone(), past)])?.holdings(self.at, account, after, limit))
    }

    /// The state of then with these subjects.
    fn with(&self, reader: &mut Reader<'_>, accounts: Vec<(AccountId, Past)>) -> Result<Snapshot> {
        let ids: Vec<AccountId> = accounts.iter().map(|(id, _)| id.clone()).collect();
        let mut grants: HashMap<AccountId, Vec<GrantRow>> = HashMap::new();
        for grant in past::grants_of(reader, self.number, &ids)? {
            grants.entry(grant.account.clone()).or_default().push(row(grant));
        }
        let mut state = self.policy.clone();
        for (id, past) in accounts {
            let own = grants.remove(&id).unwrap_or_default();
            state = state.with_subject(&self.subject(id, &past, own));
        }
        Ok(state)
    }

    fn subject(&self, account: AccountId, past: &Past, grants: Vec<GrantRow>) -> SubjectRow {
        SubjectRow {
            kind: match past.kind {
                Kind::Person => SubjectKind::Person,
                Kind::Service => SubjectKind::Service,
            },
            names: Vec::new(),
            state: match past.status.state {
                State::Invited => SubjectState::Invited,
                State::Active => SubjectState::Active,
                State::Suspended => SubjectState::Suspended { until: past.status.suspended_until },
                State::Left => SubjectState::Left,
                State::Erased => SubjectState::Erased,
            },
            valid_from: past.starts_at,
            valid_until: past.ends_at,
            strong_factor: past.strong_factor,
            is_manager: self.managers.contains(&account),
            is_owner: self.owners.contains(&account),
            grants,
            account,
        }
    }

    fn accounts(&self, reader: &mut Reader<'_>, behind: &str) -> Result<Vec<(AccountId, Past)>> {
        let rows = history::page(reader, "accounts", self.number, behind, PAGE)?;
        let known = rows.iter().filter_map(|row| Some((AccountId::parse(&row.row_id)?, row)));
        known.map(|(id, row)| Ok((id, row.read()?))).collect()
    }

    /// Whom somebody who had not left named as manager.
    fn managers_then(&self, reader: &mut Reader<'_>) -> Result<HashSet<AccountId>> {
        let (mut managers, mut behind) = (HashSet::new(), String::new());
        loop {
            let accounts = self.accounts(reader, &behind)?;
            let Some((last, _)) = accounts.last() else { return Ok(managers) };
            behind = last.to_string();
            for (_, past) in accounts {
                let gone = matches!(past.status.state, State::Left | State::Erased)
                    || past.ends_at.is_some_and(|end| end <= self.at);
                managers.extend(past.manager.filter(|_| !gone));
            }
        }
    }
}

fn row(grant: PastGrant) -> GrantRow {
    GrantRow {
        id: grant.id,
        role: grant.role,
        state: match grant.state {
            grants::GrantState::Active => GrantState::Active,
            grants::GrantState::Suspended => GrantState::Suspended,
            grants::GrantState::Revoked | grants::GrantState::Expired => GrantState::Ended,
        },
        valid_from: grant.valid_from,
        expires_at: grant.expires_at,
        scope: grant.scope.map(|scope| scope.into_iter().collect::<BTreeMap<_, _>>()),
    }
}
