//! What the house does by itself: the table of jobs, and the driver that runs what is due.
//!
//! Rules: a job is idempotent, takes no arguments and works in short transactions; correctness never waits for one.
//! A job runs on one node at a time: it holds a lease in the database whose fencing number grows with every holder,
//! and [`Lease::check`] inside a write transaction refuses a holder whose lease has passed on. This is also the one
//! place that starts background work. May call: `app` and every slice.

mod store;

use std::str::FromStr;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use chrono::Duration;
use cron::Schedule;

use crate::app::App;
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::ids::uuid_v7;
use crate::notify::Mailer;

/// One job.
pub struct Job {
    /// Its name, such as "reviews.open".
    pub name: &'static str,
    /// When it is due, as six cron fields in UTC (seconds first).
    pub schedule: &'static str,
    /// What it does; the text is its report, shown to operators: counts, never names.
    pub run: fn(&App, &Lease) -> Result<String>,
}

/// The table of jobs.
pub const JOBS: &[Job] = &[
    Job { name: "access.expire", schedule: "0 * * * * *", run: crate::access::jobs::expire },
    Job { name: "access.proposals", schedule: "50 * * * * *", run: crate::access::proposals::tend },
    Job { name: "decision.tidy", schedule: "0 52 3 * * *", run: crate::decision::usage::tidy },
    Job { name: "exceptions.tend", schedule: "30 * * * * *", run: crate::exceptions::tend },
    Job { name: "http.tidy", schedule: "0 47 3 * * *", run: crate::http::idempotency::tidy },
    Job { name: "leavers.run", schedule: "*/5 * * * * *", run: crate::leavers::run_due },
    Job { name: "log.checkpoint", schedule: "0 0 0 * * *", run: crate::log::jobs::checkpoint },
    Job { name: "log.close-days", schedule: "0 5 0 * * *", run: crate::log::jobs::close_days },
    Job { name: "log.verify", schedule: "0 30 3 * * *", run: verify },
    Job { name: "notify.alarms", schedule: "*/10 * * * * *", run: crate::notify::tell_of_alarms },
    Job { name: "notify.ends", schedule: "20 13 * * * *", run: crate::notify::warn_of_ends },
    Job { name: "notify.follow", schedule: "*/2 * * * * *", run: crate::notify::follow },
    Job { name: "provisioning.follow", schedule: "*/5 * * * * *", run: crate::provisioning::follow },
    Job { name: "requests.lapse", schedule: "45 * * * * *", run: crate::requests::lapse_all },
    Job { name: "reviews.open", schedule: "0 * * * * *", run: crate::reviews::open_due },
    Job { name: "reviews.tend", schedule: "15 * * * * *", run: crate::reviews::tend },
    Job { name: "signin.recover", schedule: "1/2 * * * * *", run: crate::signin::resetting::look_through },
    Job { name: "signin.tidy", schedule: "0 17 3 * * *", run: crate::signin::jobs::tidy },
    Job { name: "sso.attestations", schedule: "0 37 5 * * *", run: crate::sso::attestations::look },
    Job { name: "sso.tidy", schedule: "0 27 * * * *", run: crate::sso::jobs::tidy },
];

/// The nightly proof of the log; what it finds denies and alarms.
fn verify(app: &App, lease: &Lease) -> Result<String> {
    crate::log::jobs::verify(app, lease, crate::access::integrity::found)
}

/// The right to run a job now.
#[derive(Debug, Clone)]
pub struct Lease {
    name: &'static str,
    holder: String,
    fence: i64,
}

const LEASE: Duration = Duration::minutes(5);

impl Lease {
    /// Refuses a write if another node has taken the job over meanwhile.
    ///
    /// # Errors
    /// [`Error::Stale`] then.
    pub fn check(&self, tx: &mut Tx<'_>) -> Result<()> {
        if store::fence(tx, self.name)? == Some(self.fence) { Ok(()) } else { Err(Error::Stale) }
    }
}

/// Runs every job that is due at `now`, one after the other, and returns the names of those that ran here.
/// A job that fails is logged and tried again when it is due next.
///
/// # Errors
/// [`Error`] of the database only.
pub fn run_due(app: &App) -> Result<Vec<&'static str>> {
    let mut ran = Vec::new();
    for job in JOBS {
        if let Some(lease) = take(app, job)? {
            run(app, job, &lease)?;
            ran.push(job.name);
        }
    }
    Ok(ran)
}

/// Runs one job at once, whether it is due or not; `None` if another node is running it.
///
/// # Errors
/// Whatever the job returns.
pub fn run_now(app: &App, name: &str) -> Result<Option<String>> {
    let job = JOBS.iter().find(|job| job.name == name).ok_or(Error::NotFound("job"))?;
    app.database().alone(|reader| store::make_due(reader, job.name))?;
    let Some(lease) = take(app, job)? else { return Ok(None) };
    let outcome = (job.run)(app, &lease);
    let report = outcome.as_ref().map_or_else(|error| format!("failed: {error}"), Clone::clone);
    app.database().alone(|reader| store::release(reader, lease.name, &lease.holder, &report))?;
    outcome.map(Some)
}

fn take(app: &App, job: &Job) -> Result<Option<Lease>> {
    let context = app.context();
    let holder = uuid_v7(context.clock.now(), context.entropy.as_ref());
    app.database().alone(|reader| {
        let now = reader.now;
        let next = next_due(job.schedule, now)?;
        store::ensure(reader, job.name, next)?;
        let fence = store::take(reader, job.name, &holder, next, now.plus(LEASE))?;
        Ok(fence.map(|fence| Lease { name: job.name, holder: holder.clone(), fence }))
    })
}

fn run(app: &App, job: &Job, lease: &Lease) -> Result<()> {
    let report = match (job.run)(app, lease) {
        Ok(report) => report,
        Err(error) => {
            tracing::error!(job = job.name, %error, "a job failed");
            format!("failed: {error}")
        }
    };
    app.database().alone(|reader| store::release(reader, lease.name, &lease.holder, &report))
}

fn next_due(schedule: &str, after: Timestamp) -> Result<Timestamp> {
    let schedule =
        Schedule::from_str(schedule).map_err(|cause| Error::internal("reading a job's schedule", cause))?;
    schedule
        .after(&after.utc())
        .next()
        .map(Timestamp::from)
        .ok_or_else(|| Error::internal("reading a job's schedule", "never due"))
}

/// Starts the driver (once a second it runs what is due, until the runtime ends), the thread that follows the log, and
/// the proof of the log that belongs to a start. The follower ends when what is returned is dropped.
///
/// # Errors
/// [`Error::Internal`] if a thread cannot be started.
#[expect(clippy::disallowed_methods, reason = "the one place that starts background work")]
pub fn start(app: App) -> Result<Sender<()>> {
    let failed = |cause| Error::internal("starting background work", cause);
    let (stop, stopped) = channel();
    let house = app.downgrade();
    thread::Builder::new()
        .name("follower".to_owned())
        .spawn(move || crate::log::jobs::follow(&house, &stopped))
        .map_err(failed)?;
    if app.config().mail.is_some() {
        carry_mail(app.clone())?;
    }
    let house = app.clone();
    thread::Builder::new()
        .name("verifier".to_owned())
        .spawn(move || {
            if let Err(error) = crate::log::jobs::verify_at_start(&house, crate::access::integrity::found) {
                tracing::error!(%error, "the log could not be verified");
            }
        })
        .map_err(failed)?;
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(std::time::Duration::from_secs(1));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let app = app.clone();
            let second = move || crate::log::jobs::sign(&app).and_then(|()| run_due(&app));
            match tokio::task::spawn_blocking(second).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => tracing::warn!(%error, "jobs could not be looked up"),
                Err(cause) => tracing::error!(%cause, "a job ended early"),
            }
        }
    });
    Ok(stop)
}

/// Once a second mail that is due goes out, beside all other work: a mail server may be slow.
#[expect(clippy::disallowed_methods, reason = "the one place that starts background work")]
fn carry_mail(app: App) -> Result<()> {
    let mailer = Arc::new(Mailer::new(app)?);
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(std::time::Duration::from_secs(1));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let mailer = Arc::clone(&mailer);
            match tokio::task::spawn_blocking(move || mailer.send_due()).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => tracing::error!(%error, "mail could not be looked through"),
                Err(cause) => tracing::error!(%cause, "carrying mail ended early"),
            }
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schedule_can_be_read() {
        for job in JOBS {
            assert!(next_due(job.schedule, Timestamp::from_micros(0)).is_ok(), "{}", job.name);
        }
    }
}
