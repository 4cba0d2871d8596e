//! Searches over HTTP: `/access/v1/search/{subject,resource,action}`.
//!
//! Rules: who may search may learn the names that a search finds, and no others may; a subject is named as the caller
//! can ask by it: by its external id if it has one, else by its username (decision 16); a search is worked out on a
//! thread of its own, so that no question waits for it.

use std::collections::HashMap;

use actix_web::web;
use serde::Serialize;

use super::{Asking, Body, answer_with};
use crate::accounts::names;
use crate::app::App;
use crate::caller::{Actor, Caller};
use crate::decision::Page;
use crate::decision::authzen::Asker;
use crate::decision::described::{
    ActionSearch, ActionsFound, EntitiesFound, FoundAction, FoundEntity, PageFound, ResourceSearch,
    SubjectSearch,
};
use crate::decision::page_token::Place;
use crate::decision::searched::{Found, Search, Sought};
use crate::error::{Error, Result};
use crate::http::{Answer, problem};
use crate::ids::AccountId;

/// How long one page is worked on, in microseconds. What is found by then is the page.
const PATIENCE: i64 = 50_000;

/// `POST /access/v1/search/subject`: who may do this with that?
///
/// # Errors
/// 400 for what is not a search, or a token that is not of this one.
#[utoipa::path(post, path = "/access/v1/search/subject", request_body = SubjectSearch, responses((status = 200, body = EntitiesFound)))]
pub async fn subjects(app: web::Data<App>, caller: Caller, body: Body) -> Answer {
    searched(&app, &caller, Sought::Subject, &body).await
}

/// `POST /access/v1/search/resource`: with which registered records may somebody do this?
///
/// # Errors
/// 400 for what is not a search, or a token that is not of this one.
#[utoipa::path(post, path = "/access/v1/search/resource", request_body = ResourceSearch, responses((status = 200, body = EntitiesFound)))]
pub async fn resources(app: web::Data<App>, caller: Caller, body: Body) -> Answer {
    searched(&app, &caller, Sought::Resource, &body).await
}

/// `POST /access/v1/search/action`: what may somebody do with that?
///
/// # Errors
/// 400 for what is not a search, or a token that is not of this one.
#[utoipa::path(post, path = "/access/v1/search/action", request_body = ActionSearch, responses((status = 200, body = ActionsFound)))]
pub async fn actions(app: web::Data<App>, caller: Caller, body: Body) -> Answer {
    searched(&app, &caller, Sought::Action, &body).await
}

async fn searched(app: &App, caller: &Caller, sought: Sought, body: &Body) -> Answer {
    let search = Search::parse(sought, &body.0).map_err(problem::bad_request)?;
    let (now, digest) = (app.context().clock.now(), search.digest(&asker_of(caller))?);
    let place = search.place(&app.context().vault, now, &digest).map_err(problem::bad_request)?;
    let limit = place.limit;
    let asking = Asking::new(app, caller);
    let Some(snapshot) = asking.snapshot(search.min_revision()).await else {
        return answer(&search, Vec::new(), None);
    };
    let key = asking.key.clone();
    let work = move |app: &App| {
        let asker = Asker {
            application: key.as_deref().and_then(|key| key.application.as_deref()),
            asserts: key.as_deref().and_then(|key| key.asserts.as_deref()),
        };
        let clock = &app.context().clock;
        let late = clock.steady_micros() + PATIENCE;
        let is_late = || clock.steady_micros() >= late;
        let found = search.run((&snapshot, now, app.freshness()), asker, &place, is_late)?;
        Ok((search, found))
    };
    let (search, found) = app.to_its_end(work).await?;
    let next = found
        .next()
        .map(|after| Place { after: after.to_owned(), limit }.token(&app.context().vault, now, &digest));
    let names = match found {
        Found::Names(page) => page.items,
        Found::Subjects(page) => named(app, page).await?,
    };
    answer(&search, names, next)
}

/// Who goes on with a search: the same account with the same key, or in whatever session.
fn asker_of(caller: &Caller) -> String {
    match &caller.actor {
        Actor::Service { account, key } => format!("{account} {key}"),
        _ => caller.label(),
    }
}

/// The name of each account by which the caller can ask.
async fn named(app: &App, page: Page<AccountId>) -> Result<Vec<String>> {
    if page.items.is_empty() {
        return Ok(Vec::new());
    }
    app.read(move |reader| {
        let mut names: HashMap<AccountId, String> = names::to_ask_by(reader, &page.items)?;
        let name = |account: &AccountId| names.remove(account).unwrap_or_else(|| account.to_string());
        Ok(page.items.iter().map(name).collect())
    })
    .await
}

fn answer(search: &Search, names: Vec<String>, next: Option<String>) -> Answer {
    let page = (search.is_paged() || next.is_some())
        .then(|| PageFound { next_token: next.unwrap_or_default(), count: names.len() });
    let names = names.into_iter();
    match search.kind() {
        None => said(&ActionsFound { page, results: names.map(|name| FoundAction { name }).collect() }),
        Some(kind) => {
            let results = names.map(|id| FoundEntity { kind: kind.to_owned(), id }).collect();
            said(&EntitiesFound { page, results })
        }
    }
}

fn said(body: &impl Serialize) -> Answer {
    let text = serde_json::to_string(body).map_err(|cause| Error::internal("writing an answer", cause))?;
    Ok(answer_with(text))
}
