//! `log verify`, `log checkpoint` and `log export`.

use std::io::{self, Write};

use serde_json::json;

use super::{Asker, Output};
use crate::app::App;
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::governed::SOURCES;
use crate::log::checkpoint::read;
use crate::log::command;

/// How much of an export travels at a time, in bytes.
const PIECE: usize = 64 * 1024;

/// Proves the log and the governed tables; a difference makes the command fail.
/// That a checkpoint kept elsewhere fits is worth an event: it shows that somebody keeps them.
pub(super) fn verify(app: &App, caller: &Caller, against: Option<&str>) -> Result<Output> {
    let report = command::verify(app.database(), &app.config().data, SOURCES, against)?;
    if let Some(note) = against.filter(|_| report.is_sound()) {
        app.read_in()?;
        let change = report.change_against(read(note)?.size);
        app.write_now(caller, |tx| {
            tx.record(change);
            Ok(())
        })?;
    }
    let data = serde_json::to_value(&report)
        .map_err(|cause| Error::internal("writing the verification's report", cause))?;
    let lines = report.to_string().lines().map(str::to_owned).collect();
    Ok(Output { lines, data, wrong: !report.is_sound(), ..Output::default() })
}

/// Signs the log as it stands: the note, ready to be kept elsewhere; the key that verifies it is a note on the side.
pub(super) fn checkpoint(app: &App) -> Result<Output> {
    let (note, key) = command::checkpoint(app.database())?;
    Ok(Output {
        lines: note.trim_end_matches('\n').split('\n').map(str::to_owned).collect(),
        notes: vec![format!("verifier key: {key}")],
        data: json!({ "checkpoint": note, "verifier_key": key }),
        ..Output::default()
    })
}

/// Hands every event's canonical text over, oldest first.
pub(super) fn export(app: &App, asker: &mut Asker<'_>) -> Result<Output> {
    let mut pieces = Pieces { asker, kept: Vec::with_capacity(PIECE) };
    let count = command::export(app.database(), 0, &mut pieces)?;
    Ok(Output { notes: vec![format!("{count} events")], ..Output::default() })
}

/// Collects what is written into pieces that end with a whole line.
struct Pieces<'a, 'b> {
    asker: &'a mut Asker<'b>,
    kept: Vec<u8>,
}

impl Write for Pieces<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.kept.extend_from_slice(bytes);
        if self.kept.len() >= PIECE && self.kept.ends_with(b"\n") {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.kept.is_empty() {
            return Ok(());
        }
        let text = String::from_utf8(std::mem::take(&mut self.kept)).map_err(io::Error::other)?;
        self.asker.piece(text)
    }
}
