//! What may be touched and by whom: applications with their features and roles.
//!
//! Rules: deny is the default; a feature of class `pii` is reached through an access role or not at all; nothing in a
//! catalogue is ignored silently. May call `accounts` and the rooms below all slices.

pub mod approval;
pub mod catalogue;
pub mod exclusion;
pub mod lint;
pub mod names;
