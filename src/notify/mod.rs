//! Telling people: who has to know of an alarm finds it in the inbox of the house.
//!
//! Rules: told are those who may read alarms at that moment, each once; an alarm keeps who was told and when. May call
//! every slice below, and asks the decision point as the pages do.

use crate::alarms::{self, lists};
use crate::app::App;
use crate::caller::Caller;
use crate::error::Result;
use crate::http::identify;
use crate::jobs::Lease;

/// How many alarms are looked at in one run.
const ALARMS: i64 = 100;
/// How many people are told of one.
const PEOPLE: usize = 200;

/// The work of the job: notes for each new alarm in whose inbox it lies.
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
    app.write_now(&Caller::house("notify.alarms"), |tx| {
        lease.check(tx)?;
        for id in &untold {
            alarms::note_told(tx, id, &people, "inbox")?;
        }
        Ok(())
    })?;
    Ok(format!("{} alarms, {} people", untold.len(), people.len()))
}
