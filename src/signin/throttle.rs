//! Throttles: how often one address, and the network around it, may try to sign in; and what tries many names.
//!
//! Rules: the lock of a name is asked before; a known device is not throttled, for it has a counter of its own; a
//! network that `networks.toml` registers is one source with room for a shift that begins, all others are an address
//! (for IPv6 a /64) within its neighbourhood. Everything here is this node's alone and forgotten by itself; what must
//! not be lost is in `lockout`. May call: `clock`, `vault`.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use super::meter::{Measure, Meter};
use crate::clock::Clock;
use crate::vault::Vault;

/// Tries of one address.
const ADDRESS: Measure = Measure::a_second(60, 1);
/// The same for all addresses of one neighbourhood together: a /24, for IPv6 a /48.
const NEIGHBOURHOOD: Measure = Measure::a_second(240, 4);
/// The same for a network that is registered.
const REGISTERED: Measure = Measure::a_second(1_200, 20);

/// So many different names with wrong passwords from one source within [`WINDOW`] are guessing.
const NAMES: usize = 10;
/// The same for a network that is registered, where many people mistype.
const NAMES_REGISTERED: usize = 60;
const WINDOW: i64 = 10 * 60 * 1_000_000;
/// How long a source that guesses is not listened to, in seconds, if the profile locks what is unusual.
const CLOSED: u32 = 15 * 60;
/// The most sources that are remembered; beyond it the oldest are forgotten.
const SOURCES: usize = 10_000;

/// Where tries come from, as they are counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Source {
    /// An address, or the /64 of an IPv6 address.
    Address(IpAddr),
    /// What lies around it.
    Neighbourhood(IpAddr),
    /// A network of `networks.toml`, by its name.
    Registered(String),
    /// Nobody knows.
    Unknown,
}

impl Source {
    /// What an address counts as, given the name of the registered network that it lies in.
    pub fn of(address: Option<IpAddr>, registered: Option<String>) -> Self {
        match (registered, address) {
            (Some(name), _) => Self::Registered(name),
            (None, Some(address)) => Self::Address(subnet(address)),
            (None, None) => Self::Unknown,
        }
    }

    /// What it is called in an alarm: a registered network by its name, an address by its keyed digest.
    pub fn told(&self, vault: &Vault) -> String {
        match self {
            Self::Address(address) | Self::Neighbourhood(address) => {
                let trace = vault.trace("attempts.source", &address.to_string());
                format!("address {}", trace.get(..16).unwrap_or_default())
            }
            Self::Registered(name) => format!("network {name}"),
            Self::Unknown => "an unknown address".to_owned(),
        }
    }

    fn neighbourhood(&self) -> Option<Self> {
        match self {
            Self::Address(IpAddr::V4(address)) => {
                let [first, second, third, _] = address.octets();
                Some(Self::Neighbourhood(IpAddr::from([first, second, third, 0])))
            }
            Self::Address(IpAddr::V6(address)) => Some(Self::Neighbourhood(prefix(*address, 48).into())),
            Self::Neighbourhood(_) | Self::Registered(_) | Self::Unknown => None,
        }
    }

    fn names(&self) -> usize {
        if matches!(self, Self::Registered(_)) { NAMES_REGISTERED } else { NAMES }
    }
}

/// What is counted as one address: for IPv6 its /64, for whoever has one of these has all of them.
pub(super) fn subnet(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => prefix(address, 64).into(),
        address => address,
    }
}

fn prefix(address: Ipv6Addr, length: u32) -> Ipv6Addr {
    Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << (128 - length)))
}

/// How often each source may come for one kind of thing.
struct Pace {
    addresses: Meter<Source>,
    neighbourhoods: Meter<Source>,
    registered: Meter<Source>,
}

impl Pace {
    fn new(clock: &Arc<dyn Clock>) -> Self {
        Self {
            addresses: Meter::new(clock, ADDRESS),
            neighbourhoods: Meter::new(clock, NEIGHBOURHOOD),
            registered: Meter::new(clock, REGISTERED),
        }
    }

    fn admit(&self, source: &Source) -> Result<(), u32> {
        match source {
            Source::Registered(_) | Source::Unknown => self.registered.admit(source)?,
            Source::Address(_) | Source::Neighbourhood(_) => self.addresses.admit(source)?,
        }
        source.neighbourhood().map_or(Ok(()), |around| self.neighbourhoods.admit(&around))
    }
}

/// Names that one source tried, by their keyed digests.
struct Tried {
    since: i64,
    names: BTreeSet<String>,
    closed_until: i64,
}

/// The throttles of this node.
pub struct Throttle {
    clock: Arc<dyn Clock>,
    attempts: Pace,
    challenges: Pace,
    tried: Mutex<HashMap<Source, Tried>>,
}

/// What a source was seen to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guessing {
    /// How many different names it tried within the window.
    pub names: usize,
    /// From how many on it matters.
    pub threshold: usize,
    /// The digest of one of the names.
    pub sample: String,
}

impl Throttle {
    /// Nobody has tried anything yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let pace = || Pace::new(&clock);
        Self { attempts: pace(), challenges: pace(), tried: Mutex::default(), clock }
    }

    /// Counts one try of that source.
    ///
    /// # Errors
    /// The seconds to wait, if it tries too often or guesses.
    pub fn admit(&self, source: &Source) -> Result<(), u32> {
        self.is_open(source)?;
        self.attempts.admit(source)
    }

    /// Counts one challenge for a passkey that the source asks for, which the house has to remember for a while.
    ///
    /// # Errors
    /// As [`Self::admit`].
    pub fn admit_challenge(&self, source: &Source) -> Result<(), u32> {
        self.challenges.admit(source)
    }

    fn is_open(&self, source: &Source) -> Result<(), u32> {
        let now = self.clock.steady_micros();
        let tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        let until = tried.get(source).map_or(0, |tried| tried.closed_until);
        if now < until {
            Err(u32::try_from((until - now).unsigned_abs().div_ceil(1_000_000)).unwrap_or(CLOSED))
        } else {
            Ok(())
        }
    }

    /// Notes a wrong password for the name of that digest. What the source does, each time that it is one name more
    /// than before and too many; with `closing` it is not listened to for a while then.
    pub fn failed(&self, source: &Source, name: &str, closing: bool) -> Option<Guessing> {
        let now = self.clock.steady_micros();
        let mut all = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= SOURCES && !all.contains_key(source) {
            all.retain(|_, tried| now < tried.since + WINDOW || now < tried.closed_until);
            if all.len() >= SOURCES
                && let Some(oldest) =
                    all.iter().min_by_key(|(_, tried)| tried.since).map(|(key, _)| key.clone())
            {
                all.remove(&oldest);
            }
        }
        let begin = || Tried { since: now, names: BTreeSet::new(), closed_until: 0 };
        let tried = all.entry(source.clone()).or_insert_with(begin);
        if now >= tried.since + WINDOW {
            *tried = begin();
        }
        let threshold = source.names();
        if tried.names.len() >= threshold * 2 || !tried.names.insert(name.to_owned()) {
            return None;
        }
        let names = tried.names.len();
        if names < threshold {
            return None;
        }
        if closing {
            tried.closed_until = now + i64::from(CLOSED) * 1_000_000;
        }
        Some(Guessing { names, threshold, sample: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use chrono::Duration;

    fn address(text: &str) -> Source {
        Source::of(Some(text.parse().unwrap()), None)
    }

    fn throttle() -> (Arc<ManualClock>, Throttle) {
        let clock = Arc::new(ManualClock::on(2026, 11, 23, 9, 0));
        (clock.clone(), Throttle::new(clock))
    }

    #[test]
    fn an_address_has_sixty_at_once_and_one_a_second_after_that() {
        let (clock, throttle) = throttle();
        let source = address("192.0.2.7");
        for _ in 0..60 {
            throttle.admit(&source).unwrap();
        }
        assert_eq!(throttle.admit(&source), Err(1));
        throttle.admit(&address("192.0.2.8")).unwrap();
        clock.advance(Duration::seconds(1));
        throttle.admit(&source).unwrap();
        throttle.admit(&source).unwrap_err();
    }

    #[test]
    fn many_addresses_of_one_neighbourhood_are_one_source_too() {
        let (_, throttle) = throttle();
        let admitted = (0..=255)
            .flat_map(|last| [last; 3])
            .filter(|last| throttle.admit(&address(&format!("192.0.2.{last}"))).is_ok());
        assert_eq!(admitted.count(), 240);
        throttle.admit(&address("192.0.3.1")).unwrap();
    }

    #[test]
    fn an_ipv6_address_is_its_subnet_and_one_in_ipv4s_clothes_is_that_address() {
        assert_eq!(address("2001:db8:1:2:3:4:5:6"), address("2001:db8:1:2::9"));
        assert_ne!(address("2001:db8:1:2::1"), address("2001:db8:1:3::1"));
        assert_eq!(address("::ffff:192.0.2.7"), address("192.0.2.7"));
    }

    #[test]
    fn ten_names_from_one_source_are_guessing_and_the_same_name_ten_times_is_not() {
        let (clock, throttle) = throttle();
        let source = address("192.0.2.7");
        for _ in 0..20 {
            assert_eq!(throttle.failed(&source, "one", true), None);
        }
        for number in 2..10 {
            assert_eq!(throttle.failed(&source, &number.to_string(), true), None);
        }
        throttle.admit(&source).unwrap();
        let seen = throttle.failed(&source, "ten", true).unwrap();
        assert_eq!((seen.names, seen.threshold, seen.sample.as_str()), (10, 10, "ten"));
        assert_eq!(throttle.admit(&source), Err(CLOSED));
        throttle.admit(&address("192.0.2.8")).unwrap();
        clock.advance(Duration::minutes(15));
        throttle.admit(&source).unwrap();
        assert_eq!(throttle.failed(&source, "eleven", true), None, "the window is over");
    }

    #[test]
    fn a_registered_network_has_room_for_a_shift() {
        let (_, throttle) = throttle();
        let source = Source::of(Some("10.1.2.3".parse().unwrap()), Some("warehouse".to_owned()));
        assert_eq!(source, Source::of(Some("10.1.9.9".parse().unwrap()), Some("warehouse".to_owned())));
        for number in 0..59 {
            throttle.admit(&source).unwrap();
            assert_eq!(throttle.failed(&source, &number.to_string(), true), None);
        }
        assert_eq!(throttle.failed(&source, "sixty", false).unwrap().names, 60);
        throttle.admit(&source).unwrap();
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (_, throttle) = throttle();
        for number in 0..(SOURCES as u32 + 100) {
            let source = Source::Address(IpAddr::from(number.to_be_bytes()));
            throttle.failed(&source, "name", true);
        }
        assert_eq!(throttle.tried.lock().unwrap().len(), SOURCES);
    }
}
