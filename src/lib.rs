//! Bailiwick: identity and access governance. Who are they, what may they touch and why, when does it end.
//!
//! The modules are the table of contents of the domain. Calls run one way: `http` → slices → `log`, `vault`,
//! `profile` → `db`; within a slice `http.rs` → `mod.rs` → `store.rs`.

pub mod access;
pub mod accounts;
pub mod alarms;
pub mod app;
pub mod caller;
pub mod cli;
pub mod clock;
pub mod config;
pub mod control;
pub mod db;
pub mod decision;
pub mod demo;
pub mod disk;
pub mod entropy;
pub mod error;
pub mod exceptions;
pub mod governed;
pub mod http;
pub mod ids;
pub mod jobs;
pub mod leavers;
pub mod log;
pub mod network;
pub mod notify;
pub mod organisation;
pub mod profile;
pub mod provisioning;
pub mod requests;
pub mod reviews;
pub mod sheet;
pub mod signin;
pub mod sso;
pub mod vault;
