//! The section `[mail]`: through which server mail goes, and under whose name.
//!
//! Rules: mail goes over TLS or not at all; the password stands in a file or in the environment, never among the other
//! settings, and is never shown. Without the section no mail is sent. May call: `error`.

use std::fmt;
use std::fs;
use std::path::PathBuf;

use lettre::message::Mailbox;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::named;
use crate::error::{Error, Result};

/// The password of the mail server.
const PASSWORD: &str = "BAILIWICK_MAIL_PASSWORD";
const PASSWORD_FILE: &str = "BAILIWICK_MAIL_PASSWORD_FILE";

/// What the section may say.
pub(super) const KEYS: &[&str] =
    &["server", "port", "tls", "ca_file", "user", "password_file", "from", "reply_to"];

/// The section as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Section {
    server: String,
    port: Option<u16>,
    #[serde(default)]
    tls: Option<String>,
    ca_file: Option<PathBuf>,
    user: Option<String>,
    password_file: Option<PathBuf>,
    from: String,
    reply_to: Option<String>,
}

/// How the line to the server is encrypted. There is no third way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// It begins in plain text and must be encrypted before anything else is said.
    StartTls,
    /// It is encrypted from its first byte.
    Implicit,
}

/// A name and a password for the server.
#[derive(Clone)]
pub struct Credentials {
    /// The name.
    pub user: String,
    /// The password, for the one who has to show it.
    pub password: Zeroizing<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

/// Through which server mail goes, and under whose name.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The server's name, which its certificate must bear.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// How the line is encrypted.
    pub tls: Tls,
    /// Certificates to trust instead of the system's, as PEM.
    pub authorities: Option<Vec<u8>>,
    /// Whom the server knows this house as.
    pub credentials: Option<Credentials>,
    /// The sender.
    pub from: Mailbox,
    /// Where answers go, if not to the sender.
    pub reply_to: Option<Mailbox>,
}

impl Mail {
    /// Reads the section.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the key and what would be right.
    pub(super) fn of(section: Section) -> Result<Self> {
        let server = section.server.trim().to_owned();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
        if server.is_empty() || !server.chars().all(plain) {
            return Err(Error::field("mail.server", "must be the name of a host, such as mail.example.com"));
        }
        let tls = match section.tls.as_deref() {
            None | Some("starttls") => Tls::StartTls,
            Some("implicit") => Tls::Implicit,
            Some(_) => {
                let advice = "must be \"starttls\" or \"implicit\"; mail never goes out unencrypted";
                return Err(Error::field("mail.tls", advice));
            }
        };
        let usual = if tls == Tls::StartTls { 587 } else { 465 };
        Ok(Self {
            server,
            port: section.port.filter(|port| *port > 0).unwrap_or(usual),
            tls,
            authorities: section.ca_file.map(authorities).transpose()?,
            credentials: credentials(section.user, section.password_file)?,
            from: mailbox("mail.from", &section.from)?,
            reply_to: section.reply_to.map(|text| mailbox("mail.reply_to", &text)).transpose()?,
        })
    }
}

fn authorities(path: PathBuf) -> Result<Vec<u8>> {
    let pem = fs::read(&path).map_err(|cause| {
        Error::field("mail.ca_file", format!("{} cannot be read: {cause}", path.display()))
    })?;
    if !pem.windows(b"BEGIN CERTIFICATE".len()).any(|part| part == b"BEGIN CERTIFICATE") {
        return Err(Error::field("mail.ca_file", format!("{} holds no certificate as PEM", path.display())));
    }
    Ok(pem)
}

fn credentials(user: Option<String>, file: Option<PathBuf>) -> Result<Option<Credentials>> {
    let password = match (std::env::var(PASSWORD), named(PASSWORD_FILE).or(file)) {
        (Ok(text), _) => Some(Zeroizing::new(text)),
        (Err(_), Some(path)) => {
            let text = Zeroizing::new(fs::read_to_string(&path).map_err(|cause| {
                Error::field("mail.password_file", format!("{} cannot be read: {cause}", path.display()))
            })?);
            Some(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
        }
        (Err(_), None) => None,
    };
    match (user, password) {
        (Some(user), Some(password)) => Ok(Some(Credentials { user, password })),
        (None, None) => Ok(None),
        (Some(_), None) => {
            let advice = format!("needs a password: name its file as password_file, or set {PASSWORD}");
            Err(Error::field("mail.user", advice))
        }
        (None, Some(_)) => Err(Error::field("mail.user", "is missing beside the password")),
    }
}

fn mailbox(key: &str, text: &str) -> Result<Mailbox> {
    let wrong = "must be an address such as access@example.com or Bailiwick <access@example.com>";
    if text.chars().any(char::is_control) {
        return Err(Error::field(key, wrong));
    }
    text.parse().map_err(|_| Error::field(key, wrong))
}
