//! An account as it stood in the past: what decided about it, read back from its history.
//!
//! Pure.

use serde::Deserialize;

use super::{Kind, Status};
use crate::clock::Timestamp;
use crate::ids::AccountId;

/// What decided about an account. No names: those are kept as they are now.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Past {
    /// Person or service.
    pub kind: Kind,
    /// Where it stood.
    pub status: Status,
    /// Who managed it.
    pub manager: Option<AccountId>,
    /// The first instant at which it counted.
    pub starts_at: Option<Timestamp>,
    /// The first instant at which it did not count any more.
    pub ends_at: Option<Timestamp>,
    /// Whether a strong factor was enrolled.
    pub strong_factor: bool,
}
