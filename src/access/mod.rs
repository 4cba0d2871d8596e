//! What may be touched and by whom: applications with their features and roles, grants of them, and what stops them.
//!
//! Rules: deny is the default; a feature of class `pii` is reached through an access role or not at all; every grant
//! ends; nothing in a catalogue is ignored silently. May call `accounts` and the rooms below all slices.

pub mod apply;
pub mod approval;
pub mod attestations;
pub mod catalogue;
pub mod collisions;
mod ending;
pub mod exclusion;
pub mod export;
pub mod expression;
pub mod floor;
mod giving;
pub mod grants;
pub mod hours;
pub mod http;
pub mod importing;
pub mod integrity;
pub mod jobs;
pub mod key_ring;
pub mod keys;
pub mod kill_switches;
pub mod limits;
pub mod lint;
pub mod named_networks;
pub mod names;
pub mod own;
pub mod past;
pub mod people;
pub mod permissions;
pub mod positions;
mod private_roles;
pub mod proposals;
pub mod records;
pub mod requirement;
pub mod roles;
pub mod routes;
pub mod scope;
mod second_person;
pub mod settings;
mod store;
pub mod words;

pub use crate::network as networks;
