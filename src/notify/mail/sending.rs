//! Sending: what is due goes out, one mail after the other, on a thread that nobody waits for.
//!
//! Rules: a mail is taken by one conditional statement, so that of all nodes one sends it; a line to the server is
//! opened when something is due and serves all that is. What fails is tried again later; what fails for an hour raises an
//! alarm, and so does what is given up.

use chrono::Duration;
use tracing::{info, warn};

use super::letters;
use super::line::{Fault, Line};
use super::written::{self, Letter};
use super::{Mail, State, Template};
use crate::alarms::{self, Rule, Severity, Sighting};
use crate::app::App;
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::config;
use crate::error::{Error, Result};
use crate::http::pages::Pages;
use crate::ids::{AccountId, MailId};
use crate::notify::store;

/// Whoever has taken a mail has it for so long: longer than a server may take over it.
const TAKEN_FOR: Duration = Duration::minutes(5);
/// How many mails go out at a time.
const AT_A_TIME: usize = 100;
/// At this try, about an hour after the first, an alarm says that mail does not go out.
const ALARMING_TRY: i32 = 7;

/// Whoever carries the mail out.
pub struct Mailer {
    app: App,
    pages: Pages,
}

impl Mailer {
    /// The mailer of a house.
    ///
    /// # Errors
    /// [`Error::Internal`] if a template does not compile.
    pub fn new(app: App) -> Result<Self> {
        let pages =
            Pages::new().map_err(|cause| Error::internal("compiling the pages", format!("{cause:#}")))?;
        Ok(Self { app, pages })
    }

    /// Sends what is due, on this blocking thread; returns how many mails the server took.
    ///
    /// # Errors
    /// A fault of the database; what the mail server does is no error.
    pub fn send_due(&self) -> Result<usize> {
        let Some(mail) = self.app.config().mail.clone() else { return Ok(0) };
        if !self.app.read_now(store::any_due)? {
            return Ok(0);
        }
        let mut line = Line::open(&mail);
        let mut sent = 0;
        for _ in 0..AT_A_TIME {
            let taken = self.app.database().alone(|reader| {
                let until = reader.now.plus(TAKEN_FOR);
                store::claim(reader, until)
            })?;
            let Some(row) = taken else { break };
            let outcome = match &mut line {
                Ok(line) => self.send(&mail, line, &row).unwrap_or_else(|error| {
                    // One that cannot be written must not keep all others waiting.
                    tracing::error!(%error, mail = %row.id, "a mail could not be written");
                    Some(Err(Fault::Later("it could not be written".to_owned())))
                }),
                Err(fault) => Some(Err(fault.clone())),
            };
            sent += usize::from(matches!(outcome, Some(Ok(()))));
            self.settle(&row, outcome)?;
            if line.as_ref().is_ok_and(|line| !line.stands()) {
                line = Line::open(&mail);
            }
        }
        if let Ok(line) = line {
            line.close();
        }
        Ok(sent)
    }

    /// Writes one mail and hands it over; `None` if there is nothing to say any more.
    fn send(
        &self,
        mail: &config::Mail,
        line: &mut Line,
        row: &Mail,
    ) -> Result<Option<std::result::Result<(), Fault>>> {
        let Some(letter) = letters::letter(&self.app, row)? else { return Ok(None) };
        let now = self.app.context().clock.now();
        Ok(Some(match written::message(&self.pages, mail, &row.id, now, &letter) {
            Ok(message) => line.send(&message),
            Err(Error::Invalid(_)) => Err(Fault::Never("the address cannot be written to".to_owned())),
            Err(other) => return Err(other),
        }))
    }

    fn settle(&self, row: &Mail, outcome: Option<std::result::Result<(), Fault>>) -> Result<()> {
        let database = self.app.database();
        match outcome {
            None => database.alone(|reader| store::end(reader, row, State::Void, None)),
            Some(Ok(())) => {
                info!(mail = %row.id, template = %row.template, "sent");
                database.alone(|reader| store::end(reader, row, State::Sent, None))?;
                self.note_told(row)
            }
            Some(Err(fault)) => self.failed(row, &fault),
        }
    }

    fn failed(&self, row: &Mail, fault: &Fault) -> Result<()> {
        let now = self.app.context().clock.now();
        let again = if matches!(fault, Fault::Never(_)) { None } else { row.again_at(now) };
        warn!(mail = %row.id, template = %row.template, attempts = row.attempts, fault = fault.words(), "not sent");
        self.app.database().alone(|reader| match again {
            Some(at) => store::postpone(reader, row, at, fault.words()),
            None => store::end(reader, row, State::GivenUp, Some(fault.words())),
        })?;
        if again.is_none() || row.attempts == ALARMING_TRY {
            let severity = if again.is_none() { Severity::Warning } else { Severity::Notice };
            let seen = Sighting::of(Rule::MailFails, severity)
                .samples([row.id.to_string(), fault.words().to_owned()]);
            self.app.write_now(&Caller::house("notify.send"), |tx| alarms::raise(tx, seen))?;
        }
        Ok(())
    }

    /// An alarm keeps who was told by mail.
    fn note_told(&self, row: &Mail) -> Result<()> {
        if row.template != Template::Alarms {
            return Ok(());
        }
        let told = self.app.write_now(&Caller::house("notify.send"), |tx| {
            for id in letters::alarms_of(row) {
                alarms::note_told(tx, &id, std::slice::from_ref(&row.account), "mail")?;
            }
            Ok(())
        });
        told.map(drop)
    }

    /// Sends one mail to its reader at once, past the outbox, to try whether mail goes out.
    ///
    /// # Errors
    /// [`Error::Conflict`] `mail-fails` with what happened; [`Error::Invalid`] for somebody without an address.
    pub fn try_out(&self, account: &AccountId) -> Result<()> {
        let refused =
            |words: &str| Error::conflict("mail-fails", format!("The mail did not go out: {words}."));
        let mail = self.app.config().mail.clone().ok_or_else(|| refused("no mail server is set up"))?;
        let context = self.app.context();
        let now: Timestamp = context.clock.now();
        let row = Mail {
            id: MailId::new(now, context.entropy.as_ref()),
            template: Template::Trial,
            account: account.clone(),
            about: String::new(),
            attempts: 1,
            created_at: now,
        };
        let Some(letter): Option<Letter> = letters::letter(&self.app, &row)? else {
            return Err(refused("you have no e-mail address here"));
        };
        let message = written::message(&self.pages, &mail, &row.id, now, &letter)?;
        let mut line = Line::open(&mail).map_err(|fault| refused(fault.words()))?;
        let sent = line.send(&message).map_err(|fault| refused(fault.words()));
        line.close();
        sent
    }
}

/// Whether the mail server can be spoken to: for `doctor`.
///
/// # Errors
/// What happened, in words.
pub fn reachable(mail: &config::Mail) -> std::result::Result<(), String> {
    Line::open(mail).map(Line::close).map_err(|fault| fault.words().to_owned())
}
