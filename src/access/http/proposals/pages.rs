//! The pages of proposals: what waits for a second person, and one proposal with what it would change.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::web;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Act;
use crate::access::http::account_of;
use crate::access::own;
use crate::access::proposals::changes::{ApplicationChange, RoleChange};
use crate::access::proposals::lists::{self, Standing};
use crate::access::proposals::{
    Content, Deciders, Proposal, ProposalState, Word, approve, diff, refuse, withdraw,
};
use crate::app::App;
use crate::clock::Timestamp;
use crate::db::Reader;
use crate::decision::foresee::{Wanted, foresee};
use crate::decision::http::held::Simulated;
use crate::error::{Error, Result};
use crate::http::pages::frame::{Fault, Form};
use crate::http::{Answer, Page, identify, see_other};
use crate::ids::{AccountId, ProposalId};
use crate::vault;

const SHOWN: i64 = 50;
/// How many differences between what people hold and would hold are shown.
const MOST_PEOPLE: usize = 50;

/// Which part of the list; empty texts are as none.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Place {
    view: String,
    cursor: String,
}

/// `GET /proposals?view=open|past`.
///
/// # Errors
/// As the render; 422 for a cursor that is none.
pub async fn index(app: web::Data<App>, page: Page, place: web::Query<Place>) -> Answer {
    let view = if place.view == "past" { "past" } else { "open" };
    let cursor = Some(place.cursor.clone()).filter(|cursor| !cursor.is_empty());
    let (house, from) = (app.clone(), cursor.clone());
    let (rows, next) = app
        .read(move |reader| {
            let (found, next) = lists::list(reader, Some(view), from.as_deref(), SHOWN)?;
            let rows = found.iter().map(|one| row(&house, reader, one)).collect::<Result<Vec<_>>>()?;
            Ok((rows, next))
        })
        .await?;
    let path = format!("/proposals?view={view}");
    let views: Vec<Value> = [("open", "Waiting"), ("past", "Decided")]
        .into_iter()
        .map(|(key, label)| {
            json!({ "href": format!("/proposals?view={key}"), "label": label, "count": null, "current": key == view })
        })
        .collect();
    let context = json!({
        "views": views,
        "view": view,
        "proposals": rows,
        "pages": {
            "shown": rows.len(), "total": null, "first": cursor.map(|_| &path),
            "next": next.map(|next| format!("{path}&cursor={next}")),
        },
    });
    page.render("proposals/list.html", context)
}

fn row(app: &App, reader: &mut Reader<'_>, proposal: &Proposal) -> Result<Value> {
    let content = lists::content(reader, proposal)?;
    let stands = lists::standing(reader, proposal)?;
    let open = proposal.waits(reader.now);
    Ok(json!({
        "id": proposal.id,
        "title": proposal.applications.join(", "),
        "what": summary(&content),
        "proposed_by": named(app, &proposal.proposed_by),
        "proposed_at": proposal.proposed_at,
        "standing": standing(app, proposal, &stands, reader.now),
        "due_at": open.then_some(proposal.lapses_at),
        "decided_by": proposal.decided.as_ref().filter(|_| !open).map(|(by, _)| named(app, by)),
    }))
}

/// The size of it in a few words.
fn summary(content: &Content) -> String {
    let changes = &content.changes;
    let count = |of: fn(&ApplicationChange) -> usize| changes.applications.iter().map(of).sum::<usize>();
    let added = count(|one| one.roles.iter().map(|role| role.permissions_added.len()).sum());
    let removed = count(|one| one.roles.iter().map(|role| role.permissions_removed.len()).sum());
    let counts = [
        (count(|one| one.roles.len()), "role defined or changed", "roles defined or changed"),
        (count(|one| one.roles_retired.len()), "role retired", "roles retired"),
        (added, "permission added", "permissions added"),
        (removed, "permission taken away", "permissions taken away"),
        (count(|one| usize::try_from(one.grants_ended).unwrap_or(usize::MAX)), "grant ends", "grants end"),
    ];
    let said = counts.into_iter().filter(|(count, ..)| *count > 0);
    let words: Vec<String> =
        said.map(|(count, one, many)| format!("{count} {}", if count == 1 { one } else { many })).collect();
    if words.is_empty() { "no role changes".to_owned() } else { words.join(", ") }
}

fn named(app: &App, label: &str) -> String {
    match AccountId::parse(label) {
        Some(account) => app.directory().display_name(&account),
        None => match label.strip_prefix("shell:") {
            Some(user) => format!("the host’s user {user}"),
            None => "the house".to_owned(),
        },
    }
}

fn standing(app: &App, proposal: &Proposal, stands: &Standing, now: Timestamp) -> Value {
    let (words, tone, icon) = match lists::state_now(proposal, now) {
        ProposalState::Proposed if stands.overtaken => {
            ("overtaken by another change".to_owned(), "breach", Some("warning"))
        }
        ProposalState::Proposed if stands.objections_until.is_some() => {
            ("waits for objections".to_owned(), "due", Some("clock"))
        }
        ProposalState::Proposed => {
            (format!("waits for {}", waited_for(app, &stands.deciders)), "due", Some("clock"))
        }
        ProposalState::Approved => ("approved, in force".to_owned(), "settled", Some("check")),
        ProposalState::Refused => ("refused".to_owned(), "breach", Some("refused")),
        ProposalState::Withdrawn => ("taken back".to_owned(), "over", None),
        ProposalState::Lapsed => ("lapsed".to_owned(), "over", None),
    };
    json!({ "words": words, "tone": tone, "icon": icon })
}

/// Whose word is waited for, named while they are few.
fn waited_for(app: &App, deciders: &Deciders) -> String {
    let asked = if deciders.impartial.is_empty() { &deciders.all } else { &deciders.impartial };
    let names: Vec<String> = asked.iter().map(|account| app.directory().display_name(account)).collect();
    match names.len() {
        0 => "somebody who may write catalogues, of whom there is nobody".to_owned(),
        1..=3 => names.join(" or "),
        many => format!("one of {many} people"),
    }
}

// ---- one proposal ---------------------------------------------------------------------------------------------------

/// What the reader has just done.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub struct Just {
    done: bool,
}

/// `GET /proposals/{id}`.
///
/// # Errors
/// 404.
pub async fn show(
    app: web::Data<App>,
    page: Page,
    id: web::Path<ProposalId>,
    just: web::Query<Just>,
) -> Answer {
    proposal_page(&app, &page, id.into_inner(), Form::default(), just.done).await
}

async fn proposal_page(app: &App, page: &Page, id: ProposalId, form: Form, just: bool) -> Answer {
    let (house, me, known) = (app.clone(), account_of(&page.caller)?, id.clone());
    let mut context = app.read(move |reader| context(&house, reader, &id, &me, just)).await?;
    context["form"] = json!(form);
    let waits = context["proposal"]["due_at"].is_string() && context["overtaken"] == false;
    context["people"] = if waits { people(app, page, known).await? } else { Value::Null };
    page.render("proposals/proposal.html", context)
}

/// Who would gain and who would lose what, for a reader who may search for that; null where it cannot be told.
async fn people(app: &App, page: &Page, id: ProposalId) -> Result<Value> {
    if !identify::permits(app, &page.caller, "evaluation", "search") {
        return Ok(Value::Null);
    }
    let caller = page.caller.clone();
    let tried = app
        .to_its_end(move |app| {
            let files = app.read_now(|reader| {
                let proposal = lists::find(reader, &id)?;
                Ok(lists::content(reader, &proposal)?.files)
            })?;
            let foreseen = foresee(app, &caller, &Wanted { files, ..Wanted::default() })?;
            let differences = foreseen.differences(None, MOST_PEOPLE);
            Ok(json!(Simulated::of(app, &foreseen, differences)))
        })
        .await;
    match tried {
        // What cannot be applied any more has no outcome; why not is said when somebody approves.
        Err(Error::Invalid(_) | Error::Conflict(..) | Error::NotFound(_)) => Ok(Value::Null),
        found => found,
    }
}

fn context(app: &App, reader: &mut Reader<'_>, id: &ProposalId, me: &AccountId, just: bool) -> Result<Value> {
    let proposal = lists::find(reader, id)?;
    let content = lists::content(reader, &proposal)?;
    let stands = lists::standing(reader, &proposal)?;
    let open = proposal.waits(reader.now);
    let word = if open { stands.deciders.word_of(me, &proposal) } else { Word::Nothing };
    let mine = proposal.proposer().as_ref() == Some(me);
    let writes = proposal.proposer().is_none() && own::by_grant(reader, me, ("apps", "write"))?;
    let fresh = !stands.overtaken && stands.objections_until.is_none();
    let decided = proposal.decided.as_ref().filter(|_| !open);
    let shown = standing(app, &proposal, &stands, reader.now);
    Ok(json!({
        "done": (just && !open).then(|| json!({ "text": shown["words"], "revision": proposal.revision })),
        "proposal": {
            "id": proposal.id,
            "title": proposal.applications.join(", "),
            "proposed_by": named(app, &proposal.proposed_by),
            "proposed_at": proposal.proposed_at,
            "due_at": open.then_some(proposal.lapses_at),
            "decided_by": decided.map(|(by, _)| named(app, by)),
            "decided_at": decided.map(|(_, at)| at),
            "note": proposal.note.as_ref().map(|note| vault::show(reader, note)).transpose()?,
            "standing": shown,
            "digest": proposal.digest,
        },
        "summary": summary(&content),
        "changes": content.changes.applications.iter().map(|one| change(app, one)).collect::<Vec<_>>(),
        "exclusions_changed": content.changes.exclusions_changed,
        "files": differences(&content),
        "overtaken": stands.overtaken,
        "window": stands.objections_until.map(|at| json!({ "effective_at": at })),
        "may": {
            "approve": word.counts() && fresh,
            "refuse": word != Word::Nothing && !mine,
            "withdraw": open && (mine || writes),
        },
        "alone": word == Word::AfterADay && fresh,
        "not_yours": (open && !word.counts()).then(|| not_yours(app, word, &stands.deciders)),
    }))
}

fn not_yours(app: &App, word: Word, deciders: &Deciders) -> String {
    let waits = format!("It waits for {}.", waited_for(app, deciders));
    match word {
        Word::ForOthers => format!("You proposed it, or it would give you more than you have. {waits}"),
        _ => waits,
    }
}

fn change(app: &App, change: &ApplicationChange) -> Value {
    let name = |account: &Option<AccountId>| match account {
        Some(account) => app.directory().display_name(account),
        None => "nobody".to_owned(),
    };
    let owner = change
        .owner
        .as_ref()
        .map(|owner| json!({ "before": name(&owner.before), "after": name(&owner.after) }));
    json!({
        "key": change.application,
        "new": change.new,
        "owner": owner,
        "altered": change.altered,
        "roles": change.roles.iter().map(role).collect::<Vec<_>>(),
        "retired": change.roles_retired,
        "grants_ended": change.grants_ended,
    })
}

fn role(role: &RoleChange) -> Value {
    json!({
        "id": role.role, "new": role.new, "access_role": role.access_role, "added": role.permissions_added,
        "removed": role.permissions_removed, "altered": role.altered,
    })
}

/// Each file against what is in force, in the form in which the house writes both.
fn differences(content: &Content) -> Vec<Value> {
    let before = |name: &str| content.before.iter().find(|file| file.name == name);
    let of = |after: &crate::access::apply::PolicyFile| {
        let known = before(&after.name);
        let lines = diff::lines(known.map_or("", |file| file.text.as_str()), &after.text);
        json!({ "name": after.name, "new": known.is_none(), "lines": lines })
    };
    content.after.iter().map(of).collect()
}

/// What somebody says to their word.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct NoteForm {
    note: String,
}

/// `POST /proposals/{id}/approval`.
///
/// # Errors
/// What was refused is said on the page.
pub async fn approval(
    app: web::Data<App>,
    page: Page,
    id: web::Path<ProposalId>,
    form: web::Form<NoteForm>,
) -> Answer {
    answer(&app, &page, id.into_inner(), form.into_inner(), approve).await
}

/// `POST /proposals/{id}/refusal`.
///
/// # Errors
/// What was refused is said on the page.
pub async fn refusal(
    app: web::Data<App>,
    page: Page,
    id: web::Path<ProposalId>,
    form: web::Form<NoteForm>,
) -> Answer {
    answer(&app, &page, id.into_inner(), form.into_inner(), refuse).await
}

/// `POST /proposals/{id}/withdrawal`.
///
/// # Errors
/// What was refused is said on the page.
pub async fn withdrawal(
    app: web::Data<App>,
    page: Page,
    id: web::Path<ProposalId>,
    form: web::Form<NoteForm>,
) -> Answer {
    answer(&app, &page, id.into_inner(), form.into_inner(), withdraw).await
}

async fn answer(app: &App, page: &Page, id: ProposalId, form: NoteForm, act: Act) -> Answer {
    let (proposal, note) = (id.clone(), form.note.clone());
    let done = app.write(&page.caller, move |tx| act(tx, &proposal, Some(&note))).await;
    match done {
        Ok(_) => see_other(&format!("/proposals/{id}?done=true")),
        Err(error) if error.asks_for_proof() => Err(error.into()),
        Err(error @ (Error::Invalid(_) | Error::Conflict(..) | Error::Forbidden(..))) => {
            let problem = Some(Fault { text: error.to_string(), clauses: Vec::new() });
            let values = BTreeMap::from([("note".to_owned(), form.note)]);
            let form = Form { values, errors: BTreeMap::new(), problem };
            let mut answer = proposal_page(app, page, id, form, false).await?;
            *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(answer)
        }
        Err(error) => Err(error.into()),
    }
}
