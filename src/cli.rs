//! The command line. Data goes to standard output, everything else to standard error.
//!
//! Exit codes: 0 done, 1 refused or found wrong, 2 wrong usage. May call: `app`, `http::server`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::app::App;
use crate::clock::SystemClock;
use crate::config::{Config, Overrides};
use crate::entropy::OsEntropy;
use crate::error::Result;
use crate::http;

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
    #[arg(long, global = true, env = "BAILIWICK_CONFIG")]
    config: Option<PathBuf>,
    /// Data directory (default ./data)
    #[arg(long, global = true, env = "BAILIWICK_DATA")]
    data: Option<PathBuf>,
    /// Database URL (default: SQLite in the data directory)
    #[arg(long, global = true, env = "BAILIWICK_DATABASE", hide_env_values = true)]
    database: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Start the server; the first start makes keys, database and certificate and prints the set-up link
    Serve {
        /// Address to listen on (default 127.0.0.1:8443)
        #[arg(long, env = "BAILIWICK_LISTEN")]
        listen: Option<SocketAddr>,
        /// URL under which people reach this house (default https://localhost:PORT)
        #[arg(long, env = "BAILIWICK_PUBLIC_URL")]
        public_url: Option<String>,
    },
    /// Print the version
    Version,
}

/// Runs the command that the process was called with.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    match execute(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bailiwick: {error}");
            ExitCode::FAILURE
        }
    }
}

fn execute(cli: Cli) -> Result<()> {
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
            serve(Config::load(overrides)?)
        }
        Command::Version => {
            println!("{}", env!("CARGO_PKG_VERSION"));
            Ok(())
        }
    }
}

fn serve(config: Config) -> Result<()> {
    log_to_stderr(config.json_logs);
    let app = App::open(config, Arc::new(SystemClock::default()), Arc::new(OsEntropy))?;
    actix_web::rt::System::new().block_on(http::server::serve(app, |app| {
        println!("Bailiwick listens on {}", app.config().public_url);
    }))
}

fn log_to_stderr(json: bool) {
    let filter = EnvFilter::try_from_env("BAILIWICK_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if json { builder.json().init() } else { builder.init() }
}
