//! The organisation whose house this is: name, time zone, public address, policy profile, whether set-up is done.
//!
//! Rules: one installation is one organisation; nothing here is personal; every change is one event for each setting.
//! [`Settings`] is what pages and sign-in read: it follows the log, is never written by anything else, and puts the
//! chosen policy profile in force. May call `log`, `profile`; every slice may call it.

pub mod http;
mod store;

use std::sync::{Arc, PoisonError, RwLock};

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::log::event::{Change, Event};
use crate::log::tail::Follower;

const NAME: &str = "organisation.name";
const TIME_ZONE: &str = "organisation.time_zone";
const PUBLIC_URL: &str = "organisation.public_url";
const PROFILE: &str = "organisation.profile";
const SET_UP_AT: &str = "organisation.set_up_at";

const LONGEST_NAME: usize = 120;
const LONGEST_URL: usize = 200;
/// The profile that holds until another is chosen: the strictest of all (DESIGN §4).
const DEFAULT_PROFILE: &str = "strictest";

/// What is known of the organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organisation {
    /// Its name, as it stands on every page; empty until set-up.
    pub name: String,
    /// The zone in which its days and months begin and end; UTC until set-up.
    pub time_zone: Tz,
    /// The address under which people reach this house, if set-up named one.
    pub public_url: Option<String>,
    /// The key of the policy profile it lives by.
    pub profile: String,
    /// When set-up was completed; `None` before that.
    pub set_up_at: Option<Timestamp>,
    /// Whether somebody chose the time zone, so that it is no mere default.
    pub chose_time_zone: bool,
    /// Whether somebody chose the profile.
    pub chose_profile: bool,
}

impl Default for Organisation {
    fn default() -> Self {
        Self {
            name: String::new(),
            time_zone: Tz::UTC,
            public_url: None,
            profile: DEFAULT_PROFILE.to_owned(),
            set_up_at: None,
            chose_time_zone: false,
            chose_profile: false,
        }
    }
}

impl Organisation {
    /// Whether set-up is complete, so that the house may be used.
    pub fn is_set_up(&self) -> bool {
        self.set_up_at.is_some()
    }
}

/// New values; what is `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Wishes {
    /// 1 to 120 characters.
    pub name: Option<String>,
    /// A name of the IANA database, such as "Europe/London".
    pub time_zone: Option<String>,
    /// An `https://` address without a path, at most 200 characters.
    pub public_url: Option<String>,
    /// The key of a profile.
    pub profile: Option<String>,
}

/// What is known of the organisation, from the database.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn get(reader: &mut Reader<'_>) -> Result<Organisation> {
    let mut organisation = Organisation::default();
    for (name, value) in store::all(reader)? {
        match name.as_str() {
            NAME => organisation.name = value,
            TIME_ZONE => {
                organisation.time_zone = value.parse().unwrap_or(Tz::UTC);
                organisation.chose_time_zone = true;
            }
            PUBLIC_URL => organisation.public_url = Some(value),
            PROFILE => {
                organisation.profile = value;
                organisation.chose_profile = true;
            }
            SET_UP_AT => organisation.set_up_at = Timestamp::parse(&value),
            _ => {}
        }
    }
    Ok(organisation)
}

/// Changes what differs and records one event for each setting that did.
///
/// # Errors
/// [`Error::Invalid`] naming the field that does not make sense; nothing is changed then.
pub fn set(tx: &mut Tx<'_>, wishes: &Wishes) -> Result<()> {
    let mut settings: Vec<(&str, String)> = Vec::new();
    if let Some(name) = &wishes.name {
        settings.push((NAME, checked_name(name)?));
    }
    if let Some(zone) = &wishes.time_zone {
        settings.push((TIME_ZONE, parse_zone("time_zone", zone)?.name().to_owned()));
    }
    if let Some(url) = &wishes.public_url {
        settings.push((PUBLIC_URL, checked_url(url)?));
    }
    if let Some(profile) = &wishes.profile {
        let there = tx.context.profiles.policies().profile(profile);
        there.map_err(|refusal| Error::field("profile", refusal.to_string()))?;
        settings.push((PROFILE, profile.clone()));
    }
    settings.into_iter().try_for_each(|(name, value)| put(tx, name, value))
}

/// Changes what somebody sets once the house is in use. The profile is chosen once: another one later would loosen or
/// tighten at one stroke what people live by.
///
/// # Errors
/// As [`set`]; [`Error::Invalid`] for a second profile.
pub fn change(tx: &mut Tx<'_>, wishes: &Wishes) -> Result<()> {
    if wishes.profile.is_some() && get(tx)?.chose_profile {
        return Err(Error::field("profile", "was chosen already and stays"));
    }
    set(tx, wishes)
}

/// Records that set-up is complete; the first time counts.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn complete_set_up(tx: &mut Tx<'_>) -> Result<()> {
    if get(tx)?.is_set_up() {
        return Ok(());
    }
    let now = tx.now.to_string();
    put(tx, SET_UP_AT, now)
}

/// The names of all time zones, for lists to choose from.
pub fn zones() -> Vec<&'static str> {
    chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()).collect()
}

/// Reads the name of a time zone; `field` is how the caller named it.
///
/// # Errors
/// [`Error::Invalid`] if the IANA database has no such zone.
pub fn parse_zone(field: &str, text: &str) -> Result<Tz> {
    text.trim()
        .parse()
        .map_err(|_| Error::field(field, "must be a time zone such as Europe/London or America/New_York"))
}

fn put(tx: &mut Tx<'_>, name: &str, value: String) -> Result<()> {
    if store::put(tx, name, &value)? {
        tx.record(Change::SettingChanged { name: name.to_owned(), value: Some(value) });
    }
    Ok(())
}

fn checked_name(name: &str) -> Result<String> {
    let name = name.trim();
    let length = name.chars().count();
    if length == 0 || length > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(Error::field("name", "must have 1 to 120 characters on one line"));
    }
    Ok(name.to_owned())
}

fn checked_url(url: &str) -> Result<String> {
    let url = url.trim().trim_end_matches('/');
    let host = url.strip_prefix("https://").unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    if host.is_empty() || url.len() > LONGEST_URL || !host.chars().all(plain) {
        return Err(Error::field("public_url", "must be an address such as https://bailiwick.example.com"));
    }
    Ok(url.to_owned())
}

/// The organisation in memory, for every page: follows the log.
#[derive(Default)]
pub struct Settings(RwLock<Arc<Organisation>>);

impl Settings {
    /// The organisation as this node knows it.
    pub fn current(&self) -> Arc<Organisation> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn renew(&self, reader: &mut Reader<'_>) -> Result<()> {
        let fresh = Arc::new(get(reader)?);
        if let Err(refusal) = reader.context.profiles.choose(&fresh.profile) {
            tracing::warn!(%refusal, "the chosen profile is not there; the one before stays in force");
        }
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }
}

impl Follower for Settings {
    fn load(&self, reader: &mut Reader<'_>, _: u64) -> Result<()> {
        self.renew(reader)
    }

    fn follow(&self, reader: &mut Reader<'_>, events: &[Event], _: u64) -> Result<()> {
        if events.iter().any(|event| matches!(event.change, Change::SettingChanged { .. })) {
            self.renew(reader)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_https_and_bare() {
        assert_eq!(checked_url("https://id.example.com/").unwrap(), "https://id.example.com");
        assert_eq!(checked_url("https://localhost:8443").unwrap(), "https://localhost:8443");
        for wrong in ["http://id.example.com", "https://", "https://a/b", "https://a b", "https://u@h"] {
            assert!(checked_url(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn zones_are_those_of_the_iana_database() {
        assert_eq!(parse_zone("time_zone", " Europe/Berlin ").unwrap(), Tz::Europe__Berlin);
        assert!(parse_zone("time_zone", "Mars/Olympus").is_err());
    }
}
