//! The shell's end: finds the server, or does the work itself under the data directory's lock.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use super::lock::Holder;
use super::{Asker, Command, Message, Output, Refusal, execute};
use crate::app::App;
use crate::caller::Caller;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::entropy::OsEntropy;
use crate::error::Error;

/// Has a command carried out by the running server, or carries it out here if there is none. `hear` hears what comes
/// before the outcome.
///
/// # Errors
/// Why it was refused or failed, here or there.
pub fn run(
    config: Config,
    command: Command,
    hear: &mut dyn FnMut(Message) -> io::Result<()>,
) -> Result<Output, Refusal> {
    match Holder::find(&config)? {
        Holder::Server(stream) => ask(stream, &command, hear),
        Holder::Us(_lock) => {
            let open = if command.only_looks() { App::open_unread } else { App::open };
            let app = open(config, Arc::new(SystemClock::default()), Arc::new(OsEntropy))?;
            let caller = Caller::shell(rustix::process::getuid().as_raw());
            Ok(execute(&app, &caller, command, &mut Asker::new(hear))?)
        }
    }
}

fn ask(
    mut stream: UnixStream,
    command: &Command,
    hear: &mut dyn FnMut(Message) -> io::Result<()>,
) -> Result<Output, Refusal> {
    let failed = |cause: &dyn std::fmt::Display| Error::internal("speaking with the server", cause);
    let mut line = serde_json::to_string(command).map_err(|cause| failed(&cause))?;
    line.push('\n');
    stream.write_all(line.as_bytes()).map_err(|cause| failed(&cause))?;
    for line in BufReader::new(stream).lines() {
        let line = line.map_err(|cause| failed(&cause))?;
        match serde_json::from_str(&line).map_err(|cause| failed(&cause))? {
            Message::Done(output) => return Ok(output),
            Message::Failed(refusal) => return Err(refusal),
            said => hear(said).map_err(|cause| failed(&cause))?,
        }
    }
    Err(failed(&"it ended before it answered; look whether the command was carried out").into())
}
