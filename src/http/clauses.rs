//! Where every clause mark on every page leads: the duties of the policies in our own words.
//!
//! Open to everybody, since the pages before the sign-in show clauses too; it says nothing about this organisation.

use actix_web::web;
use serde_json::{Value, json};

use super::{Answer, Page};
use crate::app::App;
use crate::profile::clauses::{Clause, Mode, Source};

/// The sources with the names under which they are shown.
const SOURCES: [(Source, &str); 3] = [
    (Source::E, "E2E Solutions, Amazon Data Protection and Handling Policy"),
    (Source::O, "One Connection, Amazon Data Protection Policy"),
    (Source::D, "Definitions that decide scope"),
];

/// `GET /clauses`.
///
/// # Errors
/// As the render.
pub async fn index(app: web::Data<App>, page: Page) -> Answer {
    let register = &app.context().profiles.policies().clauses;
    let rows: Vec<&Clause> = register.duties().chain(register.definitions()).collect();
    let sources: Vec<Value> = SOURCES
        .iter()
        .map(|(source, name)| {
            let own: Vec<&Clause> = rows.iter().copied().filter(|row| row.id.source() == *source).collect();
            json!({ "name": name, "clauses": numbered(&own) })
        })
        .collect();
    page.gate("clauses/list.html", json!({ "sources": sources }))
}

/// Clauses by their number; one that holds several duties has them as its parts.
fn numbered(rows: &[&Clause]) -> Vec<Value> {
    let number = |row: &Clause| row.id.to_string().split('.').next().unwrap_or_default().to_owned();
    rows.chunk_by(|a, b| number(a) == number(b))
        .map(|group| match group {
            [only] => part(only, true),
            parts => json!({
                "id": number(parts[0]), "says": null, "mode": null,
                "parts": parts.iter().map(|row| part(row, false)).collect::<Vec<_>>(),
            }),
        })
        .collect()
}

fn part(row: &Clause, whole: bool) -> Value {
    let mode = match row.mode {
        _ if row.id.source() == Source::D => "definition",
        Mode::Enforced => "enforced",
        Mode::Both => "both",
        Mode::Evidence => "evidence",
    };
    let mut value = json!({ "id": row.id.to_string(), "says": row.says, "mode": mode });
    if whole {
        value["parts"] = json!([]);
    }
    value
}
