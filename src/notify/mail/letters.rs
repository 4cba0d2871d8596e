//! What a letter has to say, read and unsealed at the moment when it is sent. One-time links are made here.
//!
//! Rules: what does not hold any more is not said: a lock that is open again, an alarm that is closed, somebody who is
//! not here. May call: `signin` for the links, `accounts`, `alarms`.

use serde_json::{Value, json};

use super::written::Letter;
use super::{Mail, Template};
use crate::accounts::{self, Named, Standing, State};
use crate::alarms::{self, AlarmState};
use crate::app::App;
use crate::caller::Caller;
use crate::db::{Reader, Tx};
use crate::error::Result;
use crate::ids::{AlarmId, WorkstationId};
use crate::signin;
use crate::signin::links::{self, Purpose};
use crate::signin::lockout::{self, Lock};
use crate::signin::{resetting, workstations};

/// The alarms that a mail is about.
pub(super) fn alarms_of(mail: &Mail) -> Vec<AlarmId> {
    mail.about.split(' ').filter_map(AlarmId::parse).collect()
}

/// The letter; `None` if there is nothing to say any more, or nobody to say it to.
///
/// # Errors
/// A fault of the database, or something sealed that does not open.
pub(super) fn letter(app: &App, mail: &Mail) -> Result<Option<Letter>> {
    let purpose = match mail.template {
        Template::Invitation => Some(Purpose::Enrolment),
        Template::Locked => Some(Purpose::Unlock),
        Template::Recovery => Some(Purpose::Recovery),
        _ => None,
    };
    match purpose {
        None => app.read_now(|reader| of(app, reader, mail)),
        Some(purpose) => {
            let made =
                app.write_now(&Caller::house("notify.send"), |tx| with_link(app, tx, mail, purpose))?;
            Ok(made.value)
        }
    }
}

fn with_link(app: &App, tx: &mut Tx<'_>, mail: &Mail, purpose: Purpose) -> Result<Option<Letter>> {
    let Some(mut letter) = of(app, tx, mail)? else { return Ok(None) };
    let made = links::make_beside(tx, purpose, &mail.account)?;
    letter.context["link"] = json!(made.address(&app.config().public_url));
    letter.context["ends_at"] = json!(made.expires_at);
    Ok(Some(letter))
}

fn of(app: &App, reader: &mut Reader<'_>, mail: &Mail) -> Result<Option<Letter>> {
    let named = accounts::find_named(reader, &mail.account)?;
    if !is_reader(&named, mail.template, reader.now) {
        return Ok(None);
    }
    let to = match mail.template {
        Template::FormerEmail => accounts::emails::former(reader, &mail.about)?,
        _ => named.details.email.clone(),
    };
    let (Some(to), Some(more)) = (to, particulars(app, reader, mail)?) else { return Ok(None) };
    let organisation = app.organisation();
    let firm = if organisation.name.is_empty() { "Bailiwick" } else { organisation.name.as_str() };
    let mut context = json!({
        "firm": firm,
        "given_name": named.details.given_name.as_deref().unwrap_or(&named.details.username),
        "username": named.details.username,
        "house": app.config().public_url,
        "zone": organisation.time_zone.name(),
        "at": mail.created_at,
        "link": null,
        "ends_at": null,
    });
    if let (Value::Object(context), Value::Object(more)) = (&mut context, more) {
        context.extend(more);
    }
    Ok(Some(Letter { to, context, template: mail.template.as_str() }))
}

/// Whether the person is one whom that letter still concerns.
fn is_reader(named: &Named, template: Template, now: crate::clock::Timestamp) -> bool {
    let state = named.account.status_at(now).state;
    let here = named.account.standing(now) == Standing::Active;
    match template {
        Template::Invitation => here && matches!(state, State::Invited | State::Active),
        // Also who rests should hear that somebody changes something about them.
        Template::EmailChanged
        | Template::FormerEmail
        | Template::PasswordChanged
        | Template::FactorRemoved => !matches!(state, State::Left | State::Erased),
        _ => here && state == State::Active,
    }
}

/// What is particular to the letter; `None` if it does not hold any more.
fn particulars(app: &App, reader: &mut Reader<'_>, mail: &Mail) -> Result<Option<Value>> {
    Ok(match mail.template {
        Template::Locked => match lockout::lock_of(reader, &mail.account)? {
            None => None,
            Some(Lock::Until(until)) => Some(json!({ "until": until })),
            Some(Lock::Held) => Some(json!({ "until": null })),
        },
        Template::Recovery => resetting::may(reader, &mail.account)?.then(|| json!({})),
        Template::PasswordEnds => {
            let ends_at = signin::standing(reader, &mail.account)?.password_ends_at;
            ends_at.filter(|at| *at > reader.now).map(|at| json!({ "password_ends_at": at }))
        }
        Template::WorkstationEntered => match WorkstationId::parse(&mail.about) {
            Some(id) => Some(json!({ "workstation": workstations::find(reader, &id)?.name })),
            None => None,
        },
        Template::Alarms => {
            let mut open = Vec::new();
            for id in alarms_of(mail) {
                let alarm = alarms::lists::find(reader, &id)?;
                if alarm.state != AlarmState::Closed {
                    open.push(json!({
                        "name": alarms::http::words::title(alarm.rule),
                        "severity": alarm.severity,
                        "address": format!("{}/alarms/{id}", app.config().public_url),
                    }));
                }
            }
            (!open.is_empty()).then(|| json!({ "alarms": open }))
        }
        _ => Some(json!({})),
    })
}
