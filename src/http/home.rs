//! The first page after the sign-in: what the reader may touch, what they asked for, how and where they are signed in.

mod checklist;

use actix_web::web;
use chrono::Duration;
use serde_json::{Value, json};

use super::identify::Current;
use super::{Answer, Page, agent, notices};
use crate::access::words::Words;
use crate::accounts;
use crate::accounts::http::{attestations, person};
use crate::app::App;
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::ids::AccountId;
use crate::requests::http::pages::row;
use crate::requests::lists::{self, Viewer};
use crate::signin::sessions;
use crate::signin::{self, sessions::Session};

/// How many requests the page shows, and how long after their answer; the list has them all.
const SHOWN: i64 = 10;
const SHOWN_FOR: Duration = Duration::days(14);

/// `GET /`.
///
/// # Errors
/// As the render.
pub async fn index(app: web::Data<App>, page: Page, current: Current) -> Answer {
    let me = page.caller.account().cloned().ok_or(Error::Unauthenticated)?;
    let house = app.clone();
    let context = app.read(move |reader| context(&house, reader, &me, current.0.as_ref())).await?;
    page.render("home/my-access.html", context)
}

fn context(app: &App, reader: &mut Reader<'_>, me: &AccountId, session: Option<&Session>) -> Result<Value> {
    let account = accounts::find(reader, me)?;
    let viewer = Viewer { account: me.clone(), everybody: false };
    let (requests, _) = lists::list(reader, "mine", None, &viewer, None, SHOWN)?;
    let mut words = Words::default();
    let mut asked = Vec::with_capacity(requests.len());
    let since = reader.now.minus(SHOWN_FOR);
    for request in requests.iter().filter(|request| request.decided_at.is_none_or(|at| since < at)) {
        asked.push(row(app, reader, &mut words, me, request)?);
    }
    let standing = signin::standing(reader, me)?;
    let clauses = app.context().profiles.current().clauses("password.max_age").to_vec();
    let sessions: Vec<Value> = sessions::list(reader, me, session.map(|session| &session.id))?
        .into_iter()
        .map(|session| {
            json!({ "current": session.current, "since": session.created_at, "device": agent::in_words(&session.agent), "place": session.workstation.or(session.network) })
        })
        .collect();
    Ok(json!({
        "done": null,
        "checklist": checklist::of(app, reader, me)?,
        "notices": notices::of(reader, me)?,
        "held": person::held(app, reader, &account)?,
        "attestations": attestations::shown(app, reader, me)?,
        "asked": asked,
        "sign_in": {
            "username": app.directory().card(me).map(|card| card.username).unwrap_or_default(),
            "password_ends_at": standing.password_ends_at,
            "password_clauses": clauses,
            "authenticator_since": standing.authenticator_since,
            "passkeys": standing.passkeys,
            "codes_left": standing.codes_left,
        },
        "sessions": sessions,
    }))
}
