//! How often a stranger may ask for something that makes the house work or write: per address, and per name.
//!
//! Rules: counted in memory, by the house's own clock; addresses and names are keyed hashes; what is not asked for any
//! more is forgotten, so that nobody fills the memory. Each node counts for itself. May call: `clock`, `vault`.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use super::throttle::{Steady, subnet};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::vault::Vault;

/// From one address so many at once, and another each half minute: a whole shift may have forgotten its passwords.
const FROM_ADDRESS: (u32, Duration) = (20, Duration::from_secs(30));
/// For one name so many at once, and another each hour: nobody's mailbox is filled by a stranger.
const FOR_NAME: (u32, Duration) = (3, Duration::from_secs(60 * 60));
/// Beyond so many keys those that count as new are forgotten.
const MANY: usize = 10_000;

type Limiter = RateLimiter<String, DashMapStateStore<String>, Steady, NoOpMiddleware<Nanos>>;

/// Counts who asks.
pub struct AskingRate {
    clock: Steady,
    addresses: Limiter,
    names: Limiter,
}

impl AskingRate {
    /// Nobody has asked yet.
    pub fn new(clock: &Arc<dyn Clock>) -> Self {
        let clock = Steady(Arc::clone(clock));
        let limiter = |limit| RateLimiter::new(quota(limit), DashMapStateStore::default(), clock.clone());
        Self { addresses: limiter(FROM_ADDRESS), names: limiter(FOR_NAME), clock }
    }

    /// One more from this address.
    ///
    /// # Errors
    /// [`Error::TooMany`] with the time to wait.
    pub fn ask_from(&self, vault: &Vault, address: Option<IpAddr>) -> Result<()> {
        let address = address.map_or_else(|| "unknown".to_owned(), |address| subnet(address).to_string());
        let key = vault.trace("asking.address", &address);
        forget_some(&self.addresses);
        self.addresses.check_key(&key).map_err(|not_yet| {
            let wait = not_yet.wait_time_from(self.clock.now()).as_secs() + 1;
            Error::TooMany(u32::try_from(wait).unwrap_or(u32::MAX))
        })
    }

    /// One more for this name; false if there were enough.
    pub fn ask_for(&self, vault: &Vault, name: &str) -> bool {
        forget_some(&self.names);
        self.names.check_key(&vault.trace("asking.name", name)).is_ok()
    }
}

fn quota((burst, each): (u32, Duration)) -> Quota {
    let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
    Quota::with_period(each).unwrap_or_else(|| Quota::per_hour(burst)).allow_burst(burst)
}

fn forget_some(limiter: &Limiter) {
    if limiter.len() > MANY {
        limiter.retain_recent();
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
        assert!(matches!(rate.ask_from(&vault, one), Err(Error::TooMany(30 | 31))));
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
