//! The policies as dated data: parameters with their clauses, and the reading of every policy file.
//!
//! Rules: no number of a policy is a constant in code; every complaint about a file names file, line and remedy. This
//! room lies below all slices and calls none of them; it is pure, touches no database and no clock.

pub mod document;
pub mod period;
pub mod refusal;

pub use document::Document;
pub use period::{Period, PeriodUnit};
pub use refusal::Refusal;
