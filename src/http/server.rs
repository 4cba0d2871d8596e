//! The listener: binds, serves, and ends gracefully on SIGTERM or Ctrl-C.

use actix_web::HttpServer;

use super::pages::Pages;
use super::{service, tls};
use crate::app::App;
use crate::error::{Error, Result};
use crate::jobs;

/// How long requests under way may take to end after a signal, in seconds.
const GRACE: u64 = 10;

/// Serves until a signal ends it, on a runtime of its own. `ready` runs once the listener answers.
///
/// # Errors
/// As [`serve`].
pub fn run(app: App, ready: impl FnOnce(&App) -> Result<()>) -> Result<()> {
    actix_web::rt::System::new().block_on(serve(app, ready))
}

/// Serves until a signal ends it. `ready` runs once the listener answers; if it fails the serving ends.
///
/// # Errors
/// [`Error::Invalid`] if the address cannot be bound; [`Error::Internal`] for broken templates or certificates;
/// whatever `ready` returns.
pub async fn serve(app: App, ready: impl FnOnce(&App) -> Result<()>) -> Result<()> {
    let pages = Pages::new().map_err(|cause| Error::internal("compiling the pages", format!("{cause:#}")))?;
    let tls = tls::server_config(app.config())?;
    let listen = app.config().listen;
    let shared = app.clone();
    let server = HttpServer::new(move || service(shared.clone(), pages.clone()))
        .shutdown_timeout(GRACE)
        .bind_rustls_0_23(listen, tls)
        .map_err(|cause| Error::field("listen", format!("cannot listen on {listen}: {cause}")))?
        .run();
    let _background = jobs::start(app.clone())?;
    let handle = server.handle();
    let told = async {
        let told = ready(&app);
        if told.is_err() {
            handle.stop(false).await;
        }
        told
    };
    // The server's threads start when it is asked for the first time, which is before the other is.
    let (served, told) = tokio::join!(biased; server, told);
    app.close();
    told?;
    served.map_err(|cause| Error::internal("serving", cause))
}
