//! `ANY /forward-auth`: a proxy asks whether the request that it has before it may go on.
//!
//! Rules: 200, 401 or 403, nothing else, whatever happens; asked by a proxy of `trusted_proxies` or not at all; it
//! changes nothing but the instant at which a session was last used. A permit is recorded as any other is. Where the
//! client is and whether a second factor was shown is known here, and so may be asserted.

use std::net::IpAddr;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, REFRESH, WWW_AUTHENTICATE};
use actix_web::http::uri::Authority;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::caller::{Actor, Caller};
use crate::decision::forward_auth::{ADDRESS, Said, encoded, way_back};
use crate::decision::routes::Meant;
use crate::decision::rows::SubjectKind;
use crate::decision::{Question, Snapshot};
use crate::error::Error;
use crate::http::{Answer, Page, client, identify};
use crate::ids::AccountId;

/// Who asks, in the log `access`.
const ASKER: &str = "forward-auth";
/// Headers by which applications let a client say another method or path than the request has.
const OVERRIDES: [&str; 5] =
    ["x-http-method-override", "x-http-method", "x-method-override", "x-original-url", "x-rewrite-url"];

/// What comes of it.
enum Outcome {
    /// It may go on, as whom.
    Permitted(SubjectKind, AccountId),
    /// Nobody is signed in; where a browser can be sent.
    Nobody(Option<String>),
    /// It may not go on.
    Refused,
}

/// `ANY /forward-auth`, also with the request's own address behind it.
pub async fn answer(app: web::Data<App>, request: HttpRequest) -> HttpResponse {
    if !is_proxy(&app, &request) {
        let now = app.context().clock.now();
        app.recorder().refused(now, Caller::nobody().label(), format!("ANY {ADDRESS}"), "forbidden");
        return bare(StatusCode::FORBIDDEN);
    }
    match outcome_of(app.clone(), request).await {
        Outcome::Permitted(kind, account) => permitted(&app, kind, &account),
        Outcome::Nobody(sign_in) => nobody(sign_in),
        Outcome::Refused => bare(StatusCode::FORBIDDEN),
    }
}

/// The outcome, also where working it out breaks.
#[expect(clippy::disallowed_methods, reason = "it ends with the one request that it serves")]
async fn outcome_of(app: web::Data<App>, request: HttpRequest) -> Outcome {
    let work = actix_web::rt::spawn(async move { judge(&app, &request).await });
    work.await.unwrap_or_else(|cause| {
        tracing::error!(%cause, "a proxy's question broke");
        Outcome::Refused
    })
}

fn is_proxy(app: &App, request: &HttpRequest) -> bool {
    let peer = request.peer_addr().map(|address| address.ip());
    peer.is_some_and(|peer: IpAddr| client::is_trusted(&app.config().trusted_proxies, peer))
}

async fn judge(app: &App, request: &HttpRequest) -> Outcome {
    let snapshot = app.decisions().snapshot();
    let waiting = said(request).and_then(|said| said.waiting());
    let Some(waiting) = waiting else { return Outcome::Refused };
    let Some(meant) = waiting.meaning(&snapshot) else { return Outcome::Refused };
    let caller = match identify::identify(app, request).await {
        Ok(identity) => identity.caller,
        Err(problem) if matches!(problem.error(), Error::Unauthenticated) => Caller::nobody(),
        Err(problem) => {
            tracing::warn!(error = problem.slug(), "nobody can be identified for a proxy");
            return Outcome::Refused;
        }
    };
    let (kind, account) = match caller.actor {
        Actor::Person { account, .. } => (SubjectKind::Person, account),
        Actor::Service { account, .. } => (SubjectKind::Service, account),
        _ => return Outcome::Nobody(waiting.sign_in(&snapshot, &app.config().public_url)),
    };
    let mut context = Map::new();
    context.insert("mfa".to_owned(), json!(caller.proved_at.is_some()));
    let from = client::address(&app.config().trusted_proxies, request);
    context.extend(from.map(|from| ("source_ip".to_owned(), json!(from))));
    context.extend(meant.purpose.clone().map(|purpose| ("purpose".to_owned(), json!(purpose))));
    decide(app, &snapshot, (kind, account), &meant, context).await
}

async fn decide(
    app: &App,
    snapshot: &Snapshot,
    (kind, account): (SubjectKind, AccountId),
    meant: &Meant,
    context: Map<String, Value>,
) -> Outcome {
    let properties = meant.properties.iter().map(|(name, text)| (name.clone(), json!(text)));
    let properties: Map<_, _> = properties.collect();
    let asserts: Vec<String> = context.keys().chain(properties.keys()).cloned().collect();
    let (properties, context) = (Value::Object(properties), Value::Object(context));
    let question = Question {
        subject_type: kind.type_name(),
        subject: account.as_str(),
        application: None,
        resource_type: &meant.feature,
        resource: &meant.id,
        action: &meant.action,
        properties: Some(&properties),
        context: Some(&context),
        asserts: Some(&asserts),
        ..Question::default()
    };
    let now = app.context().clock.now();
    let decision = snapshot.evaluate(now, app.freshness(), &question);
    let asker = Caller::house(ASKER).label().into();
    let recorded = app.recorder().record(now, &asker, &question, snapshot, &decision);
    if recorded.settle(decision).await.permit() {
        Outcome::Permitted(kind, account)
    } else {
        Outcome::Refused
    }
}

/// What the proxy says; `None` if a header stands there twice, is no plain text, or lets a client say something else,
/// and if the proxy does not say where the client is: it would be taken for the client itself.
fn said(request: &HttpRequest) -> Option<Said<'_>> {
    let headers = request.headers();
    let second_opinion = OVERRIDES.iter().any(|name| headers.contains_key(*name));
    if second_opinion || !headers.contains_key("x-forwarded-for") {
        return None;
    }
    let address = request.uri().path_and_query()?.as_str();
    Some(Said {
        original_uri: once(headers, "x-original-uri")?,
        original_method: once(headers, "x-original-method")?,
        forwarded_uri: once(headers, "x-forwarded-uri")?,
        forwarded_method: once(headers, "x-forwarded-method")?,
        forwarded_host: once(headers, "x-forwarded-host")?,
        forwarded_proto: once(headers, "x-forwarded-proto")?,
        appended: address.strip_prefix(ADDRESS)?,
        method: request.method().as_str(),
        host: once(headers, "host")?.or_else(|| request.uri().authority().map(Authority::as_str)),
    })
}

/// A header's value if it is there; nothing at all if it is there twice or is no plain text.
fn once<'a>(headers: &'a HeaderMap, name: &str) -> Option<Option<&'a str>> {
    let mut all = headers.get_all(name);
    let first = all.next();
    if all.next().is_some() {
        return None;
    }
    match first {
        Some(value) => Some(Some(value.to_str().ok()?)),
        None => Some(None),
    }
}

fn permitted(app: &App, kind: SubjectKind, account: &AccountId) -> HttpResponse {
    let username = app.directory().card(account).map(|card| encoded(&card.username)).unwrap_or_default();
    let mut answer = HttpResponse::build(StatusCode::OK);
    answer.insert_header(("x-bailiwick-account", account.as_str()));
    answer.insert_header(("x-bailiwick-username", username));
    answer.insert_header(("x-bailiwick-kind", kind.type_name()));
    answer.finish()
}

fn nobody(sign_in: Option<String>) -> HttpResponse {
    let mut answer = bare(StatusCode::UNAUTHORIZED);
    let headers = answer.headers_mut();
    headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"bailiwick\""));
    if let Some(value) = sign_in.and_then(|address| HeaderValue::from_str(&address).ok()) {
        headers.insert(HeaderName::from_static("x-bailiwick-sign-in"), value);
    }
    answer
}

fn bare(status: StatusCode) -> HttpResponse {
    HttpResponse::build(status).finish()
}

/// Where one came from.
#[derive(Deserialize)]
pub struct Back {
    to: Option<String>,
}

/// `GET /return`: after the sign-in, back to the application whose proxy sent one here. A page and no redirect: a
/// browser does not follow one from a form of this house to another origin.
///
/// # Errors
/// 404 for an address that no catalogue knows.
pub async fn go_back(app: web::Data<App>, page: Page, query: web::Query<Back>) -> Answer {
    let snapshot = app.decisions().snapshot();
    let to = query.into_inner().to.unwrap_or_default();
    let to = way_back(&snapshot, &app.config().public_url, &to).ok_or(Error::NotFound("address"))?;
    let host = to.split('/').nth(2).unwrap_or_default();
    let context = json!({
        "label": "Signed in",
        "icon": "check",
        "title": "You are signed in",
        "text": format!("You go on to {host}."),
        "facts": [],
        "actions": [{ "href": to, "label": "Go on", "primary": true }],
        "reference": null,
    });
    let mut answer = page.gate("gate/message.html", context)?;
    if let Ok(value) = HeaderValue::from_str(&format!("0; url={to}")) {
        answer.headers_mut().insert(REFRESH, value);
    }
    Ok(answer)
}
