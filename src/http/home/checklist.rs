//! What is left to do before a new house is ready.
//!
//! Rules: shown to whoever administers, until everything is done; each item is judged from what there is and ticks
//! itself, and what is done keeps its place in the list; an item says why it matters and leads to where it is done.
//! May call: what every slice lets one read.

use serde::Serialize;

use crate::access::{floor, grants, roles};
use crate::accounts::{self, Standing};
use crate::app::App;
use crate::config::Config;
use crate::db::Reader;
use crate::error::Result;
use crate::ids::AccountId;
use crate::log::event::{Change, Event};
use crate::log::store::{self, Filter};
use crate::organisation::Organisation;
use crate::reviews;
use crate::signin;

const OFFICER: &str = "bailiwick/security-officer";

/// One thing to do, or done.
#[derive(Debug, Serialize)]
pub struct Item {
    title: &'static str,
    text: String,
    clauses: Vec<String>,
    done: bool,
    href: &'static str,
    label: &'static str,
}

/// The list for a reader; `None` for whoever does not administer, and once everything is done.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub fn of(app: &App, reader: &mut Reader<'_>, me: &AccountId) -> Result<Option<Vec<Item>>> {
    let administrators = floor::administrators(reader)?;
    if !administrators.contains(me) {
        return Ok(None);
    }
    let organisation = app.organisation();
    let mut items = vec![time_zone(&organisation), profile(app, &organisation), address(app.config())];
    items.extend(people_in_charge(reader, &administrators)?);
    items.extend([imported(reader)?, managers(app, reader)?, catalogue(reader)?, first_question(reader)?]);
    items.extend([first_review(app, reader)?, checkpoint_kept(reader)?]);
    Ok(items.iter().any(|item| !item.done).then_some(items))
}

fn time_zone(organisation: &Organisation) -> Item {
    let zone = organisation.time_zone.name();
    Item {
        title: "Choose the time zone",
        text: if organisation.chose_time_zone {
            format!("Days and months begin and end by {zone}.")
        } else {
            format!("Last days of work and months of reviews end in it. Nobody has chosen: it is {zone}.")
        },
        clauses: Vec::new(),
        done: organisation.chose_time_zone,
        href: "/settings",
        label: "Choose it",
    }
}

fn profile(app: &App, organisation: &Organisation) -> Item {
    let current = app.context().profiles.current();
    Item {
        title: "Choose the policy profile",
        text: if organisation.chose_profile {
            format!("The house lives by {}.", current.name)
        } else {
            format!(
                "It says how long passwords, roles and reviews last. Nobody has chosen: it is {}.",
                current.name
            )
        },
        clauses: Vec::new(),
        done: organisation.chose_profile,
        href: "/settings",
        label: "Choose it",
    }
}

/// A house that only its own machine can reach is no good to anybody else.
fn address(config: &Config) -> Item {
    let url = &config.public_url;
    let done = !is_local(url);
    Item {
        title: "Give the house its public address",
        text: if done {
            format!("People reach it at {url}.")
        } else {
            format!(
                "Links, cookies and passkeys hang on it, and {url} reaches this machine alone. The server takes it at \
                 its start: serve --public-url."
            )
        },
        clauses: Vec::new(),
        done,
        href: "/settings",
        label: "See how",
    }
}

fn is_local(url: &str) -> bool {
    let host = url.strip_prefix("https://").unwrap_or(url);
    let name = match host.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let loopback = name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    loopback || name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost")
}

/// A second administrator, second factors, a security officer.
fn people_in_charge(reader: &mut Reader<'_>, administrators: &[AccountId]) -> Result<[Item; 3]> {
    let mut without = 0;
    for administrator in administrators {
        let standing = signin::standing(reader, administrator)?;
        without += usize::from(standing.authenticator_since.is_none() || standing.codes_left == 0);
    }
    let count = administrators.len();
    let officers = officers(reader)?;
    Ok([
        Item {
            title: "Name a second administrator",
            text: match count {
                0 | 1 => "One alone locks the house when they are ill. Invite them; once in, they ask for the role \
                          Administrator, and you say yes."
                    .to_owned(),
                _ => format!("{count} people can administer."),
            },
            clauses: Vec::new(),
            done: count >= 2,
            href: "/people/new",
            label: "Invite one",
        },
        Item {
            title: "A second factor and recovery codes for every administrator",
            text: match without {
                0 => "Each of them has an authenticator, and codes for the day it is lost.".to_owned(),
                1 => "One of them lacks an authenticator or has used up the codes.".to_owned(),
                _ => format!("{without} of them lack an authenticator or have used up the codes."),
            },
            clauses: Vec::new(),
            done: without == 0,
            href: "/people",
            label: "See who",
        },
        Item {
            title: "Name a security officer",
            text: match officers {
                0 => "Somebody has to watch, and to stop things at once. They ask for the role Security officer."
                    .to_owned(),
                1 => "One person watches, and may stop things at once.".to_owned(),
                _ => format!("{officers} people watch, and may stop things at once."),
            },
            clauses: Vec::new(),
            done: officers > 0,
            href: "/people/new",
            label: "Invite one",
        },
    ])
}

/// How many people in use hold the officer's role now.
fn officers(reader: &mut Reader<'_>) -> Result<usize> {
    let now = reader.now;
    let filter = grants::Filter {
        role: Some(OFFICER.to_owned()),
        state: Some(grants::GrantState::Active),
        ..grants::Filter::default()
    };
    let held = grants::list(reader, &filter, None, 100)?;
    let ids: Vec<AccountId> = held
        .into_iter()
        .filter(|grant| grant.lives(now) && grant.valid_from <= now)
        .map(|grant| grant.account)
        .collect();
    let holders = accounts::find_many(reader, &ids)?;
    Ok(holders.iter().filter(|account| account.standing(now) == Standing::Active).count())
}

fn imported(reader: &mut Reader<'_>) -> Result<Item> {
    let filter = Filter { kind: Some("people_imported".to_owned()), ..Filter::default() };
    let rows = store::list(reader, &filter, 1)?.into_iter().find_map(|(event, _)| match event.change {
        Change::PeopleImported { added, changed, unchanged, .. } => Some(added + changed + unchanged),
        _ => None,
    });
    Ok(Item {
        title: "Import your people",
        text: match rows {
            Some(rows) if rows > 0 => format!("The last file named {rows} people who are in."),
            _ => "Joiners, movers and leavers follow from the personnel system's file.".to_owned(),
        },
        clauses: Vec::new(),
        done: rows.is_some_and(|rows| rows > 0),
        href: "/people/import",
        label: "Import",
    })
}

/// One person stands above everybody; each further one without a manager has nobody who decides their reviews.
fn managers(app: &App, reader: &mut Reader<'_>) -> Result<Item> {
    let without = accounts::without_manager(reader)?;
    let done = without <= 1;
    Ok(Item {
        title: "A manager for everybody",
        text: if done {
            "Everybody but the head of the house has one.".to_owned()
        } else {
            format!(
                "{without} people have none, and nobody to decide about their access. Only one can be the head."
            )
        },
        clauses: clauses(app, "review.cadence"),
        done,
        href: "/people",
        label: "See the people",
    })
}

fn catalogue(reader: &mut Reader<'_>) -> Result<Item> {
    let own = crate::access::lint::OWN_APPLICATION;
    let known = roles::applications(reader)?;
    let count = known.iter().filter(|one| one.key != own && one.retired_at.is_none()).count();
    Ok(Item {
        title: "Describe your first application",
        text: match count {
            0 => "What it offers, who may ask for what, who says yes: one file, brought into force with bailiwick \
                  apply."
                .to_owned(),
            1 => "One application is described.".to_owned(),
            _ => format!("{count} applications are described."),
        },
        clauses: Vec::new(),
        done: count > 0,
        href: "/applications",
        label: "See the register",
    })
}

fn first_question(reader: &mut Reader<'_>) -> Result<Item> {
    let done = grants::used_by_a_key(reader)?;
    Ok(Item {
        title: "Let an application ask",
        text: if done {
            "An application has asked whether somebody may.".to_owned()
        } else {
            "Until one asks, nothing here is enforced. bailiwick key issue makes its key.".to_owned()
        },
        clauses: Vec::new(),
        done,
        href: "/applications",
        label: "See the register",
    })
}

fn first_review(app: &App, reader: &mut Reader<'_>) -> Result<Item> {
    let (campaigns, _) = reviews::lists::campaigns(reader, None, 1)?;
    let done = !campaigns.is_empty();
    Ok(Item {
        title: "Open the first review",
        text: if done {
            "Managers are asked again, and will be each time.".to_owned()
        } else {
            "Managers decide again about what people hold. The next one opens by itself; you need not wait."
                .to_owned()
        },
        clauses: clauses(app, "review.cadence"),
        done,
        href: "/reviews/new",
        label: "Open one",
    })
}

/// Whoever has host and key could write another history; a checkpoint that lies elsewhere would tell.
fn checkpoint_kept(reader: &mut Reader<'_>) -> Result<Item> {
    let filter = Filter { kind: Some("log_verified".to_owned()), ..Filter::default() };
    let held = store::list(reader, &filter, 100)?.into_iter().find_map(|(event, _)| match event {
        Event { change: Change::LogVerified { against: Some(size), .. }, .. } => Some(size),
        _ => None,
    });
    Ok(Item {
        title: "Keep a checkpoint of the log elsewhere",
        text: match held {
            Some(size) => format!("One of {size} events was held against the log, and fits."),
            None => "This version does not send any by itself. Keep what bailiwick log checkpoint prints on another \
                     machine, and hold the log against it: bailiwick log verify --against FILE."
                .to_owned(),
        },
        clauses: Vec::new(),
        done: held.is_some(),
        href: "/log",
        label: "See the log",
    })
}

fn clauses(app: &App, parameter: &str) -> Vec<String> {
    app.context().profiles.current().clauses(parameter).iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_this_machine_is_no_public_one() {
        for local in [
            "https://localhost:8443",
            "https://LOCALHOST",
            "https://127.0.0.1:8443",
            "https://[::1]:8443",
            "https://bailiwick.localhost",
        ] {
            assert!(is_local(local), "{local}");
        }
        for public in ["https://access.example", "https://localhost.example:8443", "https://10.0.0.7"] {
            assert!(!is_local(public), "{public}");
        }
    }
}
