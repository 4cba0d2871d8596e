//! What a command says, and where: data on standard output, everything else on standard error.
//!
//! A reader that has gone away (`bailiwick log export | head`) is no fault.

use std::io::{self, Write};
use std::process::ExitCode;

use crate::control::{Message, Output, Refusal};

/// The exit code of what takes effect only with somebody's word.
const WAITS: u8 = 3;

/// Prints what a command brought about; the exit code says whether it found something wrong.
pub(super) fn outcome(output: &Output, json: bool) -> ExitCode {
    for note in &output.notes {
        eprintln!("{note}");
    }
    let written = if json && !output.data.is_null() {
        out(&format!("{:#}\n", output.data))
    } else {
        output.lines.iter().try_for_each(|line| out(&format!("{line}\n")))
    };
    match written {
        Err(cause) if cause.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("bailiwick: standard output: {cause}");
            ExitCode::FAILURE
        }
        _ if output.wrong => ExitCode::FAILURE,
        _ if output.waits => ExitCode::from(WAITS),
        _ => ExitCode::SUCCESS,
    }
}

/// Prints why a command was not carried out.
pub(super) fn refusal(refusal: &Refusal) -> ExitCode {
    for line in &refusal.lines {
        eprintln!("bailiwick: {line}");
    }
    ExitCode::FAILURE
}

/// Prints what a command says before its outcome.
pub(super) fn message(message: Message) -> io::Result<()> {
    match message {
        Message::Progress(text) => {
            eprintln!("{text}");
            Ok(())
        }
        Message::Piece(text) => out(&text),
        Message::Done(_) | Message::Failed(_) => Ok(()),
    }
}

/// Writes to standard output, at once.
pub(super) fn out(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}
