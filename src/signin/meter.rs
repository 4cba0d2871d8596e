//! How often the same key may come again: so many times at once, and once more each so often.
//!
//! Rules: by the house's own clock; a key that has its whole measure back is forgotten. That is looked for each time that
//! twice as many are remembered as were left the last time, so each call pays the same however many there are, and the
//! memory is that of the keys that are about. May call: `clock`.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::clock::Clock;

/// Up to so many keys are remembered without looking which of them need not be.
const MANY: usize = 10_000;

/// How often one key may come.
#[derive(Debug, Clone, Copy)]
pub struct Measure {
    /// So many times at once.
    pub at_once: u32,
    /// And once more each so often.
    pub each: Duration,
}

impl Measure {
    /// So many at once, and so many a second.
    pub const fn a_second(at_once: u32, a_second: u32) -> Self {
        Self { at_once, each: Duration::from_nanos(1_000_000_000 / a_second as u64) }
    }

    fn quota(self) -> Quota {
        let at_once = NonZeroU32::new(self.at_once).unwrap_or(NonZeroU32::MIN);
        Quota::with_period(self.each).unwrap_or_else(|| Quota::per_hour(at_once)).allow_burst(at_once)
    }
}

/// The house's clock as governor asks it.
#[derive(Clone)]
struct Steady(Arc<dyn Clock>);

impl governor::clock::Clock for Steady {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(u64::try_from(self.0.steady_micros()).unwrap_or_default().saturating_mul(1_000))
    }
}

/// Counts how often each key comes.
pub struct Meter<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K, DashMapStateStore<K>, Steady, NoOpMiddleware<Nanos>>,
    clock: Steady,
    tidied_from: AtomicUsize,
}

impl<K: Hash + Eq + Clone> Meter<K> {
    /// No key has come yet.
    pub fn new(clock: &Arc<dyn Clock>, measure: Measure) -> Self {
        let clock = Steady(Arc::clone(clock));
        let limiter = RateLimiter::new(measure.quota(), DashMapStateStore::default(), clock.clone());
        Self { limiter, clock, tidied_from: AtomicUsize::new(MANY) }
    }

    /// The key comes once more.
    ///
    /// # Errors
    /// The seconds to wait, if it comes too often.
    pub fn admit(&self, key: &K) -> Result<(), u32> {
        self.tidy();
        self.limiter.check_key(key).map_err(|not_yet| {
            let wait = not_yet.wait_time_from(self.clock.now());
            u32::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX).max(1)
        })
    }

    fn tidy(&self) {
        let from = self.tidied_from.load(Ordering::Relaxed);
        if self.limiter.len() < from {
            return;
        }
        // Whoever sets the next bound looks; the others go on.
        let mine = self.tidied_from.compare_exchange(from, usize::MAX, Ordering::Relaxed, Ordering::Relaxed);
        if mine.is_ok() {
            self.limiter.retain_recent();
            self.tidied_from.store(MANY.max(self.limiter.len() * 2), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn each_key_has_its_own_measure_and_time_restores_it() {
        let clock = Arc::new(ManualClock::on(2026, 11, 23, 9, 0));
        let measure = Measure { at_once: 3, each: Duration::from_secs(30) };
        let meter = Meter::new(&(clock.clone() as Arc<dyn Clock>), measure);
        assert_eq!([1; 4].map(|key| meter.admit(&key)), [Ok(()), Ok(()), Ok(()), Err(30)]);
        assert_eq!(meter.admit(&2), Ok(()));
        clock.advance(chrono::Duration::seconds(29));
        assert_eq!(meter.admit(&1), Err(1));
        clock.advance(chrono::Duration::seconds(1));
        assert_eq!([meter.admit(&1), meter.admit(&1)], [Ok(()), Err(30)]);
    }

    #[test]
    fn who_need_not_be_remembered_is_forgotten_and_who_must_is_not() {
        let clock = Arc::new(ManualClock::on(2026, 11, 23, 9, 0));
        let meter = Meter::new(&(clock.clone() as Arc<dyn Clock>), Measure::a_second(1, 1));
        let many = u32::try_from(MANY).unwrap();
        for key in 0..many {
            meter.admit(&key).unwrap();
        }
        clock.advance(chrono::Duration::seconds(2));
        for key in many..2 * many {
            meter.admit(&key).unwrap();
        }
        assert_eq!(meter.limiter.len(), MANY, "the first have their measure back");
        for key in 2 * many..4 * many {
            meter.admit(&key).unwrap();
        }
        assert_eq!(meter.limiter.len(), 3 * MANY, "all of these have come just now");
        assert_eq!(meter.admit(&many), Err(1));
    }
}
