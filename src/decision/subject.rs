//! A subject as the index keeps it: one piece of memory, judged against the clock when it is asked for.
//!
//! One piece, because memory beyond the caches is what a decision waits for: here it waits once, and what else is read
//! of the subject lies beside what has come already.
//!
//! Rules: every beginning belongs to its span and every end does not, to the microsecond; a name that nobody may have
//! finds nobody; what cannot be read gives nothing. Pure; calls `rows`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use super::Reason;
use super::explain::Bounds;
use super::rows::{GrantRow, GrantState, SubjectKind, SubjectRow, SubjectState};
use crate::clock::Timestamp;
use crate::ids::Id;

/// The longest name a subject can be asked by, in bytes.
pub const MAX_NAME: usize = 512;
/// casbin keeps what has no domain under this key, so that nothing may be called it.
pub const RESERVED_NAME: &str = "DEFAULT";

/// Whether something may be called this: not empty, not reserved.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && text != RESERVED_NAME
}

/// An identifier as a number, which takes a fifth of the memory of its text. `None` if it is no UUID.
pub(super) fn number_of(id: &impl Id) -> Option<u128> {
    Uuid::try_parse(id.as_str()).ok().map(|id| id.as_u128())
}

/// The identifier that a number of [`number_of`] stands for.
pub(super) fn id_of<I: Id>(number: u128) -> Option<I> {
    I::parse(&Uuid::from_u128(number).to_string())
}

/// Where things stand in a subject's piece of memory. Behind the head follow the names, each with its length before
/// it; the numbers of the roles of its grants, apart from them because most grants are passed over by their role
/// alone; the grants; and the limits that some of them point to. Numbers are little-endian.
mod place {
    pub(super) const ACCOUNT: usize = 0;
    pub(super) const EMPLOYED_FROM: usize = 16;
    pub(super) const EMPLOYED_UNTIL: usize = 24;
    pub(super) const SUSPENDED_UNTIL: usize = 32;
    pub(super) const STANDING: usize = 40;
    pub(super) const KIND: usize = 41;
    pub(super) const FLAGS: usize = 42;
    /// How many bytes the names take.
    pub(super) const NAMES: usize = 44;
    pub(super) const GRANTS: usize = 48;
    pub(super) const HEAD: usize = 52;

    /// How many bytes the number of a role takes.
    pub(super) const ROLE: usize = 4;
    /// Within a grant.
    pub(super) const FROM: usize = 0;
    pub(super) const UNTIL: usize = 8;
    pub(super) const ID: usize = 16;
    /// Where in the subject its limits stand; nought if it has none.
    pub(super) const LIMITS: usize = 32;
    pub(super) const STATE: usize = 36;
    /// How many bytes a grant takes.
    pub(super) const GRANT: usize = 40;
}

const STRONG_FACTOR: u8 = 1;
const IS_MANAGER: u8 = 2;
const IS_OWNER: u8 = 4;

const MAY: u8 = 0;
const SUSPENDED: u8 = 1;
const LEFT: u8 = 2;

const PERSON: u8 = 0;
const SERVICE: u8 = 1;

const ACTIVE: u8 = 0;
const RESTS: u8 = 1;
const ENDED: u8 = 2;
/// It counts, and ends where a prerequisite does.
const BOUND: u8 = 3;

/// So many bytes at a place. Nought where there are none: what ends at nought is over.
fn bytes<const N: usize>(from: &[u8], at: usize) -> [u8; N] {
    from.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
}

fn instant(from: &[u8], at: usize) -> i64 {
    i64::from_le_bytes(bytes(from, at))
}

fn count(from: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes(from, at)) as usize
}

/// A grant as the index keeps it: a part of its subject.
#[derive(Clone, Copy)]
pub(super) struct Grant<'a> {
    subject: &'a [u8],
    own: &'a [u8],
}

impl<'a> Grant<'a> {
    /// From when to when it counts.
    pub(super) fn bounds(self) -> Bounds {
        let (from, until) = (instant(self.own, place::FROM), instant(self.own, place::UNTIL));
        Bounds {
            valid_from: (from != i64::MIN).then(|| Timestamp::from_micros(from)),
            expires_at: (until != i64::MAX).then(|| Timestamp::from_micros(until)),
        }
    }

    /// Its id, as a number.
    pub(super) fn id(self) -> u128 {
        u128::from_le_bytes(bytes(self.own, place::ID))
    }

    /// Whether the grant counts at this instant, else why not.
    pub(super) fn counts(self, now: i64) -> Result<(), Reason> {
        if now >= instant(self.own, place::UNTIL) {
            let bound = self.own.get(place::STATE) == Some(&BOUND);
            return Err(if bound { Reason::Prerequisite } else { Reason::Expired });
        }
        match self.own.get(place::STATE) {
            Some(&RESTS) => Err(Reason::Suspended),
            Some(&(ACTIVE | BOUND)) if now < instant(self.own, place::FROM) => Err(Reason::NotYet),
            Some(&(ACTIVE | BOUND)) => Ok(()),
            _ => Err(Reason::NoGrant),
        }
    }

    /// The properties to which it is limited, each with the values it may have.
    pub(super) fn limits(self) -> impl Iterator<Item = (&'a str, Texts<'a>)> {
        let at = count(self.own, place::LIMITS);
        let mut rest = self.subject.get(at..).filter(|_| at > 0).map(Texts).unwrap_or_default();
        let limits = rest.number();
        // A limit that could not be read would be one without values, which nothing meets.
        std::iter::repeat_with(move || (rest.next().unwrap_or_default(), rest.part())).take(limits)
    }
}

/// Texts one behind the other, each with its length before it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Texts<'a>(&'a [u8]);

impl<'a> Texts<'a> {
    fn number(&mut self) -> usize {
        let number = count(self.0, 0);
        self.0 = self.0.get(4..).unwrap_or_default();
        number
    }

    /// A part of them, behind its own length.
    fn part(&mut self) -> Self {
        let length = self.number();
        let (part, rest) = self.0.split_at_checked(length).unwrap_or_default();
        self.0 = rest;
        Self(part)
    }
}

impl<'a> Iterator for Texts<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.0.is_empty() {
            return None;
        }
        std::str::from_utf8(self.part().0).ok()
    }
}

/// The piece of memory of a subject, as it is put together.
struct Piece(Vec<u8>);

impl Piece {
    fn number(&mut self, number: usize) -> Option<()> {
        self.0.extend_from_slice(&u32::try_from(number).ok()?.to_le_bytes());
        Some(())
    }

    fn text(&mut self, text: &str) -> Option<()> {
        self.number(text.len())?;
        self.0.extend_from_slice(text.as_bytes());
        Some(())
    }

    fn span(&mut self, from: Option<Timestamp>, until: Option<Timestamp>) {
        let (from, until) =
            (from.map_or(i64::MIN, Timestamp::micros), until.map_or(i64::MAX, Timestamp::micros));
        #[cfg(test)]
        let (from, until) = super::fault::span(from, until);
        self.0.extend_from_slice(&from.to_le_bytes());
        self.0.extend_from_slice(&until.to_le_bytes());
    }

    fn head(&mut self, row: &SubjectRow, account: u128, names: usize, grants: usize) -> Option<()> {
        let state = row.state;
        #[cfg(test)]
        let state = super::fault::subject_state(state);
        let (standing, until) = match state {
            SubjectState::Invited | SubjectState::Active => (MAY, 0),
            SubjectState::Suspended { until } => (SUSPENDED, until.map_or(i64::MAX, Timestamp::micros)),
            SubjectState::Left | SubjectState::Erased => (LEFT, 0),
        };
        let kind = match row.kind {
            SubjectKind::Person => PERSON,
            SubjectKind::Service => SERVICE,
        };
        let flag = |is: bool, flag: u8| if is { flag } else { 0 };
        let flags = flag(row.strong_factor, STRONG_FACTOR)
            | flag(row.is_manager, IS_MANAGER)
            | flag(row.is_owner, IS_OWNER);
        self.0.extend_from_slice(&account.to_le_bytes());
        self.span(row.valid_from, row.valid_until);
        self.0.extend_from_slice(&until.to_le_bytes());
        self.0.extend_from_slice(&[standing, kind, flags, 0]);
        self.number(names)?;
        self.number(grants)
    }

    /// The grants, and behind them the limits that they point to.
    fn grants(&mut self, grants: &[(u32, u128, &GrantRow)]) -> Option<()> {
        let mut limits = Self(Vec::new());
        let behind = self.0.len() + grants.len() * place::GRANT;
        for (_, id, row) in grants {
            let at = match &row.scope {
                Some(scope) => {
                    let at = behind + limits.0.len();
                    limits.limits(scope)?;
                    at
                }
                None => 0,
            };
            let state = row.state;
            #[cfg(test)]
            let state = super::fault::grant_state(state);
            let state = match state {
                GrantState::Active => ACTIVE,
                GrantState::Bound => BOUND,
                GrantState::Suspended => RESTS,
                GrantState::Ended => ENDED,
            };
            self.span(Some(row.valid_from), row.expires_at);
            self.0.extend_from_slice(&id.to_le_bytes());
            self.number(at)?;
            self.0.extend_from_slice(&[state, 0, 0, 0]);
        }
        self.0.append(&mut limits.0);
        Some(())
    }

    fn limits(&mut self, scope: &BTreeMap<String, Vec<String>>) -> Option<()> {
        self.number(scope.len())?;
        for (property, values) in scope {
            self.text(property)?;
            let mut part = Self(Vec::new());
            for value in values {
                part.text(value)?;
            }
            self.number(part.0.len())?;
            self.0.append(&mut part.0);
        }
        Some(())
    }
}

/// A person or service with its names and grants, in one piece of memory.
#[derive(Clone)]
pub struct Subject(Arc<[u8]>);

impl fmt::Debug for Subject {
    /// Its names are nobody's business.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Subject({})", Uuid::from_u128(self.account()))
    }
}

impl Subject {
    /// The subject of a row; `None` if its id is no UUID, or if it is larger than numbers of 32 bits tell.
    pub(super) fn of(row: &SubjectRow, mut number_of_role: impl FnMut(&str) -> u32) -> Option<Self> {
        let grants: Vec<(u32, u128, &GrantRow)> = row
            .grants
            .iter()
            .filter_map(|grant| Some((number_of_role(&grant.role), number_of(&grant.id)?, grant)))
            .collect();
        let names = pack(&row.names);
        let room = place::HEAD + names.len() + grants.len() * (place::ROLE + place::GRANT);
        let mut piece = Piece(Vec::with_capacity(room));
        piece.head(row, number_of(&row.account)?, names.len(), grants.len())?;
        piece.0.extend_from_slice(&names);
        for (role, _, _) in &grants {
            piece.0.extend_from_slice(&role.to_le_bytes());
        }
        piece.grants(&grants)?;
        Some(Self(piece.0.into()))
    }

    /// Whether both are the same piece of memory, or say the same.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }

    /// The account's id, as a number.
    pub(super) fn account(&self) -> u128 {
        u128::from_le_bytes(bytes(&self.0, place::ACCOUNT))
    }

    /// Person or service.
    pub(super) fn kind(&self) -> SubjectKind {
        if self.0.get(place::KIND) == Some(&PERSON) { SubjectKind::Person } else { SubjectKind::Service }
    }

    /// Whether it can prove itself with more than a password.
    pub(super) fn strong_factor(&self) -> bool {
        self.has(STRONG_FACTOR)
    }

    /// Whether somebody names this person as manager.
    pub(super) fn is_manager(&self) -> bool {
        self.has(IS_MANAGER)
    }

    /// Whether an application names this person as owner.
    pub(super) fn is_owner(&self) -> bool {
        self.has(IS_OWNER)
    }

    fn has(&self, flag: u8) -> bool {
        self.0.get(place::FLAGS).is_some_and(|flags| flags & flag != 0)
    }

    /// Whether the subject may act at all at this instant, else why not.
    pub(super) fn may_act(&self, now: i64) -> Result<(), Reason> {
        let standing = self.0.get(place::STANDING).copied().unwrap_or(LEFT);
        if standing == LEFT || now >= instant(&self.0, place::EMPLOYED_UNTIL) {
            return Err(Reason::Left);
        }
        if standing == SUSPENDED {
            let until = instant(&self.0, place::SUSPENDED_UNTIL);
            if now < until || until == i64::MAX {
                return Err(Reason::Suspended);
            }
        }
        if now < instant(&self.0, place::EMPLOYED_FROM) { Err(Reason::NotYet) } else { Ok(()) }
    }

    /// Whether the subject can be asked by this name.
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.names().any(|own| own == name.as_bytes())
    }

    /// Every name the subject can be asked by, as bytes.
    pub(super) fn names(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.packed_names();
        std::iter::from_fn(move || {
            let (length, after) = rest.split_first_chunk::<2>()?;
            let (name, next) = after.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
            rest = next;
            Some(name)
        })
    }

    fn packed_names(&self) -> &[u8] {
        let behind = place::HEAD + count(&self.0, place::NAMES);
        self.0.get(place::HEAD..behind).unwrap_or_default()
    }

    /// Whether both can be asked by the same names, in the same order.
    pub(super) fn has_names_of(&self, other: &Self) -> bool {
        self.packed_names() == other.packed_names()
    }

    /// The numbers of the roles of its grants, in the grants' order.
    pub(super) fn roles(&self) -> impl ExactSizeIterator<Item = u32> {
        let at = place::HEAD + count(&self.0, place::NAMES);
        let behind = at + count(&self.0, place::GRANTS) * place::ROLE;
        let roles = self.0.get(at..behind).unwrap_or_default();
        roles.chunks_exact(place::ROLE).map(|role| u32::from_le_bytes(bytes(role, 0)))
    }

    /// The grant at this position.
    pub(super) fn grant(&self, position: usize) -> Option<Grant<'_>> {
        let grants = count(&self.0, place::GRANTS);
        let at = place::HEAD + count(&self.0, place::NAMES) + grants * place::ROLE + position * place::GRANT;
        let own = self.0.get(at..at + place::GRANT).filter(|_| position < grants)?;
        Some(Grant { subject: &self.0, own })
    }
}

/// Names one behind the other, each with its length before it.
fn pack(names: &[String]) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut seen: Vec<&str> = Vec::with_capacity(names.len());
    for name in names.iter().filter(|name| is_name(name) && name.len() <= MAX_NAME) {
        if let Ok(length) = u16::try_from(name.len())
            && !seen.contains(&name.as_str())
        {
            seen.push(name);
            packed.extend_from_slice(&length.to_le_bytes());
            packed.extend_from_slice(name.as_bytes());
        }
    }
    packed
}
