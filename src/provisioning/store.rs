//! Rows of holdings, of the lists they came from, and of tasks.

pub(super) mod holdings;
pub(super) mod tasks;
