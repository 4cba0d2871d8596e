//! Commands of the host's shell: what they are, and the two ways in which they are carried out.
//!
//! Rules: a command that finds a server running on the data directory is carried out by that server, so that its
//! caches follow before the command ends; without a server the command takes the directory's lock and works by itself.
//! Either way the operating system's user is recorded as the actor, and whoever asked hears the same. Commands carry
//! names that people type, so they are never logged. May call: `app` and every slice.

mod address;
pub mod client;
mod doctor;
mod grants;
mod keys;
mod kill_switches;
pub mod lock;
mod log;
mod people;
mod policy;
pub mod server;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use keys::Wanted;
pub use policy::test as policy_test;

use crate::access::apply::PolicyFile;
use crate::app::App;
use crate::caller::Caller;
use crate::error::{Error, FieldError, Result};
use crate::signin::inviting::Invitation;

/// A command of the shell, as it travels to the server.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Creates or finds a person and makes their link.
    Invite(Invitation),
    /// Makes a new way in for an administrator.
    RecoverAdministrator {
        /// What they sign in with.
        username: String,
    },
    /// Reads a people file.
    ImportPeople {
        /// The file's bytes in Base64: whether they are text is judged with the rest of it.
        file: String,
        /// Whether it is only tried.
        dry_run: bool,
    },
    /// Reads the lists of who has which role in other systems.
    ImportGrants {
        /// The file's bytes in Base64.
        file: String,
        /// Whether it is only tried.
        dry_run: bool,
    },
    /// Brings catalogues into force.
    Apply {
        /// The files.
        files: Vec<PolicyFile>,
        /// Whether it is only tried.
        dry_run: bool,
    },
    /// The catalogues in force, as files.
    Export,
    /// Who would gain and lose what if catalogues were applied.
    PolicyDiff {
        /// The files.
        files: Vec<PolicyFile>,
    },
    /// Makes a service with a key.
    KeyIssue(Wanted),
    /// The kill switches that are pulled.
    KillSwitchList,
    /// Lifts a kill switch.
    KillSwitchLift {
        /// Its id.
        id: String,
    },
    /// Proves the log and the governed tables.
    LogVerify {
        /// The text of a checkpoint that was kept elsewhere.
        against: Option<String>,
    },
    /// Signs the log as it stands.
    LogCheckpoint,
    /// Every event's canonical text, one a line.
    LogExport,
    /// Looks at everything that is known to go wrong.
    Doctor,
}

impl Command {
    /// Whether it only looks, so that the house is left as it is found, also if it is of an older version or damaged.
    /// That a checkpoint kept elsewhere fits is recorded, but only in a house in which nothing is wrong.
    fn only_looks(&self) -> bool {
        matches!(self, Self::LogVerify { .. } | Self::LogExport | Self::Doctor)
    }
}

/// What a command brought about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Lines for standard output.
    pub lines: Vec<String>,
    /// Lines for standard error: warnings, advice.
    pub notes: Vec<String>,
    /// The same as data, for `--json`; null where the lines are data already.
    pub data: Value,
    /// Whether the command found something wrong: the exit code is 1 then.
    pub wrong: bool,
    /// Whether it waits for somebody's word before it takes effect: the exit code is 3 then.
    #[serde(default)]
    pub waits: bool,
}

/// Why a command was not carried out, one complaint a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The complaints.
    pub lines: Vec<String>,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let line = |field: &FieldError| match &field.clause {
            Some(clause) => format!("{}: {} ({clause})", field.field, field.detail),
            None => format!("{}: {}", field.field, field.detail),
        };
        match &error {
            Error::Invalid(fields) => Self { lines: fields.iter().map(line).collect() },
            other => Self { lines: vec![other.to_string()] },
        }
    }
}

/// One line from whoever carries a command out to whoever asked for it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// How far it is, for standard error.
    Progress(String),
    /// A piece of what goes to standard output, for commands whose output does not fit into memory.
    Piece(String),
    /// It is done.
    Done(Output),
    /// It was refused or failed.
    Failed(Refusal),
}

/// The way back to whoever asked.
pub struct Asker<'a>(&'a mut dyn FnMut(Message) -> std::io::Result<()>);

impl<'a> Asker<'a> {
    /// Whoever hears messages by `hear`.
    pub fn new(hear: &'a mut dyn FnMut(Message) -> std::io::Result<()>) -> Self {
        Self(hear)
    }

    /// Says how far the command is. Nobody need listen any more: the command is carried out all the same.
    pub fn progress(&mut self, text: impl Into<String>) {
        let _ = (self.0)(Message::Progress(text.into()));
    }

    /// Hands a piece of output over.
    fn piece(&mut self, text: String) -> std::io::Result<()> {
        (self.0)(Message::Piece(text))
    }
}

/// Carries a command out, on a blocking thread.
///
/// # Errors
/// Whatever the use case returns.
pub fn execute(app: &App, caller: &Caller, command: Command, asker: &mut Asker<'_>) -> Result<Output> {
    match command {
        Command::Invite(wanted) => people::invite(app, caller, wanted),
        Command::RecoverAdministrator { username } => people::recover(app, caller, &username),
        Command::ImportPeople { file, dry_run } => people::import(app, caller, &file, dry_run, asker),
        Command::ImportGrants { file, dry_run } => grants::import(app, caller, &file, dry_run, asker),
        Command::Apply { files, dry_run } => policy::apply(app, caller, &files, dry_run),
        Command::Export => policy::export(app),
        Command::PolicyDiff { files } => policy::diff(app, caller, files),
        Command::KeyIssue(wanted) => keys::issue(app, caller, wanted),
        Command::KillSwitchList => kill_switches::list(app),
        Command::KillSwitchLift { id } => kill_switches::lift(app, caller, &id),
        Command::LogVerify { against } => log::verify(app, caller, against.as_deref()),
        Command::LogCheckpoint => log::checkpoint(app),
        Command::LogExport => log::export(app, asker),
        Command::Doctor => doctor::examine(app),
    }
}
