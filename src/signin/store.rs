//! The tables of signing in: sessions, passwords, attempts, factors, recovery codes, passkeys, one-time links, known
//! devices, shared workstations.
//!
//! The only place of this slice with diesel. Whatever may be used once is decided by one conditional statement.

pub(super) mod attempts;
pub(super) mod credentials;
pub(super) mod devices;
pub(super) mod links;
pub(super) mod passkeys;
pub(super) mod recovery;
pub(super) mod sessions;
pub(super) mod workstations;
