//! Where no word may stand: the tracing log at debug level, every column of every table, every file of the house.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use bailiwick::db::AnyConnection;
use bailiwick::error::Result;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::House;

/// What every word begins with.
pub const NEEDLE: &str = "qzlantern";

/// Lines of the log that hold a word. The log is the process's own, so that every test is listened to.
static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Keeps the lines that hold a word, of whatever thread, and forgets the others.
struct Listener;

impl Write for Listener {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(bytes);
        if line.to_lowercase().contains(NEEDLE) {
            LINES.lock().expect("no writer panics").push(line.into_owned());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Listener {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self
    }
}

/// A search that has begun: the log is listened to from here on.
pub struct Searched {
    /// What lay in the temporary directory already, and is none of ours.
    before: HashSet<PathBuf>,
}

/// The files that lie loose in the temporary directory.
fn loose() -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_file())
}

impl Searched {
    /// Listens to the log at debug level.
    pub fn begin() -> Self {
        static ONCE: OnceLock<()> = OnceLock::new();
        ONCE.get_or_init(|| {
            let log =
                tracing_subscriber::fmt().with_max_level(LevelFilter::DEBUG).with_writer(Listener).json();
            log.try_init().expect("no other test takes the log");
        });
        Self { before: loose().collect() }
    }

    /// Every place that holds a word, with the text around it.
    pub fn find(&self, places: &Places) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for line in LINES.lock().expect("no writer panics").iter() {
            found.push(("the log".to_owned(), line.trim().to_owned()));
        }
        let left = loose().filter(|file| !self.before.contains(file) && is_small(file));
        for file in places.files.iter().cloned().chain(left) {
            // A file may vanish meanwhile; what is not there holds nothing.
            let bytes = fs::read(&file).unwrap_or_default();
            found.extend(within(&bytes).into_iter().map(|text| (file.display().to_string(), text)));
        }
        for (column, value) in &places.columns {
            found.extend(within(value.as_bytes()).into_iter().map(|text| (format!("column {column}"), text)));
        }
        found
    }
}

/// The text around each word in some bytes, plain or as hex; the first few.
fn within(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    let coded = hex::encode(NEEDLE);
    let mut found = Vec::new();
    for needle in [NEEDLE, &coded] {
        for (at, _) in text.match_indices(needle).take(5) {
            let before: String = text[..at].chars().rev().take(40).collect();
            let before: String = before.chars().rev().collect();
            let after: String = text[at..].chars().take(60).collect();
            found.push(format!("{before}{after}"));
        }
    }
    found
}

/// Everything that a house keeps.
pub struct Places {
    files: Vec<PathBuf>,
    columns: Vec<(String, String)>,
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

impl Places {
    /// The files of a house, and on PostgreSQL every row of its database.
    pub fn of(house: &House) -> Self {
        let mut files = Vec::new();
        walk(house.data(), &mut files);
        let location = house.app.database().location();
        let mut connection = location.connect().expect("a connection");
        let columns = match &mut connection {
            AnyConnection::Postgresql(_) => rows(&mut connection),
            AnyConnection::Sqlite(_) => Vec::new(),
        };
        Self { files, columns }
    }
}

/// Nothing that this program leaves behind is large.
fn is_small(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.len() < 4 << 20)
}

/// Every row of every table as text; bytes stand there as hex.
fn rows(connection: &mut AnyConnection) -> Vec<(String, String)> {
    let tables: Vec<Name> = diesel::sql_query(
        "SELECT table_name::text AS name FROM information_schema.tables WHERE table_schema = 'public'",
    )
    .load(connection)
    .expect("the tables");
    let mut all = Vec::new();
    for table in tables {
        let rows: Vec<Name> =
            diesel::sql_query(format!("SELECT row_to_json(t)::text AS name FROM \"{}\" t", table.name))
                .load(connection)
                .expect("its rows");
        all.extend(rows.into_iter().map(|row| (table.name.clone(), row.name)));
    }
    all
}

fn walk(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory of the house").flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, files);
        } else {
            files.push(path);
        }
    }
}

/// Puts a word into a column, to see that it is found.
pub fn plant(connection: &mut AnyConnection, word: &str) -> Result<()> {
    connection.batch_execute(&format!("INSERT INTO settings (name, value) VALUES ('planted', '{word}')"))?;
    Ok(())
}
