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

#[cfg(test)]
mod tests {
    use super::super::Template;
    use super::*;
    use crate::entropy::OsEntropy;

    fn settings() -> config::Mail {
        config::Mail {
            server: "localhost".to_owned(),
            port: 587,
            tls: config::Tls::StartTls,
            authorities: None,
            credentials: None,
            from: "access@firm.example".parse().unwrap(),
            reply_to: None,
        }
    }

    fn letter(template: Template, name: &str) -> Letter {
        let at = "2026-11-24T10:00:00Z";
        let alarm =
            json!({ "name": "Locked", "severity": "warning", "address": "https://localhost:8443/alarms/1" });
        let context = json!({
            "firm": "Heron Parcel", "given_name": name, "username": "pnaka", "house": "https://localhost:8443",
            "zone": "Europe/London", "at": at, "link": "https://localhost:8443/unlock/abc", "ends_at": at,
            "until": null, "password_ends_at": at, "alarms": [alarm], "workstation": "Packing table 3",
        });
        Letter { to: "ada@firm.example".to_owned(), context, template: template.as_str() }
    }

    #[test]
    fn every_letter_can_be_written_and_its_subject_names_nobody() {
        let (pages, at) = (Pages::new().unwrap(), Timestamp::parse("2026-11-24T09:00:00Z").unwrap());
        for template in Template::ALL {
            let (subject, text) = plain(&pages, &letter(*template, "Perrin")).unwrap();
            assert!(
                !subject.is_empty() && !subject.contains("Perrin") && !subject.contains("pnaka"),
                "{template}"
            );
            assert!(text.starts_with("Hello Perrin,\n\n") && text.len() > 60, "{template}: {text}");
            assert!(!text.contains("\n\n\n"), "{template} has a gap: {text}");
            let id = MailId::new(at, &OsEntropy);
            message(&pages, &settings(), &id, at, &letter(*template, "Perrin")).unwrap();
        }
    }

    #[test]
    fn what_somebody_is_called_stays_in_the_text() {
        let (pages, at) = (Pages::new().unwrap(), Timestamp::parse("2026-11-24T09:00:00Z").unwrap());
        let name = "A\r\nBcc: all@firm.example\r\n\r\nhttps://evil.example";
        let letter = letter(Template::Locked, name);
        let id = MailId::new(at, &OsEntropy);
        let whole = message(&pages, &settings(), &id, at, &letter).unwrap().formatted();
        let whole = String::from_utf8(whole).unwrap();
        let (head, _) = whole.split_once("\r\n\r\n").unwrap();
        assert!(!head.contains("Bcc"), "{head}");
        let (_, text) = plain(&pages, &letter).unwrap();
        let html = html(&pages, &letter, &text).unwrap();
        assert_eq!(html.matches("<a ").count(), 1, "only the letter's own link is one: {html}");
        assert!(!html.contains("href=\"https:&#x2f;&#x2f;evil"), "{html}");
    }
}
