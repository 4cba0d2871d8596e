//! A file of existing access over HTTP: as the body of a call, and as a form whose field holds the text.

use actix_web::http::StatusCode;
use actix_web::web;
use serde_json::{Value, json};

use crate::app::{App, Written};
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::http::pages::frame::Form;
use crate::http::upload::{self, Trial};
use crate::http::{Answer, Page, identify, written};
use crate::provisioning::GoneHow;
use crate::provisioning::import::{COLUMNS, Fate, Missing, Report, RowReport, import_grants};

/// How many rows the page lists.
const LISTED: usize = 500;

/// A file gives roles, so whoever imports it may give them.
fn may_give(app: &App, caller: &Caller) -> Result<()> {
    if identify::permits(app, caller, "grants", "give") {
        return Ok(());
    }
    let advice =
        "A file of existing access gives roles; this needs the permission bailiwick/grants:give too.";
    Err(Error::forbidden("forbidden", advice))
}

async fn imported(app: &App, caller: &Caller, bytes: Vec<u8>, dry_run: bool) -> Result<Report> {
    may_give(app, caller)?;
    let caller = caller.clone();
    app.to_its_end(move |app| import_grants(app, &caller, &bytes, dry_run, &mut |_| ())).await
}

/// `POST /api/v1/grants/import?dry_run=`: the body is the file.
///
/// # Errors
/// 422 with one message for a file that cannot be read; 403 for who may not give roles.
#[utoipa::path(post, path = "/api/v1/grants/import", params(Trial), request_body(content = String, content_type = "text/csv"), responses((status = 200, body = Report)))]
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

/// `GET /existing-access/import`.
///
/// # Errors
/// As the render.
pub async fn form(page: Page) -> Answer {
    rendered(&page, Form::default(), Value::Null)
}

/// `POST /existing-access/import`.
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
            rendered(&page, Form::filled([("csv", kept)]), result(&app, &report))
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
    page.render("existing-access/import.html", json!({ "form": form, "columns": COLUMNS, "result": result }))
}

fn result(app: &App, report: &Report) -> Value {
    let sum = |term: &str, count: u64, tone: &str| json!({ "term": term, "count": count, "tone": tone });
    let worth_listing = |row: &&RowReport| row.fate != Fate::Unchanged || !row.warnings.is_empty();
    let listed: Vec<&RowReport> = report.rows.iter().filter(worth_listing).collect();
    let rows: Vec<Value> = listed.iter().take(LISTED).map(|row| fate(app, row)).collect();
    let missing: Vec<Value> = report.missing.iter().take(LISTED).map(|one| went(app, one)).collect();
    let not_whole: Vec<String> = report
        .systems
        .iter()
        .filter_map(|system| Some(format!("{}: {}", system.system, system.not_whole.as_ref()?)))
        .collect();
    json!({
        "tried": report.dry_run,
        "sums": [
            sum("Matched, new here", report.matched, ""),
            sum("Known already", report.known, ""),
            sum("As they were", report.unchanged, ""),
            sum("Of nobody known", report.orphans, "due"),
            sum("New since the last list", report.drift, "due"),
            sum("Not there any more", report.missing.len() as u64, ""),
            sum("Refused", report.refused, "breach"),
        ],
        "ignored": report.unknown_columns,
        "not_whole": not_whole,
        "unshown": listed.len() - rows.len(),
        "rows": rows,
        "missing": missing,
        "revision": (!report.dry_run).then_some(report.revision),
    })
}

fn name(app: &App, account: Option<&crate::ids::AccountId>) -> String {
    account.map(|account| app.directory().display_name(account)).unwrap_or_default()
}

fn fate(app: &App, row: &RowReport) -> Value {
    let (words, tone, icon) = match row.fate {
        Fate::Matched => ("matched", "settled", Some("plus")),
        Fate::Known => ("known already", "settled", Some("check")),
        Fate::Orphan => ("nobody known", "due", Some("warning")),
        Fate::Unchanged => ("as it was", "", None),
        Fate::Refused => ("refused", "breach", Some("refused")),
    };
    let drift = row.drift.then(|| "new since the last list".to_owned());
    let said: Vec<String> =
        drift.into_iter().chain(row.reasons.iter().cloned()).chain(row.warnings.iter().cloned()).collect();
    json!({
        "line": row.line, "login": row.external_login, "role": row.role,
        "person": name(app, row.account.as_ref()), "text": said.join("; "),
        "standing": { "words": words, "tone": tone, "icon": icon },
    })
}

fn went(app: &App, missing: &Missing) -> Value {
    let (words, tone) = match missing.how {
        GoneHow::Removed => ("removal confirmed", "settled"),
        GoneHow::Elsewhere => ("went away elsewhere", "due"),
    };
    json!({
        "login": missing.external_login, "role": missing.role, "person": name(app, missing.account.as_ref()),
        "standing": { "words": words, "tone": tone, "icon": null },
    })
}
