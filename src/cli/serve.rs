//! `serve`: one process, one data directory, until a signal ends it.

use std::sync::Arc;

use super::print;
use crate::app::App;
use crate::caller::Caller;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::control::{self, lock::Holder};
use crate::entropy::OsEntropy;
use crate::error::{Error, Result};
use crate::http;
use crate::log::event::Change;

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// Whatever keeps the house from starting, said so that an operator can mend it.
pub(super) fn serve(config: Config) -> Result<()> {
    let _lock = match Holder::find(&config)? {
        Holder::Us(lock) => lock,
        Holder::Server(_) => {
            let detail = format!("a server already works on {}", config.data.display());
            return Err(Error::conflict("running", detail));
        }
    };
    let app = App::open(config, Arc::new(SystemClock::default()), Arc::new(OsEntropy))?;
    app.write_now(&Caller::house("start"), |tx| {
        tx.record(Change::HouseStarted { version: env!("CARGO_PKG_VERSION").to_owned() });
        Ok(())
    })?;
    http::server::run(app, |app| {
        control::server::start(app.clone())?;
        announce(&format!("Bailiwick listens on {}\n", app.config().public_url));
        Ok(())
    })
}

/// Whoever started the server may have closed its standard output; that is no reason to end.
fn announce(line: &str) {
    if let Err(cause) = print::out(line) {
        tracing::warn!(%cause, "standard output cannot be written to");
    }
}
