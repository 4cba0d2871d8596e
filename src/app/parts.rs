//! What the running house is made of, for whoever has an [`App`] in hand.
//!
//! Rule: these hand out what is there and do nothing else.

use std::sync::Arc;

use super::App;
use crate::access::key_ring::Keys;
use crate::access::proposals;
use crate::accounts::Directory;
use crate::alarms::Waiting;
use crate::decision::{Index, Live, recorder, watch};
use crate::exceptions;
use crate::organisation::Organisation;
use crate::signin::asking_rate::AskingRate;
use crate::signin::hasher::Hashers;
use crate::signin::limits::Limits;
use crate::signin::sessions::Sessions;
use crate::signin::throttle::Throttle;
use crate::signin::workstations::Workstations;
use crate::sso::Providers;

impl App {
    /// What keeps decisions and refused calls in the log `access`.
    pub fn recorder(&self) -> &recorder::Recorder {
        &self.0.recorder
    }

    /// Waits until alarms are raised for what was noticed while deciding.
    pub fn noticed(&self) {
        self.0.watcher.watch().flush();
    }

    /// Makes durable what waits in memory. The house may be asked no more after it.
    pub fn close(&self) {
        self.0.recorder.close();
        self.0.watcher.close();
    }

    /// How often strangers may ask for what makes the house work.
    pub fn asking_rate(&self) -> &AskingRate {
        &self.0.asking_rate
    }

    /// The threads that hash passwords.
    pub fn hashers(&self) -> &Hashers {
        &self.0.hashers
    }

    /// How often one address may try to sign in at this node.
    pub fn throttle(&self) -> &Throttle {
        &self.0.throttle
    }

    /// Leaves a notice for whoever watches, which becomes an alarm without anybody waiting for it.
    pub fn notice(&self, notice: watch::Notice) {
        self.0.watcher.watch().see(notice);
    }

    /// The company's identity providers.
    pub(crate) fn identity_providers(&self) -> &Providers {
        &self.0.identity_providers
    }

    /// The organisation whose house this is.
    pub fn organisation(&self) -> Arc<Organisation> {
        self.0.settings.current()
    }

    /// The names of all accounts: to show them, order lists by them and search in them.
    pub fn directory(&self) -> &Directory {
        &self.0.directory
    }

    /// The decision point: asks the newest state that this node knows.
    pub fn decisions(&self) -> &Index {
        self.0.decisions.index()
    }

    /// What keeps the decision point in step with the log, to ask it what a change would do.
    pub fn live_decisions(&self) -> &Live {
        &self.0.decisions
    }

    /// The API keys that this node knows.
    pub fn keys(&self) -> &Keys {
        &self.0.keys
    }

    /// The sessions that this node has met.
    pub fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    /// The shared workstations that this node knows.
    pub fn workstations(&self) -> &Workstations {
        &self.0.workstations
    }

    /// How many alarms wait, as this node knows.
    pub fn alarms(&self) -> &Waiting {
        &self.0.alarms
    }

    /// How many decisions about oneself wait for objections, as this node knows.
    pub fn exceptions(&self) -> &exceptions::Waiting {
        &self.0.exceptions
    }

    /// How many proposals wait for a second person, as this node knows.
    pub fn proposals(&self) -> &proposals::Waiting {
        &self.0.proposals
    }

    /// How long sessions last.
    pub fn session_limits(&self) -> &Limits {
        &self.0.session_limits
    }
}
