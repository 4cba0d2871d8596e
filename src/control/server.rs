//! The server's end of the control socket: `control.sock` in the data directory, mode 0600.
//!
//! Rules: only the user that runs the server, and root, are listened to; one command a connection; a command comes to
//! its end also if its caller goes away.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc::{self, Sender};

use super::{Asker, Command, Message, Refusal, address, execute};
use crate::app::App;
use crate::caller::Caller;
use crate::error::{Error, Result};

/// The longest command in bytes: an import carries its file along.
const LIMIT: u64 = 64 * 1024 * 1024;
/// How many messages may wait for a caller who reads slowly.
const WAITING: usize = 64;

/// Listens for commands until the runtime ends. The caller holds the data directory's lock.
///
/// # Errors
/// [`Error::Internal`] if the socket cannot be made.
#[expect(clippy::disallowed_methods, reason = "the listener lives as long as the server and holds no state")]
pub fn start(app: App) -> Result<()> {
    let listener = address::with_short(&app.config().socket(), bind)
        .map_err(|cause| Error::internal("making the control socket", cause))?;
    tokio::spawn(async move {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let app = app.clone();
                    tokio::spawn(async move {
                        if let Err(cause) = serve(app, stream).await {
                            tracing::warn!(%cause, "a command's caller went away");
                        }
                    });
                }
                Err(cause) => {
                    tracing::warn!(%cause, "a command could not be accepted");
                    // Nothing but a full table of files keeps it from accepting, and that takes a while to mend.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    });
    Ok(())
}

fn bind(path: &Path) -> io::Result<UnixListener> {
    // The data directory's lock is ours, so a socket that lies there is of a server that is gone.
    let _ = fs::remove_file(path);
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

async fn serve(app: App, stream: UnixStream) -> io::Result<()> {
    let user = stream.peer_cred()?.uid();
    if user != 0 && user != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other("it runs as another user"));
    }
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    BufReader::new(read.take(LIMIT)).read_line(&mut line).await?;
    let (sender, mut messages) = mpsc::channel(WAITING);
    let work = tokio::task::spawn_blocking(move || answer(&app, &Caller::shell(user), &line, &sender));
    while let Some(message) = messages.recv().await {
        let mut text = serde_json::to_string(&message)?;
        text.push('\n');
        write.write_all(text.as_bytes()).await?;
    }
    work.await?;
    write.shutdown().await
}

fn answer(app: &App, caller: &Caller, line: &str, sender: &Sender<Message>) {
    let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
    let mut hear = |message| sender.blocking_send(message).map_err(gone);
    let outcome = read(line).and_then(|command| execute(app, caller, command, &mut Asker::new(&mut hear)));
    // When nobody listens any more there is nobody to tell.
    let _ = hear(match outcome {
        Ok(output) => Message::Done(output),
        Err(error) => Message::Failed(Refusal::from(error)),
    });
}

/// What serde complains about can quote what people typed; it goes back to who typed it, and nowhere else.
fn read(line: &str) -> Result<Command> {
    if !line.ends_with('\n') {
        return Err(Error::field("command", format!("must not be longer than {LIMIT} bytes")));
    }
    serde_json::from_str(line).map_err(|cause| Error::field("command", cause.to_string()))
}
