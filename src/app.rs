//! The house as a running thing: database, caches, and the two doors through which everything goes,
//! [`App::read`] and [`App::write`].
//!
//! Rules: a write's caches have followed before its answer leaves; work on the database takes its permit before it
//! takes a thread, and waits two seconds at most. May call: every slice's caches; slices take an `App` only in
//! `http.rs`, `jobs.rs` and where long work is many short transactions.

mod opening;
mod parts;

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::{Mutex, Semaphore, SemaphorePermit};

use crate::access::apply;
use crate::access::key_ring::Keys;
use crate::access::proposals;
use crate::accounts::Directory;
use crate::alarms::Waiting;
use crate::caller::Caller;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::{Context, Database, Reader, Tx};
use crate::decision::{Live, recorder, watch};
use crate::entropy::Entropy;
use crate::error::{Error, Result};
use crate::exceptions;
use crate::governed::SOURCES;
use crate::log::freshness::{Freshness, Pulse};
use crate::log::history;
use crate::log::tail::{Follower, Tail};
use crate::organisation::Settings;
use crate::profile::InForce;
use crate::signin::asking_rate::AskingRate;
use crate::signin::hasher::Hashers;
use crate::signin::limits::Limits;
use crate::signin::sessions::Sessions;
use crate::signin::throttle::Throttle;
use crate::signin::workstations::Workstations;
use crate::sso::Providers;

const PATIENCE: Duration = Duration::from_secs(2);

/// The running house; cloning shares it.
#[derive(Clone)]
pub struct App(Arc<House>);

/// The house for whoever works as long as it stands, and must not keep it standing.
#[derive(Clone)]
pub struct WeakApp(Weak<House>);

impl WeakApp {
    /// The house, if it still stands.
    pub fn upgrade(&self) -> Option<App> {
        self.0.upgrade().map(App)
    }
}

struct House {
    config: Config,
    database: Database,
    tail: Tail,
    pulse: Pulse,
    followers: Vec<Arc<dyn Follower>>,
    settings: Arc<Settings>,
    directory: Arc<Directory>,
    decisions: Arc<Live>,
    keys: Arc<Keys>,
    sessions: Arc<Sessions>,
    workstations: Arc<Workstations>,
    alarms: Arc<Waiting>,
    exceptions: Arc<exceptions::Waiting>,
    proposals: Arc<proposals::Waiting>,
    session_limits: Limits,
    asking_rate: AskingRate,
    hashers: Hashers,
    throttle: Throttle,
    identity_providers: Providers,
    recorder: recorder::Recorder,
    watcher: watch::Watcher,
    writer: Arc<Mutex<()>>,
    readers: Semaphore,
}

/// What a write brought about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written<T> {
    /// What the use case returned.
    pub value: T,
    /// The number of its last event: whoever reads at this revision or later sees the change.
    pub revision: u64,
}

impl<T> Written<T> {
    /// The same write with its value seen in another way.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Written<U> {
        Written { value: f(self.value), revision: self.revision }
    }
}

impl App {
    /// Opens the house: data directory (0700), keys, schema, key ring, caches loaded from one snapshot, and its own
    /// features and roles, new or of a new version.
    ///
    /// # Errors
    /// Whatever keeps it from starting, said so that an operator can mend it.
    pub fn open(config: Config, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Result<Self> {
        let app = Self::open_as_found(config, clock, entropy)?;
        app.0.database.write(&Caller::house("start"), |tx| {
            history::begin(tx, SOURCES)?;
            apply::apply_own(tx)
        })?;
        app.catch_up()?;
        Ok(app)
    }

    /// Opens the house and writes nothing into the log.
    ///
    /// # Errors
    /// As [`App::open`].
    pub fn open_as_found(config: Config, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Result<Self> {
        let app = Self::open_unread(config, clock, entropy)?;
        app.read_in()?;
        Ok(app)
    }

    /// Loads the caches, unless they follow the log already.
    ///
    /// # Errors
    /// Whatever a row says that this version cannot read.
    pub fn read_in(&self) -> Result<()> {
        if self.applied() > 0 {
            return Ok(());
        }
        self.0.database.read(|reader| self.0.tail.start(reader, &self.0.followers))
    }

    /// Opens the house without reading what is in it: its caches stay empty. For commands that only look, which must
    /// work also where a damaged row keeps the house from starting.
    ///
    /// # Errors
    /// As [`App::open`], but for what the rows say.
    pub fn open_unread(config: Config, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Result<Self> {
        opening::prepare_directory(&config)?;
        let vault = opening::vault(&config, clock.now(), entropy.as_ref())?;
        let hashers = Hashers::start(&config.hash, Arc::clone(&entropy))?;
        let throttle = Throttle::new(Arc::clone(&clock));
        let (settings, directory): (Arc<Settings>, Arc<Directory>) = Default::default();
        let (decisions, keys): (Arc<Live>, Arc<Keys>) = Default::default();
        let (sessions, workstations): (Arc<Sessions>, Arc<Workstations>) = Default::default();
        let alarms = Arc::new(Waiting::default());
        let exceptions = Arc::new(exceptions::Waiting::default());
        let proposals = Arc::new(proposals::Waiting::default());
        let followers: Vec<Arc<dyn Follower>> = vec![
            settings.clone(),
            directory.clone(),
            decisions.clone(),
            keys.clone(),
            sessions.clone(),
            workstations.clone(),
            alarms.clone(),
            exceptions.clone(),
            proposals.clone(),
        ];
        let context = Arc::new(Context { clock, entropy, vault, profiles: InForce::shipped()? });
        let (pulse, asking_rate) = (Pulse::new(&context, config.lease), AskingRate::new(&context.clock));
        let watcher = watch::Watcher::new(Arc::new(watch::Watch::default()));
        let recorder = opening::recorder(&config, &context, watcher.watch())?;
        let identity_providers = opening::identity_providers(&config, &context)?;
        let database =
            Database::open(config.database.clone(), (config.connections, config.patience), context)?;
        let readers = Semaphore::new(config.connections as usize);
        let house = House {
            config,
            database,
            tail: Tail::default(),
            pulse,
            followers,
            settings,
            directory,
            decisions,
            keys,
            sessions,
            workstations,
            alarms,
            exceptions,
            proposals,
            session_limits: Limits::shipped()?,
            asking_rate,
            hashers,
            throttle,
            identity_providers,
            recorder,
            watcher,
            writer: Arc::default(),
            readers,
        };
        let app = Self(Arc::new(house));
        app.0.watcher.start(app.downgrade())?;
        Ok(app)
    }

    /// The settings of this node.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// The database, for single statements outside the log's lock (`Database::alone`).
    pub fn database(&self) -> &Database {
        &self.0.database
    }

    /// Clock, entropy, keys and profile.
    pub fn context(&self) -> &Arc<Context> {
        self.0.database.context()
    }

    /// The revision up to which this node's caches have followed the log.
    pub fn applied(&self) -> u64 {
        self.0.tail.applied()
    }

    /// How sure this node is that it knows the newest state. Costs a look at the clock.
    pub fn freshness(&self) -> Freshness {
        self.0.pulse.judge(self.context().clock.as_ref())
    }

    /// Proves that this node is fresh: reads the log's head over a connection of its own, follows up to it, says so
    /// in `nodes`. The follower's thread calls this each second, tests after they have moved the clock.
    ///
    /// # Errors
    /// Whatever keeps the node from being fresh.
    pub fn heartbeat(&self) -> Result<Freshness> {
        let house = &self.0;
        house.pulse.beat(house.database.location(), self.context(), &house.tail, &house.followers)?;
        Ok(self.freshness())
    }

    /// Whether every node that was seen within its lease has applied `revision`.
    ///
    /// # Errors
    /// [`Error::Internal`] for a fault of the database.
    pub fn everywhere(&self, reader: &mut Reader<'_>, revision: u64) -> Result<bool> {
        self.0.pulse.everywhere(reader, self.applied(), revision)
    }

    /// A handle that does not keep the house standing.
    pub fn downgrade(&self) -> WeakApp {
        WeakApp(Arc::downgrade(&self.0))
    }

    /// Runs a single statement that records no event, outside the log's lock, on a blocking thread.
    ///
    /// # Errors
    /// Whatever `f` returns; [`Error::Unavailable`] if no connection is free for two seconds.
    pub async fn alone<T, F>(&self, f: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Reader<'_>) -> Result<T> + Send + 'static,
    {
        let _permit = self.permit().await?;
        let app = self.clone();
        blocking(move || app.0.database.alone(f)).await
    }

    /// Runs work that must come to its end also if whoever wants it goes away, on a blocking thread.
    ///
    /// # Errors
    /// Whatever `work` returns.
    pub async fn to_its_end<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&App) -> Result<T> + Send + 'static,
    {
        let app = self.clone();
        blocking(move || work(&app)).await
    }

    async fn permit(&self) -> Result<SemaphorePermit<'_>> {
        match tokio::time::timeout(PATIENCE, self.0.readers.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Error::Unavailable("the database is busy", 2)),
        }
    }

    /// Reads in one snapshot, on a blocking thread.
    ///
    /// # Errors
    /// Whatever `f` returns; [`Error::Unavailable`] if no connection is free for two seconds.
    pub async fn read<T, F>(&self, f: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Reader<'_>) -> Result<T> + Send + 'static,
    {
        let _permit = self.permit().await?;
        let app = self.clone();
        blocking(move || app.read_now(f)).await
    }

    /// Reads in one snapshot, on this thread: for jobs and long work that stand on a blocking thread already.
    ///
    /// # Errors
    /// Whatever `f` returns.
    pub fn read_now<T>(&self, f: impl FnOnce(&mut Reader<'_>) -> Result<T>) -> Result<T> {
        self.0.database.read(f)
    }

    /// Runs one use case in one transaction, on a blocking thread, one at a time and in order of arrival.
    /// Commit, tail and caches are done when this returns, and also if whoever waits for it has gone away.
    ///
    /// # Errors
    /// Whatever `f` returns; [`Error::Unavailable`] if the writer stays busy for two seconds.
    pub async fn write<T, F>(&self, caller: &Caller, f: F) -> Result<Written<T>>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        // The turn is waited for here, so that no thread is held meanwhile, and goes along with the blocking part:
        // that one runs to its end also if the request that wanted it is dropped.
        let Ok(turn) = tokio::time::timeout(PATIENCE, self.0.writer.clone().lock_owned()).await else {
            return Err(Error::Unavailable("the log is busy", 2));
        };
        let (app, caller) = (self.clone(), caller.clone());
        blocking(move || {
            let _turn = turn;
            app.commit(&caller, f)
        })
        .await
    }

    /// Runs one use case in one transaction, on this thread: for jobs, long work and the command line.
    ///
    /// # Errors
    /// Whatever `f` returns.
    pub fn write_now<T>(
        &self,
        caller: &Caller,
        f: impl FnOnce(&mut Tx<'_>) -> Result<T>,
    ) -> Result<Written<T>> {
        let _turn = self.0.writer.blocking_lock();
        self.commit(caller, f)
    }

    fn commit<T>(&self, caller: &Caller, f: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<Written<T>> {
        let (value, revision) = self.0.database.write(caller, f)?;
        self.catch_up()?;
        Ok(Written { value, revision })
    }

    /// Lets every cache of this node follow the log up to its newest event.
    ///
    /// # Errors
    /// Whatever a follower returns; the node is not fresh then.
    pub fn catch_up(&self) -> Result<u64> {
        self.0.tail.catch_up(|follow| self.0.database.read(|reader| follow(reader)), &self.0.followers)
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(cause) => Err(Error::internal("a piece of work ended early", cause)),
    }
}
