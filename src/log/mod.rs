//! The log `changes`: everything that changes state, numbered and hashed inside the transaction that changed it.
//!
//! Rules: number order is commit order; an event is never updated or deleted; events carry opaque ids and digests,
//! never names or typed text. May call: `db`, `vault` (the signing key).

pub mod access;
pub mod append;
pub mod checkpoint;
pub mod command;
pub mod event;
pub mod freshness;
pub mod history;
pub mod jobs;
pub mod proof;
pub mod store;
pub mod tail;
pub mod tree;
pub mod verify;
pub mod wake;
