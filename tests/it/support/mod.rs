//! The harness: a whole house for each test, with its own database, a clock that is moved and seeded randomness.

mod authenticator;
mod browser;
pub mod calls;
pub mod company;
pub mod contract;
mod databases;
mod entropy;
pub mod estate;
mod example;
mod firm;
mod fixtures;
pub mod hostile_provider;
mod people;
mod program;
pub mod smtp;
mod sources;
pub mod sso;
mod staff;
mod stage;

use std::sync::Arc;

use bailiwick::app::App;
use bailiwick::clock::{Clock, ManualClock};
use bailiwick::config::{Config, Hash, Overrides};
use bailiwick::disk::Disk;
use bailiwick::entropy::Entropy;
use bailiwick::error::Result;
use chrono::Duration;

pub use authenticator::Device;
pub use browser::{Browser, Reply};
pub use databases::Place;
pub use entropy::SeededEntropy;
pub use example::first_error;
pub use firm::*;
pub use fixtures::same_as_committed;
pub use people::{Enrolled, PASSWORD, code_at};
pub use program::{Client, Ended, Program, Server, free_port};
pub use sources::sources;
pub use staff::{Life, Member, Staff, id_of, wider};

/// Where every test's clock starts: Monday 23 November 2026, 09:00 UTC.
pub fn start() -> ManualClock {
    ManualClock::on(2026, 11, 23, 9, 0)
}

/// A house that a test has to itself. Dropping it removes its database and files.
pub struct House {
    pub app: App,
    pub clock: Arc<ManualClock>,
    pub entropy: Arc<SeededEntropy>,
    place: Place,
}

impl House {
    /// A fresh, empty house.
    pub fn new() -> Self {
        let place = Place::from_template();
        Self::at(place, App::open)
    }

    /// A house whose log is empty: without even its own features and roles.
    pub fn bare() -> Self {
        Self::at(Place::from_template(), App::open_as_found)
    }

    fn at(place: Place, open: impl FnOnce(Config, Arc<dyn Clock>, Arc<dyn Entropy>) -> Result<App>) -> Self {
        let (clock, entropy) = (Arc::new(start()), Arc::new(SeededEntropy::new(1)));
        let app = open(config(&place), clock.clone(), entropy.clone()).expect("the house opens");
        Self { app, clock, entropy, place }
    }

    /// A second node on the same database (PostgreSQL), or the same file (SQLite), with the same clock.
    pub fn second_node(&self) -> App {
        let entropy = Arc::new(SeededEntropy::new(2));
        App::open_as_found(config(&self.place), self.clock.clone(), entropy).expect("the second node opens")
    }

    /// The same house started once more.
    pub fn started_again(&self) -> App {
        let entropy = Arc::new(SeededEntropy::new(3));
        App::open(config(&self.place), self.clock.clone(), entropy).expect("the house opens again")
    }

    /// The same house started again with other settings.
    pub fn reopen_with(&mut self, change: impl FnOnce(&mut Config)) {
        let mut config = config(&self.place);
        change(&mut config);
        let opened = App::open(config, self.clock.clone(), self.entropy.clone());
        self.app = opened.expect("the house opens again");
    }

    /// The data directory.
    pub fn data(&self) -> &std::path::Path {
        self.place.data()
    }

    /// Whether this run is on PostgreSQL.
    pub fn on_postgresql(&self) -> bool {
        self.place.database().is_some()
    }

    /// Moves the clock; time passes for every part of the house, and its node goes on hearing from the log.
    pub fn advance(&self, span: Duration) {
        self.clock.advance(span);
        self.app.heartbeat().expect("the node hears from the log");
    }

    /// Runs every job that is due, on a blocking thread as the driver does.
    pub async fn run_jobs(&self) -> Vec<&'static str> {
        let app = self.app.clone();
        tokio::task::spawn_blocking(move || bailiwick::jobs::run_due(&app))
            .await
            .expect("jobs run")
            .expect("jobs are found")
    }

    /// A browser that calls another node of this house.
    pub async fn browser_of(&self, node: &App) -> Browser {
        Browser::open(node.clone()).await
    }

    /// A browser (or program) that calls this house through the real service, with cookies of its own.
    pub async fn browser(&self) -> Browser {
        Browser::open(self.app.clone()).await
    }
}

/// A disk with room, whatever the machine's has.
#[derive(Debug)]
struct RoomyDisk;

impl Disk for RoomyDisk {
    fn free(&self, _: &std::path::Path) -> Option<u64> {
        Some(50)
    }
}

/// The settings of a test's house: cheap hashes, few connections.
pub fn config(place: &Place) -> Config {
    let overrides =
        Overrides { data: Some(place.data().to_owned()), database: place.database(), ..Overrides::default() };
    let mut config = Config::load(overrides).expect("the configuration is right");
    config.hash = Hash { memory_kib: 8, passes: 1, lanes: 1, threads: 2, queue: 256 };
    config.connections = 6;
    // Where a test is about the referee, it says so.
    config.referee_sample = 0;
    // A machine that tests everything at once is slow to connect and to write, and no test is about that.
    let patience = std::time::Duration::from_secs(60);
    // Nor about how full the disk is that it lies on, which would raise an alarm in every house.
    config.disk = Arc::new(RoomyDisk);
    config.patience = patience;
    config.database = config.database.waiting(patience);
    config
}
