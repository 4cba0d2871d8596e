//! `demo`: a server on a house that is filled with an example company, for as long as somebody looks at it.
//!
//! Rules: it works in a directory of its own, which is gone afterwards, or in an empty one that is named; it listens on
//! this machine alone; passwords and authenticators are made anew for each run.

use std::fs::{self, DirBuilder};
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::serve;
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, Overrides};
use crate::control::lock::Holder;
use crate::demo::{self, Visitor};
use crate::entropy::{OsEntropy, random};
use crate::error::{Error, Result};

/// Fills a house and serves it until SIGTERM or SIGINT.
///
/// # Errors
/// What is named is not empty or not this machine's; whatever keeps the house from starting.
pub(super) fn demo(named: Overrides) -> Result<()> {
    for (option, given) in [("config", named.config.is_some()), ("database", named.database.is_some())] {
        if given {
            return Err(Error::field(option, "does not go with demo, which has a house of its own"));
        }
    }
    let listen = named.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8443)));
    if !listen.ip().is_loopback() {
        let advice =
            "must be an address of this machine, such as 127.0.0.1:8443: a demonstration is for nobody else";
        return Err(Error::field("listen", advice));
    }
    let place = Place::take(named.data)?;
    let config = Config::load(Overrides {
        database: Some(format!("sqlite://{}", place.path.join("bailiwick.db").display())),
        data: Some(place.path.clone()),
        listen: Some(listen),
        ..Overrides::default()
    })?;
    eprintln!("filling a house with an example company");
    let visitors = fill(&config)?;
    serve::serve_and_say(config, &told(&place, &visitors))
}

fn fill(config: &Config) -> Result<Vec<Visitor>> {
    let Holder::Us(_lock) = Holder::find(config)? else {
        return Err(Error::conflict("running", format!("a server works on {}", config.data.display())));
    };
    demo::fill(config.clone(), SystemClock::default().now())
}

/// Where the house lies. A directory that was made for it goes with it.
struct Place {
    path: PathBuf,
    made: bool,
}

impl Place {
    fn take(named: Option<PathBuf>) -> Result<Self> {
        if let Some(path) = named {
            if holds_something(&path)? {
                return Err(Error::field(
                    "data",
                    format!("{} is not empty; demo never touches a house that is there", path.display()),
                ));
            }
            return Ok(Self { path, made: false });
        }
        let path =
            std::env::temp_dir().join(format!("bailiwick-demo-{}", hex::encode(random::<8>(&OsEntropy))));
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(|cause| Error::field("data", format!("{}: {cause}", path.display())))?;
        Ok(Self { path, made: true })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.made
            && let Err(cause) = fs::remove_dir_all(&self.path)
        {
            eprintln!("bailiwick: {} could not be removed: {cause}", self.path.display());
        }
    }
}

fn holds_something(path: &Path) -> Result<bool> {
    match fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.next().is_some()),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(cause) => Err(Error::field("data", format!("{}: {cause}", path.display()))),
    }
}

/// What a visitor has to know.
fn told(place: &Place, visitors: &[Visitor]) -> String {
    let fate = if place.made { "is removed when this ends" } else { "stays when this ends" };
    let mut text = format!(
        "A demonstration: the company and everybody in it are invented. It lies in {} and {fate}.\n\
         Sign in as one of these; their passwords and authenticators were made for this run. Add a secret to an \
         authenticator, or ask for a code with: oathtool --totp --base32 SECRET\n\n{:<18} {:<20} {:<22} {}\n",
        place.path.display(),
        "part",
        "username",
        "password",
        "authenticator secret"
    );
    for Visitor { part, username, password, secret } in visitors {
        text.push_str(&format!("{part:<18} {username:<20} {password:<22} {secret}\n"));
    }
    text
}
