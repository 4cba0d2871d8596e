//! How often a stranger may ask for something that makes the house work or write: per address, and per name.
//!
//! Rules: counted in memory, by the house's own clock; addresses and names are keyed hashes. Each node counts for
//! itself. May call: `clock`, `vault`.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::meter::{Measure, Meter};
use super::throttle::subnet;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::vault::Vault;

/// From one address: a whole shift may have forgotten its passwords.
const FROM_ADDRESS: Measure = Measure { at_once: 20, each: Duration::from_secs(30) };
/// For one name: nobody's mailbox is filled by a stranger.
const FOR_NAME: Measure = Measure { at_once: 3, each: Duration::from_secs(60 * 60) };

/// Counts who asks.
pub struct AskingRate {
    addresses: Meter<String>,
    names: Meter<String>,
}

impl AskingRate {
    /// Nobody has asked yet.
    pub fn new(clock: &Arc<dyn Clock>) -> Self {
        Self { addresses: Meter::new(clock, FROM_ADDRESS), names: Meter::new(clock, FOR_NAME) }
    }

    /// One more from this address.
    ///
    /// # Errors
    /// [`Error::TooMany`] with the time to wait.
    pub fn ask_from(&self, vault: &Vault, address: Option<IpAddr>) -> Result<()> {
        let address = address.map_or_else(|| "unknown".to_owned(), |address| subnet(address).to_string());
        self.addresses.admit(&vault.trace("asking.address", &address)).map_err(Error::TooMany)
    }

    /// One more for this name; false if there were enough.
    pub fn ask_for(&self, vault: &Vault, name: &str) -> bool {
        self.names.admit(&vault.trace("asking.name", name)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn each_address_and_each_name_has_its_own_measure_and_time_restores_it() {
        let manual = Arc::new(ManualClock::on(2026, 11, 23, 9, 0));
        let clock: Arc<dyn Clock> = manual.clone();
        let (rate, vault) = (AskingRate::new(&clock), crate::vault::for_tests());
        let (one, other) = (Some(IpAddr::from([192, 0, 2, 1])), Some(IpAddr::from([192, 0, 2, 2])));
        for _ in 0..20 {
            rate.ask_from(&vault, one).unwrap();
        }
        assert!(matches!(rate.ask_from(&vault, one), Err(Error::TooMany(30))));
        rate.ask_from(&vault, other).unwrap();
        manual.advance(chrono::Duration::seconds(31));
        rate.ask_from(&vault, one).unwrap();
        assert_eq!([1, 2, 3, 4].map(|_| rate.ask_for(&vault, "Ada")), [true, true, true, false]);
        assert!(!rate.ask_for(&vault, " ADA "), "in another spelling it is the same name");
        assert!(rate.ask_for(&vault, "ben"));
        manual.advance(chrono::Duration::minutes(61));
        assert!(rate.ask_for(&vault, "ada"));
    }
}
