//! The command line. Data goes to standard output, everything else to standard error.
//!
//! Exit codes: 0 done, 1 refused or found wrong, 2 wrong usage. May call: `control`, `config`, `http::server`.

mod config;
mod print;
mod serve;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use serde_json::json;
use tracing_subscriber::EnvFilter;

use crate::config::{Config, Overrides};
use crate::control::{self, Output, Refusal};
use crate::error::Error;
use crate::signin::inviting::Invitation;

/// Identity and access governance: who are they, what may they touch and why, when does it end.
#[derive(Parser)]
#[command(name = "bailiwick", version, disable_help_subcommand = true)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
struct Common {
    /// Configuration file (TOML)
    #[arg(long, global = true, value_name = "FILE", env = "BAILIWICK_CONFIG")]
    config: Option<PathBuf>,
    /// Data directory (default ./data)
    #[arg(long, global = true, value_name = "DIR", env = "BAILIWICK_DATA")]
    data: Option<PathBuf>,
    /// Database URL (default: SQLite in the data directory)
    #[arg(long, global = true, value_name = "URL", env = "BAILIWICK_DATABASE", hide_env_values = true)]
    database: Option<String>,
    /// Print data as JSON
    #[arg(long, global = true, env = "BAILIWICK_JSON")]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Start the server; the first start makes keys, database and certificate and prints the set-up link
    Serve {
        /// Address to listen on (default 127.0.0.1:8443)
        #[arg(long, value_name = "ADDRESS", env = "BAILIWICK_LISTEN")]
        listen: Option<SocketAddr>,
        /// URL under which people reach this house (default https://localhost:PORT)
        #[arg(long, value_name = "URL", env = "BAILIWICK_PUBLIC_URL")]
        public_url: Option<String>,
    },
    /// Create or find a person and print a one-time link to a password and a second factor
    Invite(Invite),
    /// Prove, sign or write out the log
    #[command(subcommand)]
    Log(Log),
    /// Look at the settings
    #[command(subcommand)]
    Config(Settings),
    /// Look at everything that is known to go wrong
    Doctor,
    /// Print the version
    Version,
}

#[derive(Args)]
struct Invite {
    /// What the person signs in with
    username: String,
    /// Given name
    #[arg(long, value_name = "NAME")]
    given_name: Option<String>,
    /// Family name
    #[arg(long, value_name = "NAME")]
    family_name: Option<String>,
    /// E-mail address
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// A role of Bailiwick itself to give, such as bailiwick/auditor
    #[arg(long = "role", value_name = "ROLE", num_args = 1..)]
    roles: Vec<String>,
}

impl From<Invite> for Invitation {
    fn from(invite: Invite) -> Self {
        let Invite { username, given_name, family_name, email, roles } = invite;
        Self { username, given_name, family_name, email, roles }
    }
}

#[derive(Subcommand)]
enum Log {
    /// Compute the whole log again and hold it against its signatures and the tables
    Verify {
        /// A checkpoint that was kept elsewhere: prove that today's log extends it
        #[arg(long, value_name = "FILE")]
        against: Option<PathBuf>,
    },
    /// Sign the log as it stands and print the checkpoint
    Checkpoint,
    /// Print every event, one JSON object a line
    Export,
}

#[derive(Subcommand)]
enum Settings {
    /// Read the settings as `serve` would, and print them
    Check,
}

/// Runs the command that the process was called with.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let json = cli.common.json;
    match execute(cli) {
        Ok(output) => print::outcome(&output, json),
        Err(refusal) => print::refusal(&refusal),
    }
}

fn execute(cli: Cli) -> Result<Output, Refusal> {
    let mut overrides = Overrides {
        config: cli.common.config,
        data: cli.common.data,
        database: cli.common.database,
        ..Overrides::default()
    };
    let command = match cli.command {
        Command::Serve { listen, public_url } => {
            overrides.listen = listen;
            overrides.public_url = public_url;
            let config = Config::load(overrides)?;
            log_to_stderr("info", config.json_logs);
            serve::serve(config)?;
            return Ok(Output::default());
        }
        Command::Config(Settings::Check) => return Ok(config::check(&Config::load(overrides)?)?),
        Command::Version => return Ok(version()),
        Command::Invite(invite) => control::Command::Invite(invite.into()),
        Command::Log(Log::Verify { against }) => {
            control::Command::LogVerify { against: against.as_deref().map(text_of).transpose()? }
        }
        Command::Log(Log::Checkpoint) => control::Command::LogCheckpoint,
        Command::Log(Log::Export) => control::Command::LogExport,
        Command::Doctor => control::Command::Doctor,
    };
    let config = Config::load(overrides)?;
    log_to_stderr("warn", config.json_logs);
    control::client::run(config, command, &mut print::message)
}

fn version() -> Output {
    let version = env!("CARGO_PKG_VERSION");
    Output { lines: vec![version.to_owned()], data: json!({ "version": version }), ..Output::default() }
}

/// The text of a file that an option names.
fn text_of(path: &Path) -> Result<String, Error> {
    let refused =
        |cause: std::io::Error| Error::field(path.display().to_string(), format!("cannot be read: {cause}"));
    fs::read_to_string(path).map_err(refused)
}

fn log_to_stderr(level: &str, json: bool) {
    use std::io::{IsTerminal, stderr};
    let filter = EnvFilter::try_from_env("BAILIWICK_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    if json { builder.json().init() } else { builder.with_ansi(stderr().is_terminal()).init() }
}
