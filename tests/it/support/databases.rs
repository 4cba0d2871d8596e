//! A database for each test: a copy of one that was migrated once for the whole run.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use bailiwick::app::App;
use bailiwick::db::Location;
use diesel::connection::SimpleConnection;

use super::{SeededEntropy, config, start};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A data directory, and on PostgreSQL a database beside it. Both are removed when dropped.
pub struct Place {
    data: PathBuf,
    database: Option<(String, String)>,
}

struct Template {
    data: PathBuf,
    database: Option<String>,
    /// PostgreSQL copies a template only while nobody else does.
    copying: Mutex<()>,
}

impl Place {
    /// A copy of the migrated template.
    pub fn from_template() -> Self {
        let template = template();
        let place = Self::named(&fresh_name());
        copy(&template.data, &place.data);
        if let (Some(source), Some((_, name))) = (&template.database, &place.database) {
            let _one = template.copying.lock().expect("no test panics while copying");
            server(&format!("CREATE DATABASE {name} TEMPLATE {source} STRATEGY FILE_COPY"));
        }
        place
    }

    /// A place with nothing in it: no keys, no schema.
    pub fn empty() -> Self {
        let place = Self::named(&fresh_name());
        if let Some((_, name)) = &place.database {
            server(&format!("CREATE DATABASE {name}"));
        }
        place
    }

    fn named(name: &str) -> Self {
        let data = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&data).expect("a directory for the test");
        std::fs::set_permissions(&data, std::os::unix::fs::PermissionsExt::from_mode(0o700))
            .expect("its mode");
        let database = server_url().map(|url| (with_database(&url, name), name.to_owned()));
        Self { data, database }
    }

    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The PostgreSQL URL, if this run is on PostgreSQL.
    pub fn database(&self) -> Option<String> {
        self.database.as_ref().map(|(url, _)| url.clone())
    }
}

impl Place {
    /// Runs SQL past the program, as whoever owns the database can.
    #[track_caller]
    pub fn sql(&self, statements: &str) {
        let location = match &self.database {
            Some((url, _)) => Location::Postgresql(url.clone()),
            None => Location::file(&self.file()),
        };
        let mut connection = location.connect().expect("the database is reached");
        connection.batch_execute(statements).unwrap_or_else(|cause| panic!("{statements}: {cause}"));
    }

    /// Puts a copy of the whole database aside; nobody works on it meanwhile.
    pub fn copy_aside(&self) {
        if let Some((_, name)) = &self.database {
            server(&format!("CREATE DATABASE {name}_aside TEMPLATE {name} STRATEGY FILE_COPY"));
        } else {
            self.sql("PRAGMA wal_checkpoint(TRUNCATE)");
            std::fs::copy(self.file(), self.file().with_extension("aside")).expect("a copy");
        }
    }

    /// Puts the copy in the place of the database.
    pub fn put_copy_back(&self) {
        if let Some((_, name)) = &self.database {
            server(&format!("DROP DATABASE {name} WITH (FORCE)"));
            server(&format!("ALTER DATABASE {name}_aside RENAME TO {name}"));
        } else {
            self.sql("PRAGMA wal_checkpoint(TRUNCATE)");
            std::fs::rename(self.file().with_extension("aside"), self.file()).expect("the copy is there");
        }
    }

    fn file(&self) -> PathBuf {
        self.data.join("bailiwick.db")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((_, name)) = &self.database {
            server(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
            server(&format!("DROP DATABASE IF EXISTS {name}_aside WITH (FORCE)"));
        }
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

fn template() -> &'static Template {
    static TEMPLATE: OnceLock<Template> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let place = Place::empty();
        let entropy = Arc::new(SeededEntropy::new(0));
        drop(App::open_as_found(config(&place), Arc::new(start()), entropy).expect("the template opens"));
        let template = Template {
            data: place.data.clone(),
            database: place.database.as_ref().map(|(_, name)| name.clone()),
            copying: Mutex::new(()),
        };
        if let Some(name) = &template.database {
            // A pool closes its connections in its own time, and nobody may be in a database while it is copied.
            server(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"));
            server(&format!(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'"
            ));
        } else {
            let file = template.data.join("bailiwick.db");
            let mut connection = Location::file(&file).connect().expect("the template's file");
            connection.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)").expect("one file holds everything");
        }
        // The template lives as long as the run; the operating system's temporary directory forgets it later.
        std::mem::forget(place);
        template
    })
}

fn fresh_name() -> String {
    format!("bailiwick_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

fn server_url() -> Option<String> {
    std::env::var("BAILIWICK_TEST_DATABASE_URL").ok().filter(|url| !url.is_empty())
}

fn with_database(url: &str, name: &str) -> String {
    let (head, query) = url.split_once('?').map_or((url, None), |(head, query)| (head, Some(query)));
    let (scheme, rest) = head.split_once("://").expect("a URL");
    let authority = rest.split('/').next().unwrap_or_default();
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{scheme}://{authority}/{name}{query}")
}

fn server(statement: &str) {
    let url = server_url().expect("a PostgreSQL server");
    let mut connection = Location::Postgresql(url).connect().expect("the PostgreSQL server answers");
    connection.batch_execute(statement).unwrap_or_else(|cause| panic!("{statement}: {cause}"));
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("the template's directory") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        // SQLite's side files are empty after the checkpoint, and may vanish while the template's pool closes.
        if entry.file_name().to_string_lossy().contains(".db-") {
            continue;
        }
        if entry.file_type().expect("its type").is_dir() {
            std::fs::create_dir_all(&target).expect("a directory");
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).expect("a copy");
        }
    }
}
