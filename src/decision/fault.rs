//! Deliberate mistakes of the compiler, one at a time, to see that the tests notice each. Only in tests.

use std::cell::Cell;
use std::collections::HashMap;

use super::policy::{Birth, Row};
use super::rows::{GrantState, SubjectState};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// A row is good for every action of its feature.
    AnyAction,
    /// A row is good for the feature and action of that name in every application.
    AnyApplication,
    /// What denies allows.
    DenialAllows,
    /// What allows denies.
    PermissionDenies,
    /// A grant counts from ever.
    NoBeginning,
    /// A grant counts for ever.
    NoEnd,
    /// A grant counts at its last instant too.
    EndIncluded,
    /// The longest chain loses its last link.
    OneLinkTooFew,
    /// A chain that is too long is compiled.
    OneLinkTooMany,
    /// Only a role's own rows count.
    NoInheritance,
    /// A row is good for the action of that name of every feature of its application.
    AnyFeature,
    /// A grant counts a microsecond too late.
    BeginsLate,
    /// A grant that rests counts.
    RestingCounts,
    /// A grant that is over counts until its end.
    EndedCounts,
    /// Somebody who is gone may act.
    GoneMayAct,
    /// What belongs to a position belongs to everybody.
    PositionForAll,
    /// Nobody has anything by birth or position.
    NobodyBorn,
}

impl Fault {
    /// All of them.
    pub(super) const ALL: [Self; 17] = [
        Self::AnyAction,
        Self::AnyFeature,
        Self::AnyApplication,
        Self::DenialAllows,
        Self::PermissionDenies,
        Self::NoBeginning,
        Self::BeginsLate,
        Self::NoEnd,
        Self::EndIncluded,
        Self::RestingCounts,
        Self::EndedCounts,
        Self::GoneMayAct,
        Self::PositionForAll,
        Self::NobodyBorn,
        Self::OneLinkTooFew,
        Self::OneLinkTooMany,
        Self::NoInheritance,
    ];
}

thread_local! {
    static FAULT: Cell<Option<Fault>> = const { Cell::new(None) };
}

/// Does something while one thing goes wrong.
pub(super) fn with<T>(fault: Fault, work: impl FnOnce() -> T) -> T {
    FAULT.set(Some(fault));
    let result = work();
    FAULT.set(None);
    result
}

/// Whether this goes wrong just now.
pub(super) fn is(fault: Fault) -> bool {
    FAULT.get() == Some(fault)
}

/// The row as the compiler at fault sees it.
pub(super) fn effect(row: Row) -> Row {
    let allows = (row.allows && !is(Fault::PermissionDenies)) || is(Fault::DenialAllows);
    Row { allows, ..row }
}

/// The bounds as the compiler at fault sees them.
pub(super) fn span(from: i64, until: i64) -> (i64, i64) {
    match FAULT.get() {
        Some(Fault::NoBeginning) => (i64::MIN, until),
        Some(Fault::BeginsLate) => (from.saturating_add(1), until),
        Some(Fault::NoEnd) => (from, i64::MAX),
        Some(Fault::EndIncluded) => (from, until.saturating_add(1)),
        _ => (from, until),
    }
}

/// The state of a grant as the compiler at fault sees it.
pub(super) fn grant_state(state: GrantState) -> GrantState {
    match state {
        GrantState::Suspended if is(Fault::RestingCounts) => GrantState::Active,
        GrantState::Ended if is(Fault::EndedCounts) => GrantState::Active,
        state => state,
    }
}

/// The state of a subject as the compiler at fault sees it.
pub(super) fn subject_state(state: SubjectState) -> SubjectState {
    if is(Fault::GoneMayAct) { SubjectState::Active } else { state }
}

/// What gives a role without a grant, as the compiler at fault sees it; `None` for nothing.
pub(super) fn birth(birth: Birth) -> Option<Birth> {
    match FAULT.get() {
        Some(Fault::NobodyBorn) => None,
        Some(Fault::PositionForAll) => Some(Birth::Right),
        _ => Some(birth),
    }
}

/// Where the compiler at fault puts a row; `None` if it does it right.
pub(super) fn targets(
    found: &HashMap<(&str, &str, &str), usize>,
    (application, feature, action): (&str, &str, &str),
) -> Option<Vec<usize>> {
    let wrong = |key: &(&str, &str, &str)| match FAULT.get() {
        Some(Fault::AnyAction) => key.0 == application && key.1 == feature,
        Some(Fault::AnyFeature) => key.0 == application && key.2 == action,
        Some(Fault::AnyApplication) => key.1 == feature && key.2 == action,
        _ => false,
    };
    let places: Vec<usize> = found.iter().filter(|(key, _)| wrong(key)).map(|(_, place)| *place).collect();
    if places.is_empty() { None } else { Some(places) }
}

/// Whether the compiler at fault stops before it adds roles that are so many links away.
pub(super) fn cuts(links: usize) -> bool {
    is(Fault::NoInheritance) || (is(Fault::OneLinkTooFew) && links == super::MAX_LINKS)
}
