//! Signing in: passwords, lockout, second factors, sessions, one-time links.
//!
//! Rules: nothing is hashed inside a transaction; unknown, wrong and locked look alike; a password alone opens
//! nothing and enrols nothing. May call: `access`, `accounts`, and what lies below all slices.

pub mod hasher;
pub mod limits;
pub mod sessions;
mod store;
