//! The directory: every account's names in memory, to show them, to order lists by them and to search in them.
//!
//! Rules: it follows the log and is never written; it lives in memory only, on each node; it holds no e-mail
//! addresses. Searching forgives case, width and accents. About 200 bytes an account.

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use uuid::Uuid;

use super::state::{Kind, State};
use super::{Named, store};
use crate::db::Reader;
use crate::error::Result;
use crate::ids::AccountId;
use crate::log::event::{Change, Event};
use crate::log::tail::Follower;
use crate::vault::fold;

const PAGE: i64 = 1_000;
/// More words than this in a search are not looked at.
const MOST_WORDS: usize = 8;

/// What the directory knows of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Given and family name; the username where there are none.
    pub display_name: String,
    /// The username.
    pub username: String,
    /// A person or a service.
    pub kind: Kind,
    /// The state as its row has it.
    pub state: State,
}

/// The names of all accounts, in memory.
#[derive(Default)]
pub struct Directory(RwLock<Book>);

#[derive(Default)]
struct Book {
    entries: HashMap<u128, Entry, foldhash::fast::RandomState>,
    order: BTreeSet<(Arc<str>, u128)>,
}

struct Entry {
    /// Display name and username, one after the other.
    names: Box<str>,
    split: u16,
    sort_key: Arc<str>,
    kind: Kind,
    state: State,
}

impl Entry {
    fn card(&self) -> Card {
        let (display_name, username) = self.names.split_at(usize::from(self.split));
        Card {
            display_name: display_name.to_owned(),
            username: username.to_owned(),
            kind: self.kind,
            state: self.state,
        }
    }
}

impl Directory {
    fn book(&self) -> RwLockReadGuard<'_, Book> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of an account; `None` if there is no such account.
    pub fn card(&self, id: &AccountId) -> Option<Card> {
        self.book().entries.get(&number(id)?).map(Entry::card)
    }

    /// The name that pages show; the id where there is no such account.
    pub fn display_name(&self, id: &AccountId) -> String {
        self.card(id).map_or_else(|| id.to_string(), |card| card.display_name)
    }

    /// How many accounts there are that `matches` lets through.
    pub fn count(&self, matches: impl Fn(Kind, State) -> bool) -> usize {
        self.book().entries.values().filter(|entry| matches(entry.kind, entry.state)).count()
    }

    /// Accounts in order of their names, from the one after `after`; at most `limit`. An `after` that is unknown
    /// begins at the beginning.
    pub fn page(
        &self,
        after: Option<&AccountId>,
        limit: usize,
        matches: impl Fn(Kind, State) -> bool,
    ) -> Vec<AccountId> {
        let book = self.book();
        let place = after
            .and_then(number)
            .and_then(|number| book.entries.get(&number).map(|entry| (entry.sort_key.clone(), number)));
        let from = place.map_or(Bound::Unbounded, Bound::Excluded);
        book.order
            .range((from, Bound::Unbounded))
            .filter(|(_, number)| {
                book.entries.get(number).is_some_and(|entry| matches(entry.kind, entry.state))
            })
            .take(limit)
            .filter_map(|(_, number)| id(*number))
            .collect()
    }

    /// Sorts accounts by their names; unknown ones come last.
    pub fn sort_by_name<T>(&self, items: &mut [T], account: impl Fn(&T) -> &AccountId) {
        let book = self.book();
        let key = |item: &T| {
            let entry = number(account(item)).and_then(|number| book.entries.get(&number));
            (entry.is_none(), entry.map(|entry| entry.sort_key.clone()), account(item).clone())
        };
        items.sort_by_cached_key(key);
    }

    /// Accounts whose names have every word of `text` in them: first those with a name that begins with the first
    /// word, then the others; each in order of names, at most `limit` together.
    pub fn search(&self, text: &str, limit: usize, matches: impl Fn(Kind, State) -> bool) -> Vec<AccountId> {
        let text = searched(text);
        let words: Vec<&str> = text.split_whitespace().take(MOST_WORDS).collect();
        let Some(first) = words.first() else { return Vec::new() };
        let book = self.book();
        let (mut begin, mut contain) = (Vec::new(), Vec::new());
        for (sort_key, number) in &book.order {
            let fits = words.iter().all(|word| sort_key.contains(word));
            let Some(entry) = book.entries.get(number).filter(|_| fits) else { continue };
            if !matches(entry.kind, entry.state) {
                continue;
            }
            let begins = sort_key.split(' ').any(|word| word.starts_with(first));
            let place = if begins { &mut begin } else { &mut contain };
            if place.len() < limit {
                place.push(*number);
            }
            if begin.len() >= limit {
                break;
            }
        }
        begin.into_iter().chain(contain).take(limit).filter_map(id).collect()
    }

    fn put(&self, found: Vec<Named>) {
        let mut book = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for Named { account, details } in found {
            let Some(number) = number(&account.id) else { continue };
            let display_name = details.display_name();
            // Both names have a limit far below what 16 bits count.
            let split = u16::try_from(display_name.len()).unwrap_or(0);
            let sort_key: Arc<str> = searched(&details.sort_key()).into();
            let names = (display_name + details.username.as_str()).into_boxed_str();
            let entry = Entry {
                names,
                split,
                sort_key: sort_key.clone(),
                kind: account.kind,
                state: account.status.state,
            };
            if let Some(old) = book.entries.insert(number, entry) {
                book.order.remove(&(old.sort_key, number));
            }
            book.order.insert((sort_key, number));
        }
    }
}

impl Follower for Directory {
    fn load(&self, reader: &mut Reader<'_>, _: u64) -> Result<()> {
        let mut after = String::new();
        loop {
            let page = store::named_page(reader, &after, PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            last.account.id.as_str().clone_into(&mut after);
            self.put(page);
        }
    }

    fn follow(&self, reader: &mut Reader<'_>, events: &[Event], _: u64) -> Result<()> {
        let touched = events.iter().filter_map(|event| match &event.change {
            Change::AccountCreated { account, .. }
            | Change::AccountChanged { account, .. }
            | Change::AccountStateChanged { account, .. } => Some(account.clone()),
            _ => None,
        });
        let ids: Vec<AccountId> = touched.collect::<BTreeSet<_>>().into_iter().collect();
        for ids in ids.chunks(1_000) {
            let found = store::named_by_ids(reader, ids)?;
            self.put(found);
        }
        Ok(())
    }
}

/// A text as it is searched in and ordered by: folded, without accents.
fn searched(text: &str) -> String {
    fold(text).nfd().filter(|c| !is_combining_mark(*c)).collect()
}

fn number(id: &AccountId) -> Option<u128> {
    Uuid::try_parse(id.as_str()).ok().map(|id| id.as_u128())
}

fn id(number: u128) -> Option<AccountId> {
    AccountId::parse(&Uuid::from_u128(number).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searching_forgives_case_width_and_accents() {
        assert_eq!(searched("Ångström"), "angstrom");
        assert_eq!(searched("ＪＡＮＥ"), "jane");
        assert_eq!(searched("Мария"), "мария");
    }

    #[test]
    fn ids_survive_the_way_through_a_number() {
        let text = "01935c5e-7f2a-7abc-8def-0123456789ab";
        let there = number(&AccountId::parse(text).unwrap()).unwrap();
        assert_eq!(id(there).unwrap().as_str(), text);
    }
}
