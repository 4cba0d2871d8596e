//! `doctor`: looks at everything that is known to go wrong, and says for each how it is.
//!
//! Rules: it changes nothing; what is wrong makes the command fail, what could be better does not. May call: `db`,
//! `log`, `notify`, `http::certificate`.

use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use chrono::Duration;
use serde::Serialize;
use serde_json::json;

use super::Output;
use crate::app::App;
use crate::config::{Config, MASTER_KEY};
use crate::db;
use crate::error::Result;
use crate::http::certificate;
use crate::log;
use crate::notify::mail::{self as outbox, sending};

/// From so long before its end a certificate is worth a word.
const SOON: Duration = Duration::days(30);

/// How one thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum How {
    /// As it should be.
    Well,
    /// It works; somebody should know of it.
    Advice,
    /// It must be mended.
    Wrong,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    what: &'static str,
    how: How,
    detail: String,
}

fn well(what: &'static str, detail: impl Into<String>) -> Finding {
    Finding { what, how: How::Well, detail: detail.into() }
}

fn advice(what: &'static str, detail: impl Into<String>) -> Finding {
    Finding { what, how: How::Advice, detail: detail.into() }
}

fn wrong(what: &'static str, detail: impl Into<String>) -> Finding {
    Finding { what, how: How::Wrong, detail: detail.into() }
}

/// Looks at everything.
pub(super) fn examine(app: &App) -> Result<Output> {
    let config = app.config();
    let mut findings = vec![files(config), disk(&config.data), master_key(config)];
    findings.extend(database(app));
    findings.extend([clock(app)?, tls(app), listener(config), mail(app)?, anchor()]);
    let lines = findings.iter().map(line).collect();
    let wrong = findings.iter().any(|finding| finding.how == How::Wrong);
    Ok(Output { lines, data: json!({ "findings": findings }), wrong, ..Output::default() })
}

fn line(finding: &Finding) -> String {
    let mark = match finding.how {
        How::Well => "ok",
        How::Advice => "note",
        How::Wrong => "WRONG",
    };
    format!("{mark:<6} {:<12} {}", finding.what, finding.detail)
}

/// Whether anybody else can read what lies in the data directory.
fn files(config: &Config) -> Finding {
    let mut open = Vec::new();
    for (path, tolerated) in [(config.data.clone(), 0o027), (config.data.join("keys"), 0)] {
        if let Some(mode) = mode(&path).filter(|mode| mode & 0o077 & !tolerated != 0) {
            open.push(format!("{} has mode {mode:o}", path.display()));
        }
    }
    let keys = fs::read_dir(config.data.join("keys")).into_iter().flatten().flatten();
    for path in keys.map(|entry| entry.path()) {
        if let Some(mode) = mode(&path).filter(|mode| mode & 0o077 != 0) {
            open.push(format!("{} has mode {mode:o}", path.display()));
        }
    }
    if open.is_empty() {
        return well("files", "nobody else can read the keys");
    }
    wrong("files", format!("{}; take all rights from group and others (chmod go=)", open.join(", ")))
}

fn mode(path: &Path) -> Option<u32> {
    fs::metadata(path).ok().map(|found| found.permissions().mode() & 0o777)
}

/// How full the disk is: below a tenth only counts are kept of ordinary decisions, below a twentieth PII is denied.
fn disk(data: &Path) -> Finding {
    let Ok(found) = rustix::fs::statvfs(data) else {
        return advice("disk", "how full it is cannot be told");
    };
    let free = found.f_bavail.saturating_mul(100) / found.f_blocks.max(1);
    match free {
        0..5 => wrong("disk", format!("{free} % free; make room, below 5 % personal data is denied")),
        5..10 => advice("disk", format!("{free} % free; make room soon")),
        _ => well("disk", format!("{free} % free")),
    }
}

fn master_key(config: &Config) -> Finding {
    if std::env::var_os(MASTER_KEY).is_some() {
        return advice(
            "master key",
            "in the environment, which other programs may read; a file with mode 0600 is better",
        );
    }
    let path = &config.master_key_file;
    if path.starts_with(&config.data) {
        return advice(
            "master key",
            format!(
                "{} lies beside the data it opens; keep a copy elsewhere, and leave it out of backups",
                path.display()
            ),
        );
    }
    well("master key", path.display().to_string())
}

/// Whether the database answers, and would keep what it acknowledged through a crash.
fn database(app: &App) -> Vec<Finding> {
    match app.database().location().connect().and_then(|mut connection| db::durability::of(&mut connection)) {
        Err(error) => vec![wrong("database", error.to_string())],
        Ok(found) => {
            let settings: Vec<String> =
                found.settings.iter().map(|(name, value)| format!("{name} = {value}")).collect();
            let detail = format!("{}; {}", found.engine, settings.join(", "));
            vec![match found.loses.as_slice() {
                [] => well("database", detail),
                loses => wrong(
                    "database",
                    format!("{detail}; a crash could lose acknowledged changes: set {}", loses.join(", ")),
                ),
            }]
        }
    }
}

/// Whether the machine's clock stands behind what was logged already.
fn clock(app: &App) -> Result<Finding> {
    let now = app.context().clock.now();
    let newest = app.read_now(|reader| log::store::list(reader, &log::store::Filter::default(), 1))?;
    Ok(match newest.first() {
        Some((event, _)) if event.at > now.plus(Duration::seconds(1)) => {
            wrong("clock", format!("{now}, but the log's newest event is of {}; set the clock", event.at))
        }
        _ => well("clock", now.to_string()),
    })
}

fn tls(app: &App) -> Finding {
    let path = app.config().data.join("certificate.pem");
    let now = app.context().clock.now();
    match certificate::ends_at(&path) {
        _ if !path.exists() => well("certificate", "made when the server starts first"),
        Err(error) => wrong("certificate", error.to_string()),
        Ok(end) if end <= now => wrong("certificate", format!("ended at {end}; replace {}", path.display())),
        Ok(end) if end <= now.plus(SOON) => advice("certificate", format!("ends at {end}; replace it soon")),
        Ok(end) => well("certificate", format!("ends at {end}")),
    }
}

fn listener(config: &Config) -> Finding {
    let address = config.listen;
    let local = match address.ip() {
        IpAddr::V4(ip) => ip.is_loopback(),
        IpAddr::V6(ip) => ip.is_loopback(),
    };
    if local {
        return well("listener", format!("{address}: this machine only"));
    }
    advice("listener", format!("{address}: reachable from the network; see that a firewall agrees"))
}

/// Whether mail goes out; a server that is called and hung up on again.
fn mail(app: &App) -> Result<Finding> {
    let Some(set) = &app.config().mail else {
        return Ok(advice(
            "mail",
            "no server is set up; one-time links are shown once to whoever makes them",
        ));
    };
    let place = format!("{}:{}", set.server, set.port);
    if let Err(words) = sending::reachable(set) {
        return Ok(wrong("mail", format!("{place}: {words}")));
    }
    let counts = app.read_now(outbox::counts)?;
    let detail = format!("{place}; {} waiting, {} given up in a week", counts.waiting, counts.given_up);
    Ok(if counts.given_up > 0 { advice("mail", detail) } else { well("mail", detail) })
}

fn anchor() -> Finding {
    advice(
        "anchor",
        "checkpoints do not leave this machine by themselves; keep the output of `bailiwick log checkpoint` elsewhere \
         and hold the log against it with `bailiwick log verify --against FILE`",
    )
}
