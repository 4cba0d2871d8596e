//! From a plan to holdings and grants: the writing of it, and the trying.

use super::plan::{Import, Plan};
use super::report::Fate;
use super::rows::Row;
use crate::access::importing::{self, Existing, Taken};
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::ids::{AccountId, HoldingId};
use crate::log::append::next_revision;
use crate::log::event::Change;
use crate::provisioning::store::holdings as store;
use crate::provisioning::{Doubt, Holding, HoldingState, space, tasks};

/// A row with whom it belongs to, if to anybody.
struct Placed {
    index: usize,
    account: Option<AccountId>,
    doubt: Option<Doubt>,
    known: Option<Box<Holding>>,
    taken: Option<Taken>,
}

impl Import {
    /// Plans a chunk and reports it, without writing.
    pub(super) fn rehearse(&mut self, reader: &mut Reader<'_>, chunk: &[usize]) -> Result<()> {
        for (index, plan) in self.plan(reader, chunk)? {
            let drift = self.is_drift(index, &plan);
            match plan {
                Plan::Keep { known, .. } => self.say(index, Fate::Unchanged, known.account, false),
                Plan::Orphan { account, .. } => self.say(index, Fate::Orphan, account, drift),
                Plan::Match { account, .. } => {
                    let role = self.rows[index].role.clone();
                    let held = importing::open_among(reader, std::slice::from_ref(&account))?;
                    let has = held
                        .iter()
                        .any(|grant| grant.role == role && grant.scope.is_none() && grant.lives(reader.now));
                    let new = self.given.insert((account.clone(), role)) && !has;
                    self.say(index, if new { Fate::Matched } else { Fate::Known }, Some(account), drift);
                }
            }
        }
        Ok(())
    }

    /// New in a system of which a list was read before, or back after it had gone.
    fn is_drift(&self, index: usize, plan: &Plan) -> bool {
        match plan {
            Plan::Keep { .. } => false,
            Plan::Match { known: Some(known), .. } if known.state == HoldingState::Orphan => false,
            Plan::Match { known, .. } | Plan::Orphan { known, .. } => {
                known.is_some() || self.is_listed(&self.rows[index].system)
            }
        }
    }

    /// Plans a chunk and writes it.
    pub(super) fn perform(&mut self, tx: &mut Tx<'_>, chunk: &[usize]) -> Result<()> {
        let (mut placed, mut seen) = (Vec::new(), Vec::new());
        for (index, plan) in self.plan(tx, chunk)? {
            let drift = self.is_drift(index, &plan);
            let place = match plan {
                Plan::Keep { known, still } => {
                    if still {
                        tasks::reconciling::still_there(tx, &known.id)?;
                    }
                    self.say(index, Fate::Unchanged, known.account.clone(), false);
                    seen.push(known.id.clone());
                    self.note_use(tx, index, *known)?;
                    continue;
                }
                Plan::Match { account, known } => {
                    Placed { index, account: Some(account), doubt: None, known, taken: None }
                }
                Plan::Orphan { doubt, account, known } => {
                    Placed { index, account, doubt: Some(doubt), known, taken: None }
                }
            };
            placed.push((place, drift));
        }
        self.take_over(tx, &mut placed)?;
        self.write(tx, placed)?;
        store::seen(tx, &seen, self.list())
    }

    /// Grants for those who are known.
    fn take_over(&mut self, tx: &mut Tx<'_>, placed: &mut [(Placed, bool)]) -> Result<()> {
        let mut existing = Vec::new();
        let mut places = Vec::new();
        for (place, (one, _)) in placed.iter().enumerate() {
            let (None, Some(account)) = (one.doubt, &one.account) else { continue };
            let role = self.role(&self.rows[one.index].role).cloned();
            let role =
                role.ok_or_else(|| Error::internal("importing", "a role that was looked up is gone"))?;
            existing.push(Existing { account: account.clone(), role });
            places.push(place);
        }
        for (place, taken) in places.into_iter().zip(importing::take_over(tx, &existing)?) {
            let one = &mut placed[place].0;
            if let Some(other) = &taken.excludes {
                let words =
                    format!("may not be held together with {other}; it rests until a reviewer decides");
                self.rows[one.index].warnings.push(words);
            }
            one.taken = Some(taken);
        }
        Ok(())
    }

    fn write(&mut self, tx: &mut Tx<'_>, placed: Vec<(Placed, bool)>) -> Result<()> {
        let mut new = Vec::new();
        for (one, drift) in placed {
            let fate = match &one.taken {
                Some(taken) if taken.new => Fate::Matched,
                Some(_) => Fate::Known,
                None => Fate::Orphan,
            };
            self.say(one.index, fate, one.account.clone(), drift);
            let was_here = one.known.is_some();
            let holding = self.holding(tx, one, drift)?;
            tx.record(Change::HoldingFound {
                holding: holding.id.clone(),
                system: holding.system.clone(),
                account: holding.account.clone(),
                grant: holding.grant.clone(),
                drift,
            });
            if was_here {
                store::update(tx, &holding)?;
            } else {
                new.push(holding);
            }
        }
        store::insert(tx, &new)
    }

    fn holding(&self, tx: &mut Tx<'_>, one: Placed, drift: bool) -> Result<Holding> {
        let row = &self.rows[one.index];
        let (id, digest) = match &one.known {
            Some(known) => (known.id.clone(), known.digest.clone()),
            None => {
                let digest = tx.vault().blind_index(&space(&row.system), &row.named.login);
                (HoldingId::new(tx.now, tx.entropy()), digest)
            }
        };
        let mut holding = Holding {
            id,
            system: row.system.clone(),
            role: row.role.clone(),
            digest,
            named: row.named.clone(),
            state: if one.taken.is_some() { HoldingState::Held } else { HoldingState::Orphan },
            doubt: one.doubt,
            account: one.account,
            grant: one.taken.map(|taken| taken.grant),
            drift: drift || one.known.as_ref().is_some_and(|known| known.drift),
            brought_by: tx.caller.label(),
            granted_at: None,
            used: row.used,
            used_at: None,
            list: self.list().to_owned(),
            found_at: tx.now,
            gone_at: None,
            gone_how: None,
            revision: next_revision(tx)?,
        };
        note(row, &mut holding);
        Ok(holding)
    }

    /// What the list says of use may be newer than what is known.
    fn note_use(&self, tx: &mut Tx<'_>, index: usize, mut known: Holding) -> Result<()> {
        let before = (known.used, known.used_at, known.granted_at);
        note(&self.rows[index], &mut known);
        if before == (known.used, known.used_at, known.granted_at) {
            return Ok(());
        }
        store::update(tx, &known)
    }
}

/// What a list says about a holding; silence takes nothing back.
fn note(row: &Row, holding: &mut Holding) {
    holding.granted_at = row.granted_at.or(holding.granted_at);
    let newer = row.used_at.is_some() && row.used_at > holding.used_at;
    if newer || (holding.used_at.is_none() && row.used != crate::provisioning::Use::Unknown) {
        (holding.used, holding.used_at) = (row.used, row.used_at);
    }
}
