//! The pages of tasks: what waits for one, and one task with everything that can be done about it.

use actix_web::http::StatusCode;
use actix_web::web;
use serde::Deserialize;
use serde_json::{Value, json};

use super::viewer;
use crate::access::roles;
use crate::accounts;
use crate::app::App;
use crate::clock::Timestamp;
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::http::pages::frame::Form;
use crate::http::{Answer, Page, see_other};
use crate::ids::{AccountId, CaseId, TaskId};
use crate::provisioning::tasks::lists::{self, Part};
use crate::provisioning::tasks::{self, Origin, Task, TaskState, reconciling};
use crate::provisioning::{Viewer, holdings};
use crate::vault;

const SHOWN: i64 = 50;
/// The parts of the list, with their names.
const PARTS: [(&str, &str); 4] =
    [("mine", "Waits for you"), ("waiting", "Waits for anybody"), ("overdue", "Overdue"), ("all", "All")];

/// Where on the page.
#[derive(Debug, Default, Deserialize)]
pub struct Place {
    view: Option<String>,
    cursor: Option<String>,
}

/// `GET /tasks`.
///
/// # Errors
/// As the list.
pub async fn index(app: web::Data<App>, page: Page, place: web::Query<Place>) -> Answer {
    let viewer = viewer(&app, &page.caller)?;
    let view = place.view.clone().unwrap_or_else(|| "mine".to_owned());
    let part = Part::named(&view)?;
    let (house, cursor) = (app.clone(), place.cursor.clone());
    let (rows, next) = app
        .read(move |reader| {
            let (found, next) = lists::list(reader, part, &viewer, cursor.as_deref(), SHOWN)?;
            let rows = found.iter().map(|task| row(&house, reader, task)).collect::<Result<Vec<_>>>()?;
            Ok((rows, next))
        })
        .await?;
    let path = format!("/tasks?view={view}");
    let views: Vec<Value> = PARTS
        .iter()
        .map(|(key, label)| {
            json!({ "href": format!("/tasks?view={key}"), "label": label, "count": null, "current": *key == view })
        })
        .collect();
    let pages = json!({
        "shown": rows.len(), "total": null, "first": place.cursor.as_ref().map(|_| &path),
        "next": next.map(|next| format!("{path}&cursor={next}")),
    });
    page.render("tasks/list.html", json!({ "views": views, "view": view, "tasks": rows, "pages": pages }))
}

fn person(app: &App, account: Option<&AccountId>) -> String {
    account.map_or_else(|| "nobody known".to_owned(), |account| app.directory().display_name(account))
}

fn standing(task: &Task, now: Timestamp) -> Value {
    let (words, tone, icon) = match task.state {
        TaskState::Verified => ("verified", "settled", Some("check")),
        TaskState::Withdrawn => ("withdrawn", "quiet", None),
        _ if task.is_overdue(now) => ("overdue", "breach", Some("warning")),
        TaskState::Done => ("said to be done", "due", Some("person")),
        TaskState::Open => ("to do", "due", Some("clock")),
    };
    json!({ "words": words, "tone": tone, "icon": icon })
}

fn names(reader: &mut Reader<'_>, task: &Task) -> Result<(String, String)> {
    let system = roles::application(reader, &task.system)
        .map_or_else(|_| task.system.clone(), |record| record.specification.display_name().to_owned());
    Ok((system, roles::role(reader, &task.role)?.specification.display_name().to_owned()))
}

fn row(app: &App, reader: &mut Reader<'_>, task: &Task) -> Result<Value> {
    let (system, role) = names(reader, task)?;
    Ok(json!({
        "id": task.id, "system": system, "role": role,
        "login": lists::login(reader, task)?, "person": person(app, task.account.as_ref()),
        "assignee": person(app, Some(&task.assignee)), "due_at": task.due_at,
        "waits": task.state.is_unfinished(), "standing": standing(task, reader.now),
    }))
}

/// `GET /tasks/{id}`.
///
/// # Errors
/// 404 if there is none that the reader may see.
pub async fn show(app: web::Data<App>, page: Page, id: web::Path<TaskId>) -> Answer {
    task_page(&app, &page, id.into_inner(), Form::default()).await
}

async fn task_page(app: &App, page: &Page, id: TaskId, form: Form) -> Answer {
    let viewer = viewer(app, &page.caller)?;
    let house = app.clone();
    let mut context = app.read(move |reader| task_context(&house, reader, &id, &viewer)).await?;
    context["form"] = json!(form);
    page.render("tasks/task.html", context)
}

fn task_context(app: &App, reader: &mut Reader<'_>, id: &TaskId, viewer: &Viewer) -> Result<Value> {
    let task = lists::find(reader, id, viewer)?;
    let (system, role) = names(reader, &task)?;
    let proof = task.proof.as_ref().map(|text| vault::show(reader, text)).transpose()?;
    let note = task.note.as_ref().map(|text| vault::show(reader, text)).transpose()?;
    let mine = task.assignee == viewer.account;
    let own = task.account.as_ref() == Some(&viewer.account);
    let looks_after = viewer.handles || holdings::owns(reader, viewer, &task.system)?;
    let did_it = task.done.as_ref().is_some_and(|(by, _)| *by == viewer.account);
    let open = task.state == TaskState::Open;
    Ok(json!({
        "task": {
            "id": task.id, "system": system, "role": role, "login": lists::login(reader, &task)?,
            "person": person(app, task.account.as_ref()), "assignee": person(app, Some(&task.assignee)),
            "due_at": task.due_at, "waits": task.state.is_unfinished(), "standing": standing(&task, reader.now),
            "origin": origin(&task), "proof": proof, "note": note,
        },
        "steps": steps(app, &task),
        "may": {
            "complete": open && (mine || viewer.handles) && !own,
            "hand_over": open && (mine || looks_after),
            "refuse": open && mine,
            "verify": task.state == TaskState::Done && looks_after && !did_it && !own,
        },
    }))
}

fn origin(task: &Task) -> Value {
    let (words, href) = match &task.origin {
        Origin::Review(id) => ("a review", Some(format!("/reviews/{id}"))),
        Origin::Leaver(id) => ("somebody left", Some(format!("/leavers/{id}"))),
        Origin::Grant => ("the grant ended", None),
        Origin::Orphan => ("it is nobody’s", None),
    };
    json!({ "words": words, "href": href })
}

fn steps(app: &App, task: &Task) -> Vec<Value> {
    let drawn = |done: bool, now: bool| match () {
        () if done => "done",
        () if now => "now",
        () => "open",
    };
    let who = person(app, Some(&task.assignee));
    let (said, seen) = (task.done.as_ref(), task.verified.as_ref());
    let text = said.map_or_else(|| format!("{who} takes it away there."), |(by, _)| person(app, Some(by)));
    let looked = seen.map_or_else(
        || "Somebody else looks, or the system’s next list does not have it any more.".to_owned(),
        |(by, ..)| match AccountId::parse(by) {
            Some(account) => format!("{} looked.", person(app, Some(&account))),
            None if by == reconciling::BY_LIST => "The system’s list does not have it any more.".to_owned(),
            None => by.clone(),
        },
    );
    let over = task.state == TaskState::Withdrawn;
    vec![
        json!({ "title": "Ended here", "text": "", "state": "done", "at": task.opened_at, "ids": [] }),
        json!({ "title": "Said to be done", "text": text, "state": drawn(said.is_some(), !over),
                "at": said.map(|(_, at)| at), "ids": [] }),
        json!({ "title": "Verified", "text": looked, "state": drawn(seen.is_some(), task.state == TaskState::Done),
                "at": seen.map(|(_, at, _)| at), "ids": [] }),
    ]
}

/// What somebody says about a task.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct TaskForm {
    proof: String,
    reason: String,
    to: String,
    /// The leaver's case from whose page the form came.
    case: Option<CaseId>,
}

async fn answered(
    app: &App,
    page: &Page,
    id: TaskId,
    form: TaskForm,
    act: impl FnOnce(&mut Tx<'_>, &TaskForm, &Viewer) -> Result<Task> + Send + 'static,
) -> Answer {
    let viewer = viewer(app, &page.caller)?;
    let filled = Form::filled([
        ("proof", form.proof.as_str()),
        ("reason", form.reason.as_str()),
        ("to", form.to.as_str()),
    ]);
    let back = form.case.as_ref().map_or_else(|| format!("/tasks/{id}"), |case| format!("/leavers/{case}"));
    match app.write(&page.caller, move |tx| act(tx, &form, &viewer)).await {
        Ok(_) => see_other(&back),
        Err(error @ (Error::Invalid(_) | Error::Conflict(..) | Error::Forbidden(..))) => {
            let mut answer = task_page(app, page, id, filled.refused(error)?).await?;
            *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(answer)
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /tasks/{id}/completion`.
///
/// # Errors
/// What was refused is said on the page.
pub async fn completion(
    app: web::Data<App>,
    page: Page,
    id: web::Path<TaskId>,
    form: web::Form<TaskForm>,
) -> Answer {
    let task = id.clone();
    let act = move |tx: &mut Tx<'_>, form: &TaskForm, viewer: &Viewer| {
        tasks::complete(tx, &task, &form.proof, viewer)
    };
    answered(&app, &page, id.into_inner(), form.into_inner(), act).await
}

/// `POST /tasks/{id}/verification`.
///
/// # Errors
/// What was refused is said on the page.
pub async fn verification(
    app: web::Data<App>,
    page: Page,
    id: web::Path<TaskId>,
    form: web::Form<TaskForm>,
) -> Answer {
    let task = id.clone();
    let act = move |tx: &mut Tx<'_>, _: &TaskForm, viewer: &Viewer| tasks::verify(tx, &task, viewer);
    answered(&app, &page, id.into_inner(), form.into_inner(), act).await
}

/// `POST /tasks/{id}/reopening`.
///
/// # Errors
/// What was refused is said on the page.
pub async fn reopening(
    app: web::Data<App>,
    page: Page,
    id: web::Path<TaskId>,
    form: web::Form<TaskForm>,
) -> Answer {
    let task = id.clone();
    let act = move |tx: &mut Tx<'_>, form: &TaskForm, viewer: &Viewer| {
        tasks::reopen(tx, &task, &form.reason, viewer)
    };
    answered(&app, &page, id.into_inner(), form.into_inner(), act).await
}

/// `POST /tasks/{id}/hand-over`.
///
/// # Errors
/// What was refused is said on the page.
pub async fn hand_over(
    app: web::Data<App>,
    page: Page,
    id: web::Path<TaskId>,
    form: web::Form<TaskForm>,
) -> Answer {
    let task = id.clone();
    let act = move |tx: &mut Tx<'_>, form: &TaskForm, viewer: &Viewer| {
        let unknown = |_| Error::field("to", "nobody has this username or employee id");
        let to = accounts::find_by_any(tx, form.to.trim()).map_err(unknown)?;
        tasks::hand_over(tx, &task, &to.id, &form.reason, viewer)
    };
    answered(&app, &page, id.into_inner(), form.into_inner(), act).await
}

/// `POST /tasks/{id}/refusal`.
///
/// # Errors
/// What was refused is said on the page.
pub async fn refusal(
    app: web::Data<App>,
    page: Page,
    id: web::Path<TaskId>,
    form: web::Form<TaskForm>,
) -> Answer {
    let task = id.clone();
    let act = move |tx: &mut Tx<'_>, form: &TaskForm, viewer: &Viewer| {
        tasks::refuse(tx, &task, &form.reason, viewer)
    };
    answered(&app, &page, id.into_inner(), form.into_inner(), act).await
}
