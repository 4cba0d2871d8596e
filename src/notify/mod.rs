//! Telling people: who has to know of something finds it in the inbox of the house, and in their mailbox if the house
//! sends mail.
//!
//! Rules:
//! - Told of an alarm are those who may read alarms at that moment, each once; an alarm keeps who was told and how.
//! - What is mailed follows from the log, in order and at least once; a use case never waits for it, and none fails by it.
//! - Who has no address is not written to, and nothing fails.
//!
//! May call every slice below, and asks the decision point as the pages do.

mod following;
pub mod http;
pub mod mail;
mod store;

pub use following::{follow, warn_of_ends};
pub use mail::sending::Mailer;

use crate::alarms::{self, Rule, lists};
use crate::app::App;
use crate::caller::Caller;
use crate::db::Tx;
use crate::error::Result;
use crate::http::identify;
use crate::ids::{AccountId, AlarmId};
use crate::jobs::Lease;
use mail::Template;

/// How many alarms are looked at in one run.
const ALARMS: i64 = 40;
/// How many people are told of one.
const PEOPLE: usize = 200;

/// The work of the job: notes for each new alarm in whose inbox it lies, and one mail to each of them.
///
/// # Errors
/// Whatever the database returns.
pub fn tell_of_alarms(app: &App, lease: &Lease) -> Result<String> {
    let untold = app.read_now(|reader| lists::untold(reader, ALARMS))?;
    if untold.is_empty() {
        return Ok("nothing to tell".to_owned());
    }
    let people = identify::permitted(app, "alarms", "read", PEOPLE);
    if people.is_empty() {
        return Ok(format!("{} alarms and nobody to tell", untold.len()));
    }
    let mails = app.config().mail.is_some();
    app.write_now(&Caller::house("notify.alarms"), |tx| {
        lease.check(tx)?;
        let mut worth_a_mail = Vec::new();
        for id in &untold {
            let alarm = alarms::note_told(tx, id, &people, "inbox")?;
            // That mail does not go out is not said by mail.
            if alarm.rule != Rule::MailFails {
                worth_a_mail.push(id.clone());
            }
        }
        if mails { mail_alarms(tx, &worth_a_mail, &people) } else { Ok(()) }
    })?;
    Ok(format!("{} alarms, {} people", untold.len(), people.len()))
}

/// One mail to each of these people, about all of these alarms.
fn mail_alarms(tx: &mut Tx<'_>, alarms: &[AlarmId], people: &[AccountId]) -> Result<()> {
    let Some(first) = alarms.first() else { return Ok(()) };
    let about: Vec<&str> = alarms.iter().map(AlarmId::as_str).collect();
    let about = about.join(" ");
    for person in people {
        mail::queue(tx, Template::Alarms, person, &about, first.as_str())?;
    }
    Ok(())
}
