//! The integration tests: one binary, so that it links once. Every test runs on SQLite, and on PostgreSQL when
//! `BAILIWICK_TEST_DATABASE_URL` names a server where databases may be made.
#![expect(clippy::expect_used, reason = "a test that cannot go on says why")]

mod access_apply;
mod access_grants;
mod access_http;
mod accounts;
mod accounts_http;
mod accounts_import;
mod alarms;
mod architecture;
mod catalogue;
mod cli;
mod cli_people;
mod cli_policy;
mod door;
mod evaluation;
mod example_people;
mod exceptions;
mod freshness;
mod grants_import;
mod grants_import_http;
mod kill;
mod leavers;
mod log;
mod log_http;
mod pages;
mod permissions;
mod problems;
mod profile;
mod profile_files;
mod profile_order;
mod recorder;
mod recovery;
mod requests;
mod reviews;
mod routes;
mod schema;
mod signin;
mod signin_lockout;
mod signin_password;
mod signin_sessions;
mod small_firm;
mod story;
mod support;
mod tasks;
