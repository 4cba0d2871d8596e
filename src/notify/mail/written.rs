//! How a letter is written: a template of `web/mail` in plain text, and the same again as simple HTML.
//!
//! Rules: the first line of a template is the subject, and its paragraphs stand apart by empty lines; in HTML all is
//! escaped, and only the paragraph that is the letter's own link becomes one. Nothing of a letter can break into its
//! headers.

use lettre::Message;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use serde_json::{Value, json};

use crate::clock::Timestamp;
use crate::config;
use crate::error::{Error, Result};
use crate::http::pages::Pages;
use crate::ids::MailId;

/// A letter before it is put into its envelope.
pub struct Letter {
    /// The address.
    pub to: String,
    /// What the template needs.
    pub context: Value,
    /// The template's name.
    pub template: &'static str,
}

/// Tells other machines that nobody sits here to read an answer (RFC 3834).
#[derive(Debug, Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> std::result::Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// The letter as it goes out.
///
/// # Errors
/// [`Error::Internal`] if the template and its context do not fit; [`Error::Invalid`] for an address that none can be
/// sent to.
pub fn message(
    pages: &Pages,
    mail: &config::Mail,
    id: &MailId,
    at: Timestamp,
    letter: &Letter,
) -> Result<Message> {
    let (subject, text) = plain(pages, letter)?;
    let html = html(pages, letter, &text)?;
    let address =
        letter.to.parse().map_err(|_| Error::field("email", "is no address that mail can be sent to"))?;
    let mut builder = Message::builder()
        .from(mail.from.clone())
        .to(Mailbox::new(None, address))
        .subject(subject)
        .date(std::time::SystemTime::from(at.utc()))
        .message_id(Some(format!("<{id}@{}>", mail.from.email.domain())))
        .header(AutoSubmitted);
    if let Some(reply_to) = &mail.reply_to {
        builder = builder.reply_to(reply_to.clone());
    }
    let part = |kind, body| SinglePart::builder().header(kind).body(body);
    let both = MultiPart::alternative()
        .singlepart(part(ContentType::TEXT_PLAIN, text))
        .singlepart(part(ContentType::TEXT_HTML, html));
    builder.multipart(both).map_err(|cause| Error::internal("writing a mail", cause))
}

/// Subject and text.
fn plain(pages: &Pages, letter: &Letter) -> Result<(String, String)> {
    let name = format!("mail/{}.txt", letter.template);
    let text = pages
        .render(&name, &letter.context)
        .map_err(|cause| Error::internal(&format!("rendering {name}"), format!("{cause:#}")))?;
    let (subject, body) = text.split_once('\n').unwrap_or((&text, ""));
    let subject = subject.strip_prefix("Subject: ").unwrap_or(subject);
    let subject: String = subject.chars().filter(|c| !c.is_control()).collect();
    Ok((subject, format!("{}\n", body.trim())))
}

fn html(pages: &Pages, letter: &Letter, text: &str) -> Result<String> {
    let link = letter.context.get("link").and_then(Value::as_str);
    let paragraphs: Vec<Value> = text
        .split("\n\n")
        .map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|part| !part.is_empty())
        .map(|part| json!({ "is_link": link == Some(part.as_str()), "text": part }))
        .collect();
    let context = json!({ "paragraphs": paragraphs, "firm": letter.context.get("firm") });
    pages
        .render("mail/letter.html", context)
        .map_err(|cause| Error::internal("rendering mail/letter.html", format!("{cause:#}")))
}
