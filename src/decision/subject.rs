//! A subject as the index keeps it: small, in few pieces of memory, judged against the clock when it is asked for.
//!
//! Rules: every beginning belongs to its span and every end does not, to the microsecond; a name that nobody may have
//! finds nobody; what cannot be read gives nothing. Pure; calls `rows`.

use std::sync::Arc;

use uuid::Uuid;

use super::Reason;
use super::explain::Bounds;
use super::rows::{GrantRow, GrantState, SubjectKind, SubjectRow, SubjectState};
use crate::clock::Timestamp;
use crate::ids::{AccountId, GrantId, Id};

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

/// A span of time in microseconds: `from` belongs to it, `until` does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: i64,
    pub(super) until: i64,
}

impl Span {
    fn of(from: Option<Timestamp>, until: Option<Timestamp>) -> Self {
        let from = from.map_or(i64::MIN, Timestamp::micros);
        let until = until.map_or(i64::MAX, Timestamp::micros);
        #[cfg(test)]
        let (from, until) = super::fault::span(from, until);
        Self { from, until }
    }
}

/// Values of resource properties to which a grant is limited.
pub(super) type Scope = Box<[(Box<str>, Box<[Box<str>]>)]>;

/// A grant as the index keeps it. Its role stands in [`Subject::roles`].
#[derive(Debug)]
pub(super) struct Grant {
    pub(super) span: Span,
    pub(super) id: u128,
    pub(super) scope: Option<Box<Scope>>,
    pub(super) state: GrantState,
}

impl Grant {
    fn of(row: &GrantRow) -> Option<Self> {
        let limits = |scope: &std::collections::BTreeMap<String, Vec<String>>| -> Box<Scope> {
            let values = |list: &Vec<String>| list.iter().map(|value| value.as_str().into()).collect();
            Box::new(scope.iter().map(|(name, list)| (name.as_str().into(), values(list))).collect())
        };
        Some(Self {
            span: Span::of(Some(row.valid_from), row.expires_at),
            id: number_of(&row.id)?,
            scope: row.scope.as_ref().map(limits),
            state: row.state,
        })
    }

    /// From when to when it counts.
    pub(super) fn bounds(&self) -> Bounds {
        let Span { from, until } = self.span;
        Bounds {
            valid_from: (from != i64::MIN).then(|| Timestamp::from_micros(from)),
            expires_at: (until != i64::MAX).then(|| Timestamp::from_micros(until)),
        }
    }

    /// Whether the grant counts at this instant, else why not.
    pub(super) fn counts(&self, now: i64) -> Result<(), Reason> {
        match self.state {
            _ if now >= self.span.until => Err(Reason::Expired),
            GrantState::Ended => Err(Reason::NoGrant),
            GrantState::Suspended => Err(Reason::Suspended),
            GrantState::Active if now < self.span.from => Err(Reason::NotYet),
            GrantState::Active => Ok(()),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    May,
    SuspendedUntil(i64),
    Left,
}

/// A person or service with its names and grants.
#[derive(Debug)]
pub struct Subject {
    /// The roles of `grants`, in their order and apart from them: most grants are passed over by their role alone.
    pub(super) roles: Box<[u32]>,
    pub(super) grants: Box<[Grant]>,
    names: Box<[u8]>,
    employed: Span,
    standing: Standing,
    pub(super) kind: SubjectKind,
    pub(super) strong_factor: bool,
    pub(super) is_manager: bool,
    pub(super) is_owner: bool,
    pub(super) account: u128,
}

impl Subject {
    /// The subject of a row; `None` if its id is no UUID.
    pub(super) fn of(row: &SubjectRow, mut number_of_role: impl FnMut(&str) -> u32) -> Option<Self> {
        let grants: Vec<(u32, Grant)> =
            row.grants.iter().filter_map(|row| Some((number_of_role(&row.role), Grant::of(row)?))).collect();
        let (roles, grants): (Vec<u32>, Vec<Grant>) = grants.into_iter().unzip();
        Some(Self {
            roles: roles.into(),
            grants: grants.into(),
            names: pack(&row.names),
            employed: Span::of(row.valid_from, row.valid_until),
            standing: match row.state {
                SubjectState::Invited | SubjectState::Active => Standing::May,
                SubjectState::Suspended { until } => {
                    Standing::SuspendedUntil(until.map_or(i64::MAX, Timestamp::micros))
                }
                SubjectState::Left | SubjectState::Erased => Standing::Left,
            },
            kind: row.kind,
            strong_factor: row.strong_factor,
            is_manager: row.is_manager,
            is_owner: row.is_owner,
            account: number_of(&row.account)?,
        })
    }

    /// Whether the subject may act at all at this instant, else why not.
    pub(super) fn may_act(&self, now: i64) -> Result<(), Reason> {
        match self.standing {
            Standing::Left => Err(Reason::Left),
            _ if now >= self.employed.until => Err(Reason::Left),
            Standing::SuspendedUntil(until) if now < until || until == i64::MAX => Err(Reason::Suspended),
            _ if now < self.employed.from => Err(Reason::NotYet),
            _ => Ok(()),
        }
    }

    /// Whether the subject can be asked by this name.
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.names().any(|own| own == name.as_bytes())
    }

    /// Every name the subject can be asked by, as bytes.
    pub(super) fn names(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest: &[u8] = &self.names;
        std::iter::from_fn(move || {
            let (length, after) = rest.split_first_chunk::<2>()?;
            let (name, next) = after.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
            rest = next;
            Some(name)
        })
    }

    /// Whether both can be asked by the same names, in the same order.
    pub(super) fn has_names_of(&self, other: &Self) -> bool {
        self.names == other.names
    }
}

/// Names one behind the other, each with its length before it: one piece of memory for all of them.
fn pack(names: &[String]) -> Box<[u8]> {
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
    packed.into()
}

/// The grants that gave a permission: all of them, for each counts as used.
#[derive(Debug, Clone, Default)]
pub struct Given {
    pub(super) subject: Option<Arc<Subject>>,
    /// Positions below 64, as bits: nearly nobody has more grants, and no memory is asked for.
    few: u64,
    more: Vec<usize>,
}

impl Given {
    pub(super) fn of(subject: Arc<Subject>) -> Self {
        Self { subject: Some(subject), few: 0, more: Vec::new() }
    }

    pub(super) fn add(&mut self, position: usize) {
        match position {
            0..64 => self.few |= 1 << position,
            _ => self.more.push(position),
        }
    }

    pub(super) fn clear(&mut self) {
        self.few = 0;
        self.more.clear();
    }

    /// The grants, each once. Empty where birth, position or nothing gave the permission.
    pub fn grants(&self) -> impl Iterator<Item = GrantId> {
        self.rows().filter_map(|grant| id_of(grant.id))
    }

    /// The properties, with their values, to which these grants are limited.
    pub fn limits(&self) -> impl Iterator<Item = (&str, impl Iterator<Item = &str>)> {
        let scopes = self.rows().filter_map(|grant| grant.scope.as_deref());
        scopes.flatten().map(|(property, values)| (&**property, values.iter().map(|value| &**value)))
    }

    fn rows(&self) -> impl Iterator<Item = &Grant> {
        let few = (0..64).filter(|position| self.few >> position & 1 == 1);
        let positions = few.chain(self.more.iter().copied());
        let own = self.subject.as_deref();
        positions.filter_map(move |position| own?.grants.get(position))
    }

    /// The account that was asked about, if there is one of that name.
    pub fn account(&self) -> Option<AccountId> {
        id_of(self.subject.as_deref()?.account)
    }
}
