//! Who decides an item: the manager, then those above, then the application's owner, then an administrator.
//!
//! Rules: a reviewer is a person of the company in use now (E8.3: nobody from outside), never the subject and never
//! the owner of the service that is reviewed. The answer is the same for every grant of an account in an application,
//! so it is remembered while a campaign opens.

use std::collections::HashMap;

use super::Authority;
use crate::access::{floor, roles};
use crate::accounts::{self, Kind, Standing, WorkerType};
use crate::db::Reader;
use crate::error::Result;
use crate::ids::AccountId;

/// A reviewer with their authority.
pub(super) type Found = (AccountId, Authority);

/// Finds reviewers, and remembers whom it found.
#[derive(Default)]
pub(super) struct Reviewers {
    found: HashMap<(AccountId, String), Found>,
    owners: HashMap<String, Option<AccountId>>,
    eligible: HashMap<AccountId, bool>,
    fallbacks: Option<Vec<AccountId>>,
}

impl Reviewers {
    /// The first who may decide about `account` in `application`. With nobody else to be found it is the person, or
    /// the service's owner: with a fresh proof, a reason, and as an exception.
    pub(super) fn find(
        &mut self,
        reader: &mut Reader<'_>,
        account: &AccountId,
        application: &str,
    ) -> Result<Found> {
        let key = (account.clone(), application.to_owned());
        if let Some(found) = self.found.get(&key) {
            return Ok(found.clone());
        }
        let found = match self.by_management(reader, account)? {
            Some(manager) => (manager, Authority::Manager),
            None => match self.next(reader, account, application, None)? {
                Some(found) => found,
                None => {
                    let owner = accounts::find(reader, account)?.owner;
                    (owner.unwrap_or_else(|| account.clone()), Authority::Subject)
                }
            },
        };
        self.found.insert(key, found.clone());
        Ok(found)
    }

    fn by_management(&mut self, reader: &mut Reader<'_>, account: &AccountId) -> Result<Option<AccountId>> {
        let subject = accounts::find(reader, account)?;
        // Nobody confirms a service that they own themselves: the word is with those above its owner.
        let below =
            if subject.kind == Kind::Service { subject.owner.as_ref().unwrap_or(account) } else { account };
        for manager in accounts::chain(reader, below)? {
            if self.may(reader, &manager, account)? {
                return Ok(Some(manager));
            }
        }
        Ok(None)
    }

    /// The next authority after `except`, who did not answer: the owner, then a fallback; none if there is none.
    pub(super) fn next(
        &mut self,
        reader: &mut Reader<'_>,
        account: &AccountId,
        application: &str,
        except: Option<&AccountId>,
    ) -> Result<Option<Found>> {
        if let Some(owner) = self.owner(reader, application)?
            && except != Some(&owner)
            && self.may(reader, &owner, account)?
        {
            return Ok(Some((owner, Authority::Owner)));
        }
        for fallback in self.fallbacks(reader)? {
            if except != Some(&fallback) && self.may(reader, &fallback, account)? {
                return Ok(Some((fallback, Authority::Fallback)));
            }
        }
        Ok(None)
    }

    fn may(&mut self, reader: &mut Reader<'_>, reviewer: &AccountId, subject: &AccountId) -> Result<bool> {
        if reviewer == subject {
            return Ok(false);
        }
        let owns = accounts::find(reader, subject)?.owner.as_ref() == Some(reviewer);
        Ok(!owns && self.is_eligible(reader, reviewer)?)
    }

    fn is_eligible(&mut self, reader: &mut Reader<'_>, reviewer: &AccountId) -> Result<bool> {
        if let Some(known) = self.eligible.get(reviewer) {
            return Ok(*known);
        }
        let account = accounts::find(reader, reviewer)?;
        let eligible = account.kind == Kind::Person
            && account.standing(reader.now) == Standing::Active
            && matches!(account.worker_type, None | Some(WorkerType::Employee));
        self.eligible.insert(reviewer.clone(), eligible);
        Ok(eligible)
    }

    fn owner(&mut self, reader: &mut Reader<'_>, application: &str) -> Result<Option<AccountId>> {
        if let Some(known) = self.owners.get(application) {
            return Ok(known.clone());
        }
        let owner = roles::application(reader, application).ok().and_then(|record| record.owner);
        self.owners.insert(application.to_owned(), owner.clone());
        Ok(owner)
    }

    fn fallbacks(&mut self, reader: &mut Reader<'_>) -> Result<Vec<AccountId>> {
        if let Some(known) = &self.fallbacks {
            return Ok(known.clone());
        }
        let people = floor::administrators(reader)?;
        self.fallbacks = Some(people.clone());
        Ok(people)
    }
}
