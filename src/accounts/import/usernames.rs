//! Usernames for the rows that bring none: made by rule, numbered, and looked up for a whole chunk at once.

use std::collections::{HashMap, HashSet};

use super::super::joining::base_of;
use super::super::names::{self, Space};
use super::super::usernames;
use super::plan::Import;
use crate::db::Reader;
use crate::error::Result;

/// Usernames that are looked up together when those looked up before do not suffice.
const HANDFUL: u32 = 32;

/// What this import made and knows of usernames by rule.
#[derive(Default)]
pub(super) struct Made {
    made: HashSet<String>,
    /// Which usernames somebody has or had, as far as they were looked up for this chunk.
    held: HashMap<String, bool>,
    next_number: HashMap<String, u32>,
}

impl Import {
    /// The first username of this base that nobody has, had or claims.
    pub(super) fn free_username(&mut self, reader: &mut Reader<'_>, base: &str) -> Result<String> {
        let mut number = self.usernames.next_number.get(base).copied().unwrap_or(1);
        loop {
            let name = usernames::numbered(base, number);
            if !self.usernames.held.contains_key(&name) {
                let handful = (number..number + HANDFUL).map(|number| usernames::numbered(base, number));
                self.look_up_usernames(reader, handful.collect())?;
            }
            number += 1;
            let held = self.usernames.held.get(&name).copied().unwrap_or(true);
            if !held && !self.reserved.contains_key(&name) && self.usernames.made.insert(name.clone()) {
                self.usernames.next_number.insert(base.to_owned(), number);
                return Ok(name);
            }
        }
    }

    /// Notes which of these usernames somebody has or had.
    fn look_up_usernames(&mut self, reader: &mut Reader<'_>, candidates: Vec<String>) -> Result<()> {
        let asked = candidates.iter().map(|name| (Space::Subject, name.as_str()));
        let holders = names::holders(reader, asked)?;
        let noted = candidates.into_iter().map(|name| {
            let held = holders.of(Space::Subject, &name).is_some();
            (name, held)
        });
        self.usernames.held.extend(noted);
        Ok(())
    }

    /// Looks up the usernames that the rule may make for a chunk, all at once.
    pub(super) fn prepare_usernames(&mut self, reader: &mut Reader<'_>, chunk: &[usize]) -> Result<()> {
        self.usernames.held.clear();
        let mut bases: HashMap<String, u32> = HashMap::new();
        for index in chunk {
            if self.details[*index].username.is_empty() {
                *bases.entry(base_of(&self.details[*index])).or_default() += 1;
            }
        }
        let candidates = bases.iter().flat_map(|(base, count)| {
            let first = self.usernames.next_number.get(base).copied().unwrap_or(1);
            (first..first + count + 1).map(|number| usernames::numbered(base, number))
        });
        let candidates = candidates.collect();
        self.look_up_usernames(reader, candidates)
    }
}
