//! `serve`: one process, one data directory, until a signal ends it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use super::print;
use crate::app::App;
use crate::caller::Caller;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::control::{self, lock::Holder};
use crate::db;
use crate::entropy::OsEntropy;
use crate::error::{Error, Result};
use crate::http;
use crate::log::event::Change;
use crate::organisation;
use crate::signin::inviting::set_up_link;

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// Whatever keeps the house from starting, said so that an operator can mend it.
pub(super) fn serve(config: Config) -> Result<()> {
    serve_and_say(config, "")
}

/// Serves, and says something more when the listener answers.
///
/// # Errors
/// As [`serve`].
pub(super) fn serve_and_say(config: Config, more: &str) -> Result<()> {
    let _lock = match Holder::find(&config)? {
        Holder::Us(lock) => lock,
        Holder::Server(_) => {
            let detail = format!("a server already works on {}", config.data.display());
            return Err(Error::conflict("running", detail));
        }
    };
    let app = App::open(config, Arc::new(SystemClock::default()), Arc::new(OsEntropy))?;
    warn_of_loss(&app)?;
    let link = begin(&app)?;
    http::server::run(app, |app| {
        control::server::start(app.clone())?;
        announce(&format!("Bailiwick listens on {}\n", app.config().public_url));
        if let Some(link) = link {
            announce(&format!("Set up this house within an hour: {link}\n"));
        }
        announce(more);
        Ok(())
    })
}

/// A server whose operator has switched off what keeps its files whole still serves, for there may be a reason; but
/// nobody shall learn of it from a crash.
fn warn_of_loss(app: &App) -> Result<()> {
    let found = db::durability::of(&mut app.database().location().connect()?)?;
    if !found.loses.is_empty() {
        let wanted = found.loses.join(", ");
        tracing::error!(engine = found.engine, wanted, "A CRASH COULD LOSE WHAT WAS ACKNOWLEDGED");
    }
    Ok(())
}

/// Records the start. While the house is not set up each start makes a new set-up link, which is also kept in a file
/// for whoever does not see the output; what comes back is its address.
fn begin(app: &App) -> Result<Option<String>> {
    let made = app.write_now(&Caller::house("start"), |tx| {
        tx.record(Change::HouseStarted { version: env!("CARGO_PKG_VERSION").to_owned() });
        if organisation::get(tx)?.is_set_up() { Ok(None) } else { set_up_link(tx).map(Some) }
    })?;
    let link = made.value.map(|made| made.address(&app.config().public_url));
    keep(&app.config().data.join("set-up-link"), link.as_deref())
        .map_err(|cause| Error::internal("writing the set-up link's file", cause))?;
    Ok(link)
}

/// Writes the link's file for the owner's eyes only; a link of an earlier start goes in any case.
fn keep(path: &Path, link: Option<&str>) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
        _ => {}
    }
    let Some(link) = link else { return Ok(()) };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{link}")
}

/// Whoever started the server may have closed its standard output; that is no reason to end.
fn announce(line: &str) {
    if let Err(cause) = print::out(line) {
        tracing::warn!(%cause, "standard output cannot be written to");
    }
}
