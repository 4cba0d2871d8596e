//! The forms of the pages, read from the pages as a browser reads them, and sent with a word in every text.

use std::collections::BTreeSet;

use actix_web::http::Method;
use bailiwick::http::guard::is_for_programs;
use bailiwick::http::routes::TABLE;
use bailiwick::signin::links::Purpose;

use super::leaks;
use crate::support::Browser;
use crate::support::calls::{Stage, Words};
use crate::support::contract::pattern;

/// Rows whose form stands on no page that is asked for here.
const ELSEWHERE: &[(&str, &str)] = &[
    ("/settings/mail-trial", "has no field"),
    ("/people/{id}/handovers/approval", "has no field but the id of what waits"),
    ("/people/{id}/handovers/withdrawal", "likewise"),
    ("/first-run", "the house is set up once; its form is filled by hand below"),
    ("/people/import", "a file, filled by hand"),
    ("/existing-access/import", "likewise"),
    ("/tasks/{id}/refusal", "gone with the task's completion, which is sent first; its call is filled"),
    (
        "/proposals/{id}/approval",
        "overtaken by the approval of another, which is sent first; its call is filled",
    ),
    ("/exceptions/{id}/approval", "has no field"),
    ("/exceptions/{id}/end", "has no field"),
    ("/objections/{id}", "stands where somebody decided about themselves; its call is filled"),
    ("/tasks/{id}/verification", "offered once the task is said to be done; it has no field"),
    ("/tasks/{id}/reopening", "likewise; its call is filled"),
    ("/me/security/authenticator", "stands behind a fresh proof; its field is a secret"),
    ("/me/security/authenticator/removal", "offered beside a passkey; it has no field"),
    ("/me/security/passkeys/{id}/name", "stands where somebody has a passkey; its call is filled"),
    ("/me/security/passkeys/{id}/removal", "likewise; it has no field"),
    (
        "/me/security/identities/{provider}/removal",
        "stands where somebody signs in by an identity provider; it has no field",
    ),
    ("/people/{id}/identities/{provider}/removal", "likewise"),
    ("/me/security/sessions/{id}/end", "stands where somebody is signed in twice; it has no field"),
    ("/sign-in/password", "stands only before somebody whose password has ended; its fields are secrets"),
];

/// Forms without a field that sign somebody out, who would see nothing more.
const LAST: &[&str] =
    &["/sign-out", "/next-person", "/people/{id}/sessions/end", "/me/security/sessions/end"];

/// A field of a form.
#[derive(Clone)]
struct Field {
    name: String,
    kind: String,
    value: String,
}

/// A form: where it goes, and its fields.
struct Form {
    action: String,
    fields: Vec<Field>,
}

/// The value of an attribute of a tag.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let at = tag.find(&format!(" {name}=\""))?;
    let rest = &tag[at + name.len() + 3..];
    let value = rest.split('"').next().unwrap_or_default();
    Some(value.replace("&#x2f;", "/").replace("&amp;", "&").replace("&quot;", "\"").replace("&#x27;", "'"))
}

/// The forms of a page that are sent by POST.
fn forms(page: &str) -> Vec<Form> {
    let mut found = Vec::new();
    for part in page.split("<form").skip(1) {
        let part = format!(" {}", part.split("</form>").next().unwrap_or_default());
        let head = part.split('>').next().unwrap_or_default();
        if attribute(head, "method").is_none_or(|method| !method.eq_ignore_ascii_case("post")) {
            continue;
        }
        let mut fields = Vec::new();
        let mut actions = vec![attribute(head, "action").unwrap_or_default()];
        for tag in part.split('<').skip(1) {
            let words = tag.split('>').next().unwrap_or_default().replace('\n', " ");
            let element = words.split(' ').next().unwrap_or_default();
            actions.extend(attribute(&words, "formaction"));
            let Some(name) = attribute(&words, "name") else { continue };
            let kind = match element {
                "textarea" => "text".to_owned(),
                "select" => "select".to_owned(),
                "button" => "button".to_owned(),
                _ => attribute(&words, "type").unwrap_or_else(|| "text".to_owned()),
            };
            fields.push(Field { name, kind, value: attribute(&words, "value").unwrap_or_default() });
        }
        found.extend(actions.into_iter().map(|action| Form { action, fields: fields.clone() }));
    }
    found
}

/// A first choice of each select, read from the page.
fn choice(page: &str, name: &str) -> String {
    let select = page.split(&format!("name=\"{name}\"")).nth(1).unwrap_or_default();
    let select = select.split("</select>").next().unwrap_or_default();
    let options = select.split("<option").skip(1).filter_map(|tag| attribute(&format!(" {tag}"), "value"));
    options.filter(|value| !value.is_empty()).last().unwrap_or_default()
}

/// The pages that hold forms, with what happened in the house behind their parameters.
fn addresses(stage: &Stage) -> Vec<String> {
    let life = &stage.life;
    let mut all: Vec<String> = Vec::new();
    for row in TABLE.iter().filter(|row| row.method == Method::GET && !is_for_programs(row.path)) {
        let things: Vec<String> = match row.path {
            path if !path.contains('{') => vec![path.to_owned()],
            path if path.starts_with("/people/") => {
                let some = [life.staff.ada.id().to_string(), stage.rester().to_owned()];
                some.into_iter().chain(stage.people().iter().cloned()).collect()
            }
            path if path.starts_with("/applications/") => vec!["orders".to_owned()],
            path if path.starts_with("/requests/") => {
                let waiting = stage.waiting().map(str::to_owned).into_iter();
                waiting.chain([life.waiting.clone(), life.request.clone()]).collect()
            }
            path if path.starts_with("/reviews/") => {
                let second = stage.second_campaign().to_owned();
                vec![life.campaign.clone(), format!("{}?view=all", life.campaign), second]
            }
            path if path.starts_with("/leavers/") => vec![life.case.clone(), stage.case().to_owned()],
            path if path.starts_with("/alarms/") => {
                vec![life.alarm.clone(), stage.fresh_alarm().to_owned()]
            }
            path if path.starts_with("/proposals/") => vec![stage.proposal().to_owned()],
            path if path.starts_with("/tasks/") => vec![life.task.clone()],
            path if path.starts_with("/unlock/") => vec![stage.mailed(Purpose::Unlock).to_owned()],
            path if path.starts_with("/recover/") => vec![stage.mailed(Purpose::Recovery).to_owned()],
            path if path.ends_with("/{provider}") && !path.starts_with("/enrol/") => {
                vec!["no-provider".to_owned()]
            }
            path if path.ends_with("/with/{provider}") || path.ends_with("/callback") => continue,
            path if path.starts_with("/enrol/") => vec![stage.link().to_owned()],
            path if path.starts_with("/set-up/") || path.starts_with("/workstation/") => {
                vec!["no-link".to_owned()]
            }
            path => panic!("{path}: say in tests/it/canaries/forms.rs what stands behind its parameter"),
        };
        for thing in things {
            match row.path.split_once('{') {
                Some((before, rest)) if !rest.contains('{') => {
                    let after = rest.split_once('}').map_or("", |(_, after)| after);
                    let (thing, query) =
                        thing.split_once('?').map_or((thing.as_str(), ""), |(thing, query)| (thing, query));
                    let query = if query.is_empty() { String::new() } else { format!("?{query}") };
                    all.push(format!("{before}{thing}{after}{query}"));
                }
                _ => all.push(thing),
            }
        }
    }
    all.extend(["/existing-access?view=all".to_owned(), "/tasks?view=all".to_owned()]);
    all.push(format!("/reviews/{}?item={}", life.campaign, life.item));
    all
}

/// Sends every form of every page that somebody sees: with a word in every field, and with a word in every text and
/// something fitting in the others.
pub async fn fill(stage: &mut Stage, words: &mut Words, faults: &mut Vec<String>) {
    let mut met: BTreeSet<String> = BTreeSet::new();
    rest_and_lock(stage).await;
    let addresses = addresses(stage);
    let staff = &stage.life.staff;
    let readers: Vec<Browser> = vec![
        staff.priya.browser.clone(),
        staff.mary.browser.clone(),
        staff.grace.browser.clone(),
        staff.ada.browser.clone(),
        staff.tomasz.browser.clone(),
        stage.nobody.other(),
        stage.half.clone(),
        stage.officer.clone(),
        stage.invited.clone(),
    ];
    for address in &addresses {
        for mut reader in readers.clone() {
            let page = reader.get(address).await;
            if page.status != 200 {
                continue;
            }
            for form in forms(&page.body) {
                let action = if form.action.is_empty() { address.clone() } else { form.action.clone() };
                let path = action.split('?').next().unwrap_or_default().to_owned();
                let Some(row) = pattern(&path).filter(|row| !LAST.contains(row)) else { continue };
                met.insert(row.to_owned());
                for fitting in [false, true] {
                    let fields: Vec<(String, String)> = form
                        .fields
                        .iter()
                        .map(|field| (field.name.clone(), value(&page.body, field, row, fitting, words)))
                        .collect();
                    let pairs: Vec<(&str, &str)> =
                        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                    let reply = reader.clone().submit(&action, &pairs).await;
                    leaks(&format!("the form to {row}"), &reply, faults);
                }
            }
        }
    }
    met.extend(LAST.iter().map(|row| (*row).to_owned()));
    first_run(stage, words, faults).await;
    for row in TABLE.iter().filter(|row| row.method == Method::POST && !is_for_programs(row.path)) {
        if !met.contains(row.path) && !ELSEWHERE.iter().any(|(listed, _)| *listed == row.path) {
            faults.push(format!(
                "POST {}: no page that was read has its form; is there one to be read?",
                row.path
            ));
        }
    }
}

/// Somebody rests, and somebody is locked out, so that the pages offer to end it.
async fn rest_and_lock(stage: &mut Stage) {
    let rester = format!("/api/v1/accounts/{}/suspend", stage.rester());
    let body = serde_json::json!({ "cause": "leave" });
    stage.life.staff.priya.browser.post(&rester, body).await.expect(200);
    for _ in 0..3 {
        let wrong = serde_json::json!({ "username": "uma.first", "password": "wrong" });
        stage.nobody.other().post("/api/v1/signin", wrong).await.expect(401);
    }
}

fn value(page: &str, field: &Field, row: &str, fitting: bool, words: &mut Words) -> String {
    match field.kind.as_str() {
        "hidden" | "button" | "submit" => field.value.clone(),
        "checkbox" | "radio" => field.value.clone(),
        "select" if fitting => choice(page, &field.name),
        "date" if fitting => "2026-12-24".to_owned(),
        "time" if fitting => "17:00".to_owned(),
        "datetime-local" if fitting => "2026-12-24T17:00".to_owned(),
        "number" if fitting => "20".to_owned(),
        "email" if fitting => {
            format!("{}@heron.example", words.word(&format!("the form to {row}: {}", field.name)))
        }
        _ => words.word(&format!("the form to {row}: {}", field.name)),
    }
}

/// The form of the first run, in a house that is set up, and in one that is not.
async fn first_run(stage: &mut Stage, words: &mut Words, faults: &mut Vec<String>) {
    let mut word = |field: &str| words.word(&format!("the form to /first-run: {field}"));
    let fields: Vec<(&str, String)> = [
        "token",
        "organisation",
        "time_zone",
        "public_url",
        "profile",
        "username",
        "given_name",
        "family_name",
        "email",
    ]
    .into_iter()
    .map(|field| (field, word(field)))
    .collect();
    let pairs: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    leaks("the form to /first-run", &stage.nobody.submit("/first-run", &pairs).await, faults);
}
