//! The line to the mail server (SMTP, by lettre): encrypted before anything of ours is said.
//!
//! Rules: a server that offers no STARTTLS, or whose certificate is not the expected one, gets nothing; what it answers
//! is kept as a number, since the words may repeat an address. Blocking; called outside every transaction.

use std::time::Duration;

use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{Certificate, CertificateStore, SmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Message, transport::smtp};

use crate::config::{Mail, Tls};

/// How long one answer of the server may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a mail did not go out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The server cannot be spoken to: nothing goes out for now.
    Away(String),
    /// The server will have this mail later.
    Later(String),
    /// The server will not have this mail.
    Never(String),
}

impl Fault {
    /// What happened, in words without anything personal.
    pub fn words(&self) -> &str {
        match self {
            Self::Away(words) | Self::Later(words) | Self::Never(words) => words,
        }
    }
}

/// A line that stands.
pub struct Line(SmtpConnection);

impl Line {
    /// Calls the server, encrypts the line and says who calls.
    ///
    /// # Errors
    /// [`Fault::Away`] whatever kept it from standing.
    pub fn open(mail: &Mail) -> Result<Self, Fault> {
        let tls = parameters(mail)?;
        let name = ClientId::default();
        let at = (mail.server.as_str(), mail.port);
        let wrapped = (mail.tls == Tls::Implicit).then_some(&tls);
        let failed = |stage: &'static str| move |error: smtp::Error| Fault::Away(words(stage, &error));
        let mut line = SmtpConnection::connect(at, Some(PATIENCE), &name, wrapped, None)
            .map_err(failed("the server cannot be reached"))?;
        if mail.tls == Tls::StartTls {
            if !line.can_starttls() {
                line.abort();
                return Err(Fault::Away("the server offers no STARTTLS".to_owned()));
            }
            line.starttls(&tls, &name).map_err(failed("the line could not be encrypted"))?;
        }
        if let Some(known) = &mail.credentials {
            let shown = Credentials::new(known.user.clone(), known.password.to_string());
            line.auth(DEFAULT_MECHANISMS, &shown)
                .map_err(failed("the server does not accept user and password"))?;
        }
        Ok(Self(line))
    }

    /// Hands one mail over.
    ///
    /// # Errors
    /// The fault; after [`Fault::Away`] the line is dead.
    pub fn send(&mut self, letter: &Message) -> Result<(), Fault> {
        match self.0.send(letter.envelope(), &letter.formatted()) {
            Ok(_) => Ok(()),
            Err(error) if error.is_permanent() => Err(Fault::Never(words("refused", &error))),
            Err(error) if error.is_transient() => Err(Fault::Later(words("put off", &error))),
            // An address that this server cannot be told about: no other try will change that.
            Err(error) if error.is_client() => Err(Fault::Never(words("refused", &error))),
            Err(error) => Err(Fault::Away(words("the line broke", &error))),
        }
    }

    /// Whether another mail may follow on the same line.
    pub fn stands(&self) -> bool {
        !self.0.has_broken()
    }

    /// Hangs up.
    pub fn close(mut self) {
        self.0.abort();
    }
}

fn parameters(mail: &Mail) -> Result<TlsParameters, Fault> {
    let mut builder = TlsParameters::builder(mail.server.clone());
    if let Some(pem) = &mail.authorities {
        let unreadable = |_| Fault::Away("the file of certificates cannot be read".to_owned());
        builder = builder
            .certificate_store(CertificateStore::None)
            .add_root_certificate(Certificate::from_pem(pem).map_err(unreadable)?);
    }
    builder.build().map_err(|error| Fault::Away(words("TLS", &error)))
}

/// What happened, with the server's number instead of its words.
fn words(stage: &str, error: &smtp::Error) -> String {
    match error.status() {
        Some(code) => format!("{stage} ({code})"),
        None if error.is_timeout() => format!("{stage} (no answer in time)"),
        None if error.is_tls() => format!("{stage} (TLS)"),
        None => stage.to_owned(),
    }
}
