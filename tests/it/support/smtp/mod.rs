//! A real mail server (aiosmtpd) in a process of its own, with a certificate of its own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bailiwick::config::{Credentials, Mail, Tls};
use serde_json::Value;

/// The version that is fetched, once, beside what cargo builds.
const AIOSMTPD: &str = "1.4.6";
/// Longer than a machine with much to do takes over one mail.
const PATIENCE: Duration = Duration::from_secs(60);

/// How the server encrypts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Offers {
    StartTls,
    Implicit,
    NoTls,
}

/// A running server; it ends when this is dropped.
pub struct MailServer {
    process: Child,
    taken: Mutex<Receiver<Value>>,
    port: u16,
    offers: Offers,
    directory: PathBuf,
}

/// The Python that has aiosmtpd.
fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("aiosmtpd-{AIOSMTPD}"));
        if !place.join("complete").exists() {
            // Another test run may be at it: each makes its own, and the first to be ready is kept.
            let mine = place.with_extension(std::process::id().to_string());
            run(Command::new("python3").args(["-m", "venv"]).arg(&mine));
            run(Command::new(mine.join("bin/python"))
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                .arg(format!("aiosmtpd=={AIOSMTPD}")));
            fs::write(mine.join("complete"), "").expect("a mark");
            if fs::rename(&mine, &place).is_err() {
                fs::remove_dir_all(&mine).expect("the other is kept");
            }
        }
        place.join("bin/python")
    })
}

fn run(command: &mut Command) {
    let ended = command.stdin(Stdio::null()).output().expect("it starts");
    assert!(ended.status.success(), "{command:?}: {}", String::from_utf8_lossy(&ended.stderr));
}

impl MailServer {
    pub fn start(offers: Offers) -> Self {
        Self::start_for(offers, None)
    }

    /// A server that asks for a user and a password.
    pub fn start_for(offers: Offers, known: Option<(&str, &str)>) -> Self {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("bailiwick-mail-{}-{number}", std::process::id()));
        fs::create_dir_all(&directory).expect("a directory");
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let (certificate, key) = (directory.join("certificate.pem"), directory.join("key.pem"));
        fs::write(&certificate, made.cert.pem()).expect("a file");
        fs::write(&key, made.signing_key.serialize_pem()).expect("a file");
        let (user, password) = known.unwrap_or(("-", "-"));
        let encrypted = match offers {
            Offers::StartTls => "starttls",
            Offers::Implicit => "implicit",
            Offers::NoTls => "plain",
        };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/support/smtp/server.py");
        let mut process = Command::new(python())
            .arg(script)
            .arg(encrypted)
            .args([&certificate, &key])
            .args([user, password])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the mail server starts");
        let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        let port = lines.next().expect("a line").expect("text").parse().expect("a port");
        let (sender, taken) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mail = serde_json::from_str(&line).expect("JSON");
                if sender.send(mail).is_err() {
                    return;
                }
            }
        });
        Self { process, taken: Mutex::new(taken), port, offers, directory }
    }

    /// The settings by which a house finds and trusts it.
    pub fn settings(&self) -> Mail {
        Mail {
            server: "localhost".to_owned(),
            port: self.port,
            tls: if self.offers == Offers::Implicit { Tls::Implicit } else { Tls::StartTls },
            authorities: Some(fs::read(self.directory.join("certificate.pem")).expect("the certificate")),
            credentials: None,
            from: "Bailiwick <access@firm.example>".parse().expect("a mailbox"),
            reply_to: Some("desk@firm.example".parse().expect("a mailbox")),
        }
    }

    /// The settings with a user and a password.
    pub fn settings_for(&self, user: &str, password: &str) -> Mail {
        let password = zeroize::Zeroizing::new(password.to_owned());
        Mail { credentials: Some(Credentials { user: user.to_owned(), password }), ..self.settings() }
    }

    /// The next mail that it took.
    #[track_caller]
    pub fn next(&self) -> Value {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.recv_timeout(PATIENCE).expect("a mail")
    }

    /// So many mails, by subject and address: several at once go out in no order that matters.
    #[track_caller]
    pub fn take(&self, count: usize) -> Vec<Value> {
        let mut mails: Vec<Value> = (0..count).map(|_| self.next()).collect();
        mails.sort_by_key(|mail| (header(mail, "Subject"), mail["to"].to_string()));
        mails
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.process.kill().expect("it ends");
        self.process.wait().expect("it has ended");
        // What lies in the directory for temporary files may go on its own.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// A header of a mail.
#[track_caller]
pub fn header(mail: &Value, name: &str) -> String {
    let headers = mail["headers"].as_array().expect("headers");
    let found: Vec<&str> =
        headers.iter().filter(|pair| pair[0] == *name).filter_map(|pair| pair[1].as_str()).collect();
    assert!(found.len() < 2, "{name} stands there twice");
    found.first().copied().unwrap_or_default().to_owned()
}

/// The one-time link in a mail, as a path.
#[track_caller]
pub fn link(mail: &Value) -> String {
    let text = mail["text"].as_str().expect("a text");
    let line = text.lines().find(|line| line.starts_with("https://localhost:8443/")).expect("a link");
    line.trim_start_matches("https://localhost:8443").to_owned()
}
