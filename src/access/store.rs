//! Rows of this slice: catalogue, grants, kill switches, keys, and what access must know of accounts.

pub(super) mod attestations;
pub(super) mod catalogue;
pub(super) mod grants;
pub(super) mod keys;
pub(super) mod kill_switches;
pub(super) mod people;
pub(super) mod proposals;
pub(super) mod settings;
