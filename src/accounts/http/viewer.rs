//! Whom a caller may see: everybody, or those whom their position concerns.
//!
//! Rules: who is manager or owner by position sees the own team, the own services, whoever holds a role in the own
//! applications, and oneself; a role that handles or audits people sees everybody. What one may not see is not there.

use std::collections::BTreeSet;

use super::super::{Filter, Named, chain, find_named, list, list_among, named, owned_services, team};
use crate::access::{grants, roles};
use crate::app::App;
use crate::caller::{Actor, Caller};
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::http::identify;
use crate::ids::AccountId;

/// Permissions beside `accounts:read` that only roles for people in general have.
const EVERYBODYS: &[(&str, &str)] = &[
    ("accounts", "write"),
    ("accounts", "unlock"),
    ("accounts", "suspend"),
    ("apps", "write"),
    ("log", "read"),
];

/// Whom a caller may see.
pub(super) enum Viewer {
    /// Everybody.
    All,
    /// Whom the position of this account concerns.
    Position(AccountId),
}

/// Whom this caller may see. A service that may read accounts at all was given that by name, so it sees everybody.
pub(super) fn of(app: &App, caller: &Caller) -> Result<Viewer> {
    let account = caller.account().ok_or(Error::Unauthenticated)?;
    let service = matches!(caller.actor, Actor::Service { .. });
    let general = EVERYBODYS.iter().any(|(feature, action)| identify::permits(app, caller, feature, action));
    Ok(if service || general { Viewer::All } else { Viewer::Position(account.clone()) })
}

impl Viewer {
    /// The accounts that the caller may see, in order of id; `None` for everybody.
    pub(super) fn visible(&self, reader: &mut Reader<'_>) -> Result<Option<BTreeSet<AccountId>>> {
        let Self::Position(own) = self else { return Ok(None) };
        let mut visible: BTreeSet<AccountId> =
            team(reader, own)?.into_iter().map(|account| account.id).collect();
        visible.insert(own.clone());
        visible.extend(owned_services(reader, own)?);
        for application in roles::owned_by(reader, own)? {
            let filter = grants::Filter { app: Some(application), ..grants::Filter::default() };
            let mut after: Option<String> = None;
            loop {
                let page = grants::list(reader, &filter, after.as_deref(), 1_000)?;
                let Some(last) = page.last() else { break };
                after = Some(last.id.to_string());
                visible.extend(page.into_iter().map(|grant| grant.account));
            }
        }
        Ok(Some(visible))
    }

    /// The account of that id, if the caller may see it.
    pub(super) fn find(&self, reader: &mut Reader<'_>, id: &AccountId) -> Result<Named> {
        let found = find_named(reader, id)?;
        let Self::Position(own) = self else { return Ok(found) };
        let near = id == own || found.account.owner.as_ref() == Some(own) || chain(reader, id)?.contains(own);
        if near || self.visible(reader)?.is_some_and(|visible| visible.contains(id)) {
            return Ok(found);
        }
        Err(Error::NotFound("account"))
    }

    /// The accounts that match and that the caller may see, in order of id.
    pub(super) fn list(
        &self,
        reader: &mut Reader<'_>,
        filter: &Filter,
        after: Option<&AccountId>,
        limit: u32,
    ) -> Result<Vec<Named>> {
        match self.visible(reader)? {
            None => list(reader, filter, after, limit),
            Some(visible) => list_among(reader, filter, &visible, after, limit),
        }
    }

    /// The accounts found by name that the caller may see, best first.
    pub(super) fn search(
        &self,
        app: &App,
        reader: &mut Reader<'_>,
        text: &str,
        limit: usize,
    ) -> Result<Vec<Named>> {
        let visible = self.visible(reader)?;
        let most = if visible.is_some() { usize::MAX } else { limit };
        let mut found = app.directory().search(text, most, |_, _| true);
        if let Some(visible) = visible {
            found.retain(|id| visible.contains(id));
            found.truncate(limit);
        }
        let mut people = named(reader, &found)?;
        people.sort_by_key(|person| found.iter().position(|id| *id == person.account.id));
        Ok(people)
    }
}
