//! The words that the command line understands; what they mean stands in `control`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::access::networks::Network;
use crate::control::Wanted;
use crate::profile::Period;
use crate::signin::inviting::Invitation;

/// Identity and access governance: who are they, what may they touch and why, when does it end.
#[derive(Parser)]
#[command(name = "bailiwick", version, disable_help_subcommand = true)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Args)]
pub(super) struct Common {
    /// Configuration file (TOML)
    #[arg(long, global = true, value_name = "FILE", env = "BAILIWICK_CONFIG")]
    pub(super) config: Option<PathBuf>,
    /// Data directory (default ./data)
    #[arg(long, global = true, value_name = "DIR", env = "BAILIWICK_DATA")]
    pub(super) data: Option<PathBuf>,
    /// Database URL (default: SQLite in the data directory)
    #[arg(long, global = true, value_name = "URL", env = "BAILIWICK_DATABASE", hide_env_values = true)]
    pub(super) database: Option<String>,
    /// Print data as JSON
    #[arg(long, global = true, env = "BAILIWICK_JSON")]
    pub(super) json: bool,
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// Start the server; the first start makes keys, database and certificate and prints the set-up link
    Serve {
        /// Address to listen on (default 127.0.0.1:8443)
        #[arg(long, value_name = "ADDRESS", env = "BAILIWICK_LISTEN")]
        listen: Option<SocketAddr>,
        /// URL under which people reach this house (default https://localhost:PORT)
        #[arg(long, value_name = "URL", env = "BAILIWICK_PUBLIC_URL")]
        public_url: Option<String>,
    },
    /// Start the server in a throw-away directory filled with an example company, and print whom one can be in it
    Demo {
        /// Address to listen on, of this machine alone (default 127.0.0.1:8443)
        #[arg(long, value_name = "ADDRESS", env = "BAILIWICK_LISTEN")]
        listen: Option<SocketAddr>,
    },
    /// Look at the settings
    #[command(subcommand)]
    Config(Settings),
    /// Print the version
    Version,
    /// Try a policy before it is in force
    #[command(subcommand)]
    Policy(Policy),
    #[command(flatten)]
    House(House),
}

#[derive(Subcommand)]
pub(super) enum Policy {
    /// Run the tests of a policy directory (tests/*.toml beside its catalogues); needs no house
    Test {
        /// The directory: catalogues *.toml in it or in its apps/, tests in its tests/
        directory: PathBuf,
        /// The policy profile whose parameters the catalogues name
        #[arg(long, value_name = "KEY", default_value = "strictest")]
        profile: String,
    },
    /// Say who would gain and who would lose what if the catalogues of a directory were applied
    Diff {
        /// The directory: catalogues *.toml in it or in its apps/
        directory: PathBuf,
    },
}

/// What the house does: in the running server, or without one in this process.
#[derive(Subcommand)]
pub(super) enum House {
    /// Create or find a person and print a one-time link to a password and a second factor
    Invite(Invite),
    /// Find the way back in; these commands work whatever is stopped
    #[command(subcommand)]
    Recover(Recover),
    /// Read what another system exported
    #[command(subcommand)]
    Import(Import),
    /// Bring the applications and roles of a directory's *.toml into force; what touches personal data becomes a
    /// proposal that waits for a second person (exit code 3)
    Apply {
        /// The directory
        directory: PathBuf,
        /// Only say what would change
        #[arg(long)]
        dry_run: bool,
    },
    /// Write the applications and roles in force into a directory
    Export {
        /// The directory
        directory: PathBuf,
    },
    /// API keys
    #[command(subcommand)]
    Key(Key),
    /// Kill switches; these commands work whatever is stopped
    #[command(subcommand)]
    KillSwitch(KillSwitch),
    /// Prove, sign or write out the log
    #[command(subcommand)]
    Log(Log),
    /// Look at everything that is known to go wrong
    Doctor,
}

#[derive(Args)]
pub(super) struct Invite {
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
    /// Roles of Bailiwick itself to give, such as bailiwick/auditor
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
pub(super) enum Recover {
    /// Print a one-time link for an administrator, whose sessions, password and second factor end
    Administrator {
        /// What they sign in with
        username: String,
    },
}

#[derive(Subcommand)]
pub(super) enum Import {
    /// Read the personnel system's people.csv: who is here, who joins, moves and leaves
    People {
        /// The file
        file: PathBuf,
        /// Only say what would change
        #[arg(long)]
        dry_run: bool,
    },
    /// Read grants.csv, the lists of who has which role in other systems; again later, to hold them against it
    Grants {
        /// The file
        file: PathBuf,
        /// Only say what would change
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Subcommand)]
pub(super) enum Key {
    /// Make a service with its permissions and a key, which is printed once, as the last line
    Issue(KeyIssue),
}

#[derive(Args)]
pub(super) struct KeyIssue {
    /// What the service is called
    name: String,
    /// The person who answers for it
    #[arg(long, value_name = "USERNAME")]
    owner: String,
    /// What it may do: APPLICATION/FEATURE:ACTION, or bailiwick/*:*
    #[arg(long, value_name = "PERMISSION", num_args = 1.., required = true)]
    allow: Vec<String>,
    /// The application whose features it asks about by their short names
    #[arg(long, value_name = "KEY")]
    app: Option<String>,
    /// For how long it works, such as 90d
    #[arg(long, value_name = "PERIOD", default_value = "90d")]
    expires: Period,
    /// What it may assert in properties and context (default: purpose, and what the feature declares)
    #[arg(long, value_name = "NAME", num_args = 1..)]
    asserts: Vec<String>,
    /// Where it may call from: an address, or a prefix such as 10.1.0.0/16 (default: anywhere)
    #[arg(long = "network", value_name = "NETWORK", num_args = 1..)]
    networks: Vec<Network>,
}

impl From<KeyIssue> for Wanted {
    fn from(issue: KeyIssue) -> Self {
        let KeyIssue { name, owner, allow, app, expires, asserts, networks } = issue;
        Self { name, owner, allow, app, expires, asserts, networks }
    }
}

#[derive(Subcommand)]
pub(super) enum KillSwitch {
    /// List those that are pulled
    List,
    /// Lift one
    Lift {
        /// Which one, by its id
        id: String,
    },
}

#[derive(Subcommand)]
pub(super) enum Log {
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
pub(super) enum Settings {
    /// Read the settings as `serve` would, and print them
    Check,
}
