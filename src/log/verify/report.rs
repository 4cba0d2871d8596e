//! What a verification found, in words.

use std::fmt;

use serde::Serialize;

use crate::log::event::Change;

/// How many differences are named; further ones are counted.
const NAMED: usize = 100;

/// One thing that is not as the log says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The event, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<u64>,
    /// The governed table, if it is about a row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// The row's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<String>,
    /// What is the matter, such as "event 184: the stored text does not match its leaf".
    pub text: String,
}

/// The outcome of a verification.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The log's epoch.
    pub epoch: String,
    /// The log's size: the revision up to which it was verified.
    pub size: u64,
    /// The root of its tree as Base64, computed from the events.
    pub root: String,
    /// How many events were read.
    pub events: u64,
    /// How many signed checkpoints were met.
    pub checkpoints: u64,
    /// How many governed rows the events account for.
    pub rows: u64,
    /// Whether the whole log and the tables were read, not only what is new.
    pub complete: bool,
    /// What is not as it should be, in the order in which it was met, at most a hundred.
    pub differences: Vec<Difference>,
    /// How many more differences there are.
    pub further: u64,
}

impl Report {
    /// Whether everything is as the log says.
    pub fn is_sound(&self) -> bool {
        self.differences.is_empty()
    }

    /// The first difference in words.
    pub fn first(&self) -> Option<&str> {
        self.differences.first().map(|difference| difference.text.as_str())
    }

    /// Adds what was found elsewhere.
    #[must_use]
    pub fn with(mut self, differences: Vec<Difference>) -> Self {
        let room = NAMED.saturating_sub(self.differences.len());
        self.further += differences.len().saturating_sub(room) as u64;
        self.differences.extend(differences.into_iter().take(room));
        self
    }

    /// The event that records this verification, in which a checkpoint of that size was held against the log.
    pub fn change_against(&self, checkpoint: u64) -> Change {
        let differences = self.differences.len() as u64 + self.further;
        Change::LogVerified {
            size: self.size,
            complete: self.complete,
            differences,
            against: Some(checkpoint),
        }
    }

    /// The event that records this verification.
    pub fn change(&self) -> Change {
        let differences = self.differences.len() as u64 + self.further;
        Change::LogVerified { size: self.size, complete: self.complete, differences, against: None }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "log        {} ({} events)", self.epoch, self.size)?;
        writeln!(f, "root       {}", self.root)?;
        let scope = if self.complete { "the whole log and the tables" } else { "what is new" };
        writeln!(
            f,
            "checked    {scope}: {} events, {} checkpoints, {} rows",
            self.events, self.checkpoints, self.rows
        )?;
        if self.is_sound() {
            return write!(f, "outcome    everything is as the log says");
        }
        write!(f, "outcome    DIFFERENCES")?;
        for difference in &self.differences {
            write!(f, "\n  - {}", difference.text)?;
        }
        if self.further > 0 {
            write!(f, "\n  - and {} more", self.further)?;
        }
        Ok(())
    }
}

/// Differences as they are met.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) named: Vec<Difference>,
    pub(super) further: u64,
}

impl Findings {
    fn add(&mut self, difference: Difference) {
        if self.full() { self.more() } else { self.named.push(difference) }
    }

    /// Whether no further difference will be named.
    pub(super) fn full(&self) -> bool {
        self.named.len() >= NAMED
    }

    /// Counts a difference that is not named.
    pub(super) fn more(&mut self) {
        self.further += 1;
    }

    /// Something about one event.
    pub(super) fn event(&mut self, number: u64, what: String) {
        let text = format!("event {number}: {what}");
        self.add(Difference { event: Some(number), table: None, row: None, text });
    }

    /// Something about one governed row.
    pub(super) fn row(&mut self, table: &str, id: &str, what: String) {
        let text = format!("{table} {id}: {what}");
        self.add(Difference { event: None, table: Some(table.to_owned()), row: Some(id.to_owned()), text });
    }

    /// Something about the log as a whole.
    pub(super) fn log(&mut self, text: String) {
        self.add(Difference { event: None, table: None, row: None, text });
    }
}
