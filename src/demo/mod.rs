//! The demonstration: a house filled with an example company, so that a visitor finds every page alive.
//!
//! Rules: what has happened in it happened through the same use cases as anywhere else, by people who signed in, under
//! a clock that was moved through the last two months; no table is written past them, and the log verifies. Nobody in
//! it exists. May call: every slice.

mod cast;
mod company;
mod history;
mod past;

use std::sync::Arc;

pub use cast::Visitor;

use crate::app::App;
use crate::clock::{ManualClock, Timestamp};
use crate::config::Config;
use crate::entropy::OsEntropy;
use crate::error::Result;
use past::Past;

/// What every page calls the organisation.
pub const ORGANISATION: &str = "Heron Parcel (demonstration)";

/// Fills an empty house with the example company as it stands at `now`; who may visit it, with their ways in.
///
/// # Errors
/// Whatever a use case refuses, which a test rules out; a fault of the database.
pub fn fill(config: Config, now: Timestamp) -> Result<Vec<Visitor>> {
    let clock = Arc::new(ManualClock::at(now.minus(history::SPAN)));
    let app = App::open(config, clock.clone(), Arc::new(OsEntropy))?;
    let mut past = Past::new(app, clock, now)?;
    history::happen(&mut past)?;
    past.end()
}
