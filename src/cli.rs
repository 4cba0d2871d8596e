//! The command line. Data goes to standard output, everything else to standard error.
//!
//! Exit codes: 0 done, 1 refused or found wrong, 2 wrong usage, 3 waits for a second person. May call: `control`, `config`, `http::server`.

mod arguments;
mod config;
mod demo;
mod files;
mod print;
mod serve;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use serde_json::json;
use tracing_subscriber::EnvFilter;

use crate::access::apply::PolicyFile;
use crate::config::{Config, Overrides};
use crate::control::{self, Output, Refusal};
use crate::error::{Error, Result};
use arguments::{Cli, Command, House, Import, Key, KillSwitch, Log, Policy, Recover, Settings};

/// Runs the command that the process was called with.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let json = cli.common.json;
    match execute(cli) {
        Ok(output) => print::outcome(&output, json),
        Err(refusal) => print::refusal(&refusal),
    }
}

fn execute(cli: Cli) -> std::result::Result<Output, Refusal> {
    let mut overrides = Overrides {
        config: cli.common.config,
        data: cli.common.data,
        database: cli.common.database,
        ..Overrides::default()
    };
    match cli.command {
        Command::Serve { listen, public_url } => {
            overrides.listen = listen;
            overrides.public_url = public_url;
            let config = Config::load(overrides)?;
            log_to_stderr("info", config.json_logs);
            serve::serve(config)?;
            Ok(Output::default())
        }
        Command::Demo { listen } => {
            overrides.listen = listen;
            log_to_stderr("warn", false);
            demo::demo(overrides)?;
            Ok(Output::default())
        }
        Command::Config(Settings::Check) => Ok(config::check(&Config::load(overrides)?)?),
        Command::Version => Ok(version()),
        Command::Policy(Policy::Test { directory, profile }) => {
            let (catalogues, tests) = (files::catalogues(&directory)?, files::tests(&directory)?);
            Ok(control::policy_test(&catalogues, &tests, &profile)?)
        }
        Command::Policy(Policy::Diff { directory }) => {
            let config = Config::load(overrides)?;
            log_to_stderr("warn", config.json_logs);
            let command = control::Command::PolicyDiff { files: files::catalogues(&directory)? };
            control::client::run(config, command, &mut print::message)
        }
        Command::House(wanted) => {
            let config = Config::load(overrides)?;
            log_to_stderr("warn", config.json_logs);
            carry_out(config, wanted)
        }
    }
}

fn carry_out(config: Config, wanted: House) -> std::result::Result<Output, Refusal> {
    let (command, directory) = match wanted {
        House::Invite(invite) => (control::Command::Invite(invite.into()), None),
        House::Recover(Recover::Administrator { username }) => {
            (control::Command::RecoverAdministrator { username }, None)
        }
        House::Import(Import::People { file, dry_run }) => {
            (control::Command::ImportPeople { file: files::base64(&file)?, dry_run }, None)
        }
        House::Import(Import::Grants { file, dry_run }) => {
            (control::Command::ImportGrants { file: files::base64(&file)?, dry_run }, None)
        }
        House::Apply { directory, dry_run } => {
            (control::Command::Apply { files: files::policies(&directory)?, dry_run }, None)
        }
        House::Export { directory } => (control::Command::Export, Some(directory)),
        House::Key(Key::Issue(issue)) => (control::Command::KeyIssue(issue.into()), None),
        House::KillSwitch(KillSwitch::List) => (control::Command::KillSwitchList, None),
        House::KillSwitch(KillSwitch::Lift { id }) => (control::Command::KillSwitchLift { id }, None),
        House::Log(Log::Verify { against }) => {
            (control::Command::LogVerify { against: against.as_deref().map(files::text).transpose()? }, None)
        }
        House::Log(Log::Checkpoint) => (control::Command::LogCheckpoint, None),
        House::Log(Log::Export) => (control::Command::LogExport, None),
        House::Doctor => (control::Command::Doctor, None),
    };
    let output = control::client::run(config, command, &mut print::message)?;
    match directory {
        Some(directory) => Ok(write_out(&directory, output)?),
        None => Ok(output),
    }
}

/// Exported files come back as data; where they go is this process's business.
fn write_out(directory: &Path, mut found: Output) -> Result<Output> {
    let files: Vec<PolicyFile> = serde_json::from_value(found.data["files"].take())
        .map_err(|cause| Error::internal("reading the exported files", cause))?;
    let lines = files::write(directory, &files)?;
    Ok(Output { data: json!({ "files": lines }), lines, ..found })
}

fn version() -> Output {
    let version = env!("CARGO_PKG_VERSION");
    Output { lines: vec![version.to_owned()], data: json!({ "version": version }), ..Output::default() }
}

/// What is written to the log: the library for passkeys says at length what the house says in one line.
fn filtered(level: &str) -> String {
    format!("{level},webauthn_rs=off,webauthn_rs_core=off")
}

fn log_to_stderr(level: &str, json: bool) {
    use std::io::{IsTerminal, stderr};
    let filter = EnvFilter::try_from_env("BAILIWICK_LOG").unwrap_or_else(|_| EnvFilter::new(filtered(level)));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    if json { builder.json().init() } else { builder.with_ansi(stderr().is_terminal()).init() }
}
