//! Mail on the page of the settings: through which server it goes, how the outbox stands, and a trial.

use actix_web::http::StatusCode;
use actix_web::web;
use serde_json::{Value, json};

use super::Mailer;
use super::mail;
use crate::app::App;
use crate::config::Tls;
use crate::error::{Error, Result};
use crate::http::{Answer, Page};
use crate::organisation::http as settings;

/// What the page says of mail: none if no server is set up.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub async fn state(app: &App) -> Result<Value> {
    let Some(set) = &app.config().mail else { return Ok(Value::Null) };
    let counts = app.read(mail::counts).await?;
    let encrypted = match set.tls {
        Tls::StartTls => "STARTTLS",
        Tls::Implicit => "TLS from the first byte",
    };
    Ok(json!({
        "server": format!("{}:{}", set.server, set.port),
        "encrypted": encrypted,
        "from": set.from.to_string(),
        "waiting": counts.waiting,
        "given_up": counts.given_up,
    }))
}

/// `POST /settings/mail-trial`: a mail to whoever asks, at once, and what became of it.
///
/// # Errors
/// As the render.
pub async fn trial(app: web::Data<App>, page: Page) -> Answer {
    let reader = page.caller.account().cloned().ok_or(Error::Unauthenticated)?;
    let outcome = app.to_its_end(move |app| Mailer::new(app.clone())?.try_out(&reader)).await;
    let (said, status) = match outcome {
        Ok(()) => ("Sent. Look into your mailbox; it may take a minute.".to_owned(), StatusCode::OK),
        Err(Error::Conflict(_, text)) => (text, StatusCode::CONFLICT),
        Err(other) => return Err(other.into()),
    };
    let mut answer = settings::with_mail_said(&app, &page, &said, status == StatusCode::OK).await?;
    *answer.status_mut() = status;
    Ok(answer)
}
