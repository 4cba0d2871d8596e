//! The providers that this node knows: what they publish, kept for a while.
//!
//! Rules: what a provider publishes counts for an hour; for a key that is not known it is asked again, once a minute at
//! most; one that does not answer is left alone for ten seconds; few threads wait for one at a time, so that a provider
//! that hangs keeps nobody else waiting; what is known already waits for nobody. How many sign-ins one source begins is
//! counted as tries with a password are. May call: `documents`, `outbound`, and `signin` for the throttle.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration as Patience;

use chrono::Duration;

use super::documents::{self, Described};
use super::outbound::Outbound;
use super::refusal::Trouble;
use super::refusals::Refusals;
use crate::clock::{Clock, Timestamp};
use crate::config::IdentityProvider;
use crate::error::{Error, Result};
use crate::signin::throttle::Throttle;

/// For so long what a provider publishes counts.
const KEPT: Duration = Duration::hours(1);
/// Once in so long it is asked again for a key that is not known.
const KEYS_ANEW: Duration = Duration::minutes(1);
/// For so long a provider is left alone that did not answer.
const LEFT_ALONE: Duration = Duration::seconds(10);
/// So many threads wait for one provider at a time: more than a shift that begins, fewer than a node has.
const AT_A_TIME: usize = 64;

/// Every provider that is configured.
pub struct Providers {
    all: Vec<Arc<Provider>>,
    /// How many sign-ins each source begins.
    pub(super) begun: Throttle,
    /// What was refused of late.
    pub(super) refusals: Refusals,
}

/// One provider.
pub(super) struct Provider {
    pub settings: IdentityProvider,
    pub outbound: Outbound,
    known: Mutex<Known>,
    /// Held by whoever asks the provider what it publishes: of many who want to know it, one asks.
    asking: Mutex<()>,
    waiting: AtomicUsize,
    /// Whether it fails and nobody has said so yet.
    news: AtomicBool,
}

#[derive(Default)]
struct Known {
    described: Option<(Arc<Described>, Timestamp)>,
    failed: Option<(Trouble, Timestamp)>,
    /// When it was last asked again for a key that was not known.
    anew: Option<Timestamp>,
}

impl Providers {
    /// The providers that are configured; none of them is asked anything yet.
    ///
    /// # Errors
    /// [`Error::Invalid`] for authorities that cannot be read.
    pub fn new(configured: &[IdentityProvider], patience: Patience, clock: Arc<dyn Clock>) -> Result<Self> {
        let all = configured.iter().map(|settings| {
            Ok(Arc::new(Provider {
                settings: settings.clone(),
                outbound: Outbound::new(settings, patience)?,
                known: Mutex::default(),
                asking: Mutex::default(),
                waiting: AtomicUsize::new(0),
                news: AtomicBool::new(false),
            }))
        });
        Ok(Self {
            all: all.collect::<Result<_>>()?,
            begun: Throttle::new(clock),
            refusals: Refusals::default(),
        })
    }

    /// Whether a provider of that key is configured.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn check(&self, key: &str) -> Result<()> {
        self.find(key).map(drop)
    }

    /// The provider of that key.
    pub(super) fn find(&self, key: &str) -> Result<Arc<Provider>> {
        let found = self.all.iter().find(|provider| provider.settings.key == key);
        found.cloned().ok_or(Error::NotFound("identity provider"))
    }
}

impl Known {
    /// What is known without asking the provider; `None` if it has to be asked.
    fn answer(
        &self,
        now: Timestamp,
        keys_anew: bool,
    ) -> Option<std::result::Result<Arc<Described>, Trouble>> {
        if let Some((described, since)) = &self.described {
            let asked_of_late = self.anew.is_some_and(|at| now.since(at) < KEYS_ANEW);
            if now.since(*since) < KEPT && (!keys_anew || asked_of_late) {
                return Some(Ok(Arc::clone(described)));
            }
        }
        let (trouble, at) = self.failed?;
        (now.since(at) < LEFT_ALONE).then_some(Err(trouble))
    }
}

impl Provider {
    /// What the provider publishes; `keys_anew` if a token names a key that is not among it.
    pub fn described(&self, now: Timestamp, keys_anew: bool) -> std::result::Result<Arc<Described>, Trouble> {
        if let Some(answer) = self.known().answer(now, keys_anew) {
            return answer;
        }
        let _turn = self.turn()?;
        let _asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever asked meanwhile asked for all who waited.
        if let Some(answer) = self.known().answer(now, keys_anew) {
            return answer;
        }
        if keys_anew {
            self.known().anew = Some(now);
        }
        let read = documents::read(&self.outbound, &self.settings);
        let mut known = self.known();
        match read {
            Ok(described) => {
                let described = Arc::new(described);
                known.described = Some((Arc::clone(&described), now));
                known.failed = None;
                Ok(described)
            }
            Err(trouble) => {
                if known.failed.is_none_or(|(before, _)| before != trouble) {
                    self.news.store(true, Ordering::Release);
                }
                known.failed = Some((trouble, now));
                Err(trouble)
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an outage has begun that nobody has said anything of yet; whoever asks says it.
    pub fn is_news(&self) -> bool {
        self.news.swap(false, Ordering::AcqRel)
    }

    /// One of the few places to wait for this provider.
    pub fn turn(&self) -> std::result::Result<Turn<'_>, Trouble> {
        let turn = Turn(&self.waiting);
        if self.waiting.fetch_add(1, Ordering::AcqRel) < AT_A_TIME { Ok(turn) } else { Err(Trouble::Busy) }
    }
}

/// A place to wait, given back when dropped.
pub(super) struct Turn<'a>(&'a AtomicUsize);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use openidconnect::core::CoreJsonWebKeySet;
    use openidconnect::url::Url;

    use super::*;
    use crate::clock::ManualClock;

    fn provider(clock: &Arc<ManualClock>) -> Arc<Provider> {
        let settings = IdentityProvider {
            key: "firm".to_owned(),
            name: "The firm".to_owned(),
            issuer: "https://id.firm.example".to_owned(),
            client_id: "bailiwick".to_owned(),
            client_secret: None,
            scopes: Vec::new(),
            domains: BTreeSet::new(),
            required_for: BTreeSet::new(),
            create_accounts: false,
            email_verified_claim: String::new(),
            groups_claim: String::new(),
            groups: BTreeMap::new(),
            mfa_acr: BTreeSet::new(),
            mfa_amr: BTreeSet::new(),
            required_claims: BTreeMap::new(),
            ca: None,
        };
        Providers::new(&[settings], Patience::from_millis(1), clock.clone()).unwrap().find("firm").unwrap()
    }

    fn described() -> Arc<Described> {
        let url = || Url::parse("https://id.firm.example/there").unwrap();
        Arc::new(Described {
            authorization: url(),
            token: url(),
            end_session: None,
            names_itself: true,
            secret_in_header: true,
            algorithms: Vec::new(),
            keys: CoreJsonWebKeySet::new(Vec::new()),
        })
    }

    /// Whoever holds every turn, and whoever asks the provider and waits, keeps nobody from what is known.
    #[test]
    fn what_is_known_waits_for_nobody() {
        let clock = Arc::new(ManualClock::on(2026, 11, 23, 9, 0));
        let (provider, now) = (provider(&clock), clock.now());
        let turns: Vec<_> = (0..AT_A_TIME).map(|_| provider.turn().unwrap()).collect();
        let asking = provider.asking.lock().unwrap();
        assert!(matches!(provider.described(now, false), Err(Trouble::Busy)));
        provider.known().described = Some((described(), now));
        assert!(provider.described(now, false).is_ok());
        assert!(matches!(provider.described(now, true), Err(Trouble::Busy)), "for new keys it is asked");
        provider.known().anew = Some(now);
        assert!(provider.described(now, true).is_ok(), "once a minute");
        assert!(matches!(provider.described(now.plus(KEPT), false), Err(Trouble::Busy)));
        provider.known().failed = Some((Trouble::TooSlow, now.plus(KEPT)));
        assert!(matches!(provider.described(now.plus(KEPT), false), Err(Trouble::TooSlow)));
        drop((turns, asking));
    }
}
