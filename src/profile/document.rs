//! Reading one TOML policy file so that every later complaint can name its line.
//!
//! Rules: files have a size limit; unknown keys are refused with a suggestion; nothing is read from disk here, the
//! caller hands over text. Calls `refusal` and the `toml` crate.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::refusal::{Refusal, did_you_mean};

/// The largest policy file that is read, in bytes.
pub const MAX_FILE_BYTES: usize = 1_048_576;

/// A parsed policy file together with the line of each of its keys.
#[derive(Debug, Clone)]
pub struct Document<T> {
    /// The file's name for messages.
    pub file: String,
    /// What the file says.
    pub value: T,
    lines: BTreeMap<String, usize>,
}

impl<T: DeserializeOwned> Document<T> {
    /// Parses `text` as the contents of `file`.
    ///
    /// # Errors
    /// A refusal with the line when the text is not TOML, has an unknown key, or a value of the wrong kind.
    pub fn parse(file: &str, text: &str) -> Result<Self, Refusal> {
        if text.len() > MAX_FILE_BYTES {
            let what = format!("the file is larger than {MAX_FILE_BYTES} bytes");
            return Err(Refusal::of(file, what, "split it into several files"));
        }
        let refuse = |error: toml::de::Error| refusal_of(file, text, &error);
        let table = DeTable::parse(text).map_err(refuse)?;
        let mut index = Index { ends: ends_of_lines(text), lines: BTreeMap::new() };
        index.table("", table.get_ref());
        let value = toml::from_str(text).map_err(refuse)?;
        Ok(Self { file: file.to_owned(), value, lines: index.lines })
    }
}

impl<T> Document<T> {
    /// The line of the key at `path` (`role.2.allow.0.feature`), or of the nearest thing around it.
    pub fn line(&self, path: &str) -> usize {
        let mut path = path;
        loop {
            if let Some(line) = self.lines.get(path) {
                return *line;
            }
            match path.rsplit_once('.') {
                Some((around, _)) => path = around,
                None => return 1,
            }
        }
    }

    /// A refusal of what stands at `path`.
    pub fn refuse(&self, path: &str, what: impl Into<String>, remedy: impl Into<String>) -> Refusal {
        Refusal::at(&self.file, self.line(path), what, remedy)
    }
}

/// Finds the line of each key.
struct Index {
    ends: Vec<usize>,
    lines: BTreeMap<String, usize>,
}

impl Index {
    fn table(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let path = join(prefix, key.get_ref());
            self.lines.insert(path.clone(), line_at(&self.ends, key.span().start));
            self.value(&path, value);
        }
    }

    fn value(&mut self, path: &str, value: &Spanned<DeValue<'_>>) {
        match value.get_ref() {
            DeValue::Table(table) => self.table(path, table),
            DeValue::Array(items) => {
                for (number, item) in items.iter().enumerate() {
                    let path = join(path, &number.to_string());
                    self.lines.insert(path.clone(), line_at(&self.ends, item.span().start));
                    self.value(&path, item);
                }
            }
            _ => {}
        }
    }
}

fn join(prefix: &str, key: &str) -> String {
    if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") }
}

/// The offsets at which lines end.
fn ends_of_lines(text: &str) -> Vec<usize> {
    text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(offset, _)| offset).collect()
}

/// The line, counted from 1, that an offset lies in.
fn line_at(ends: &[usize], offset: usize) -> usize {
    ends.partition_point(|end| *end < offset) + 1
}

/// What serde expected, as somebody writes it in TOML.
fn kind_of(expected: &str) -> &str {
    match expected {
        "a sequence" => "a list, such as [\"read\", \"update\"]",
        "a string" => "a text in quotation marks",
        "a boolean" => "true or false",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number",
        "a map" => "a table",
        "" => "what belongs here",
        other => other,
    }
}

/// What to do about a text that is no TOML.
fn syntax_remedy(message: &str) -> &'static str {
    if message.starts_with("duplicate key") {
        "keep one of the two"
    } else if message.starts_with("invalid") && message.contains("string") {
        "put the text between quotation marks, on one line"
    } else if message.contains("key-value") {
        "write key = value, one a line, as TOML has it"
    } else {
        "correct this line"
    }
}

fn refusal_of(file: &str, text: &str, error: &toml::de::Error) -> Refusal {
    let line = error.span().map_or(1, |span| line_at(&ends_of_lines(text), span.start));
    let message = error.message().trim().replace('\n', ", ");
    let mut quoted = message.split('`').skip(1).step_by(2);
    let given = quoted.next().unwrap_or_default();
    let (told, expected) = message.split_once(", expected ").unwrap_or((&message, ""));
    let told = told.replace('`', "\"");
    let (what, remedy) = if message.starts_with("unknown field") {
        (format!("unknown key \"{given}\""), did_you_mean(given, quoted))
    } else if message.starts_with("unknown variant") {
        (format!("\"{given}\" is none of the words that may stand here"), did_you_mean(given, quoted))
    } else if message.starts_with("missing field") {
        (format!("missing key \"{given}\""), format!("add \"{given} = …\" to this table"))
    } else if let Some(found) = told.strip_prefix("invalid type: ") {
        (format!("{found} does not belong here"), format!("write {}", kind_of(expected)))
    } else {
        (told, syntax_remedy(&message).to_owned())
    };
    Refusal::at(file, line, what, remedy)
}
