//! The people file over HTTP: as text in a call, and as a form whose field holds the text.

use actix_web::http::StatusCode;
use actix_web::web;
use serde_json::{Value, json};

use super::super::import::{Fate, OPTIONAL, REQUIRED, Report, RowReport, import_people};
use crate::app::{App, Written};
use crate::caller::Caller;
use crate::error::Result;
use crate::http::pages::frame::Form;
use crate::http::upload::{self, Trial};
use crate::http::{Answer, Page, written};

/// How many rows the page lists.
const LISTED: usize = 500;

async fn imported(app: &App, caller: &Caller, bytes: Vec<u8>, dry_run: bool) -> Result<Report> {
    let caller = caller.clone();
    app.to_its_end(move |app| import_people(app, &caller, &bytes, dry_run, &mut |_| ())).await
}

/// `POST /api/v1/accounts/import?dry_run=`: the body is the file.
///
/// # Errors
/// 422 with one message for a file that cannot be read.
#[utoipa::path(post, path = "/api/v1/accounts/import", params(Trial), request_body(content = String, content_type = "text/csv"), responses((status = 200, body = Report)))]
pub async fn import(
    app: web::Data<App>,
    caller: Caller,
    trial: web::Query<Trial>,
    payload: web::Payload,
) -> Answer {
    let bytes = upload::file(payload).await?;
    let report = imported(&app, &caller, bytes, trial.dry_run).await?;
    let revision = report.revision;
    written(StatusCode::OK, &Written { value: report, revision })
}

/// `GET /people/import`.
///
/// # Errors
/// As the render.
pub async fn form(page: Page) -> Answer {
    rendered(&page, Form::default(), Value::Null)
}

/// `POST /people/import`.
///
/// # Errors
/// A file that cannot be read comes back with its message.
pub async fn submit(app: web::Data<App>, page: Page, payload: web::Payload) -> Answer {
    let sent = upload::form(payload).await?;
    let tried = sent.mode != "apply";
    match imported(&app, &page.caller, sent.csv.clone().into_bytes(), tried).await {
        Ok(report) => {
            // What was only tried is at hand for the second button.
            let kept = if tried { sent.csv.as_str() } else { "" };
            rendered(&page, Form::filled([("csv", kept)]), result(&report))
        }
        Err(error) => {
            let form = Form::filled([("csv", sent.csv.as_str())]).refused(error)?;
            let mut answer = rendered(&page, form, Value::Null)?;
            *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(answer)
        }
    }
}

fn rendered(page: &Page, form: Form, result: Value) -> Answer {
    let columns = json!({ "required": REQUIRED, "optional": OPTIONAL });
    page.render("people/import.html", json!({ "form": form, "columns": columns, "result": result }))
}

fn result(report: &Report) -> Value {
    let sum = |term: &str, count: u64, tone: &str| json!({ "term": term, "count": count, "tone": tone });
    let worth_listing = |row: &&RowReport| row.fate != Fate::Unchanged || !row.warnings.is_empty();
    let listed: Vec<&RowReport> = report.rows.iter().filter(worth_listing).collect();
    let rows: Vec<Value> = listed.iter().take(LISTED).map(|row| fate(row)).collect();
    json!({
        "tried": report.dry_run,
        "sums": [
            sum("New", report.added, ""),
            sum("Changed", report.changed, ""),
            sum("As they were", report.unchanged, ""),
            sum("With a warning", report.warned, "due"),
            sum("Refused", report.refused, "breach"),
        ],
        "ignored": report.unknown_columns,
        "unshown": listed.len() - rows.len(),
        "rows": rows,
        "revision": (!report.dry_run).then_some(report.revision),
    })
}

fn fate(row: &RowReport) -> Value {
    let (words, tone, icon) = match row.fate {
        Fate::Added => ("New", "settled", Some("plus")),
        Fate::Changed => ("Changed", "settled", Some("check")),
        Fate::Unchanged => ("As they were", "", None),
        Fate::Refused => ("Refused", "breach", Some("refused")),
    };
    let said: Vec<&str> = row.reasons.iter().chain(&row.warnings).map(String::as_str).collect();
    json!({
        "line": row.line, "username": row.username, "name": row.name, "text": said.join("; "),
        "standing": { "words": words, "tone": tone, "icon": icon },
    })
}
