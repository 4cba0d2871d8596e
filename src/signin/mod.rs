//! Signing in: passwords, lockout, second factors, sessions, one-time links.
//!
//! Rules: nothing is hashed inside a transaction; unknown, wrong and locked look alike; a password alone opens
//! nothing and enrols nothing. May call: `access`, `accounts`, `organisation`, and what lies below all slices.

pub mod hasher;
pub mod limits;
pub mod links;
pub mod lockout;
pub mod password;
pub mod sessions;
mod store;
pub mod totp;
