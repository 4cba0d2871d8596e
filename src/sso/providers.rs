//! The providers that this node knows: what they publish, kept for a while.
//!
//! Rules: what a provider publishes counts for an hour; for a key that is not known it is asked again, once a minute at
//! most; one that does not answer is left alone for ten seconds; few threads wait for one at a time, so that a provider
//! that hangs keeps nobody else waiting. May call: `documents`, `outbound`.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration as Patience;

use chrono::Duration;

use super::documents::{self, Described};
use super::outbound::Outbound;
use super::refusal::Trouble;
use crate::clock::Timestamp;
use crate::config::IdentityProvider;
use crate::error::{Error, Result};

/// For so long what a provider publishes counts.
const KEPT: Duration = Duration::hours(1);
/// Once in so long it is asked again for a key that is not known.
const KEYS_ANEW: Duration = Duration::minutes(1);
/// For so long a provider is left alone that did not answer.
const LEFT_ALONE: Duration = Duration::seconds(10);
/// So many threads wait for one provider at a time: more than a shift that begins, fewer than a node has.
const AT_A_TIME: usize = 64;

/// Every provider that is configured.
pub struct Providers(Vec<Arc<Provider>>);

/// One provider.
pub(super) struct Provider {
    pub settings: IdentityProvider,
    pub outbound: Outbound,
    known: Mutex<Known>,
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
    pub fn new(configured: &[IdentityProvider], patience: Patience) -> Result<Self> {
        let all = configured.iter().map(|settings| {
            Ok(Arc::new(Provider {
                settings: settings.clone(),
                outbound: Outbound::new(settings, patience)?,
                known: Mutex::default(),
                waiting: AtomicUsize::new(0),
                news: AtomicBool::new(false),
            }))
        });
        all.collect::<Result<Vec<_>>>().map(Self)
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
        let found = self.0.iter().find(|provider| provider.settings.key == key);
        found.cloned().ok_or(Error::NotFound("identity provider"))
    }
}

impl Provider {
    /// What the provider publishes; `keys_anew` if a token names a key that is not among it.
    pub fn described(&self, now: Timestamp, keys_anew: bool) -> std::result::Result<Arc<Described>, Trouble> {
        let _turn = self.turn()?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((described, since)) = &known.described {
            let asked_of_late = known.anew.is_some_and(|at| now.since(at) < KEYS_ANEW);
            if now.since(*since) < KEPT && (!keys_anew || asked_of_late) {
                return Ok(Arc::clone(described));
            }
        }
        if let Some((trouble, at)) = known.failed
            && now.since(at) < LEFT_ALONE
        {
            return Err(trouble);
        }
        if keys_anew {
            known.anew = Some(now);
        }
        match documents::read(&self.outbound, &self.settings) {
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
