//! The guard at the door: every request passes it before a handler and after it.
//!
//! In: a request id, the row of the route table, the limits of its address, who calls, whether the call comes from our
//! own pages, and the decision point's word on the row's permission. Out: errors become problems or pages, security
//! headers are set, one line is logged without anything personal. May call: `identify`, `problem`, `security`, `app`.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};

use super::idempotency::{self, Turn};
use super::identify::{self, Identity};
use super::problem::{self, Problem};
use super::routes::{self, Needs};
use super::{limits, page, security};
use crate::app::App;
use crate::caller::{Caller, Once};
use crate::error::Error;
use crate::ids::uuid_v7;

/// The request's id: in the log, in problems, in `X-Request-ID`.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// The one address that is asked far more often than all others together.
const EVALUATION: &str = "/access/v1/evaluation";

/// Lets a request through to its handler, or answers it.
///
/// # Errors
/// None of its own; an error that no handler returned but the framework did, which answers with its status alone.
pub async fn guard<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let Some(app) = request.app_data::<web::Data<App>>().map(|data| data.get_ref().clone()) else {
        return Err(Problem::from(Error::internal("guarding", "no house")).into());
    };
    let context = app.context();
    let started = context.clock.steady_micros();
    let id = uuid_v7(context.clock.now(), context.entropy.as_ref());
    request.extensions_mut().insert(RequestId(id.clone()));
    let pattern = request.match_pattern();
    let method = request.method().clone();

    let response = match admit(&app, &request, pattern.as_deref()).await {
        Ok(identity) => carry_out(&app, request, next, (&id, identity)).await?,
        Err(problem) => {
            let answer = answer(&app, request.request(), &problem, &id);
            request.into_response(answer)
        }
    };
    let micros = app.context().clock.steady_micros() - started;
    let (route, status) = (pattern.as_deref().unwrap_or("-"), response.status());
    // Decisions stand in the log of access; a line for each of thousands a second would bury every other.
    if route == EVALUATION && status == StatusCode::OK {
        tracing::debug!(request = %id, %method, route, status = status.as_u16(), micros, "answered");
    } else {
        tracing::info!(request = %id, %method, route, status = status.as_u16(), micros, "answered");
    }
    Ok(finished(response, &id))
}

/// Lets the handler run, once for each `Idempotency-Key`.
async fn carry_out<B: MessageBody + 'static>(
    app: &App,
    mut request: ServiceRequest,
    next: Next<B>,
    (id, identity): (&str, Identity),
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let turn = match idempotency::turn(app, &mut request, &identity).await {
        Ok(turn) => turn,
        Err(problem) => {
            let answer = answer(app, request.request(), &problem, id);
            return Ok(request.into_response(answer));
        }
    };
    let mut caller = identity.caller;
    if let Turn::First(once) = &turn {
        caller.once = Some(once.clone());
    }
    request.extensions_mut().insert(caller);
    match turn {
        Turn::Free => pass(app, request, next, id).await,
        Turn::First(once) => to_its_end(app.clone(), request, next, (id.to_owned(), once)).await,
        Turn::Again(answer) => Ok(request.into_response(answer)),
    }
}

/// Runs the handler and keeps its answer, also for a caller whose line breaks meanwhile: that one will ask again.
#[expect(clippy::disallowed_methods, reason = "it ends with the one request that it serves")]
async fn to_its_end<B: MessageBody + 'static>(
    app: App,
    request: ServiceRequest,
    next: Next<B>,
    (id, once): (String, Once),
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let work = async move {
        let response = pass(&app, request, next, &id).await?;
        Ok(idempotency::keep(&app, once, response).await)
    };
    match actix_web::rt::spawn(work).await {
        Ok(outcome) => outcome,
        Err(cause) => Err(Problem::from(Error::internal("carrying a call out", cause)).into()),
    }
}

/// Runs the handler; an error that it returned becomes its answer. The request may not be kept aside meanwhile:
/// actix needs to be its only owner while it routes.
async fn pass<B: MessageBody + 'static>(
    app: &App,
    request: ServiceRequest,
    next: Next<B>,
    id: &str,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let response = next.call(request).await?;
    let status = response.status();
    let Some(error) = response.response().error() else { return Ok(response.map_into_boxed_body()) };
    let answer = match error.as_error::<Problem>() {
        Some(problem) => answer(app, response.request(), problem, id),
        None => answer(app, response.request(), &problem::of_status(status), id),
    };
    Ok(response.into_response(answer))
}

/// Who calls, if they may call this row. An address without a row has no handler either: the framework answers 404.
async fn admit(app: &App, request: &ServiceRequest, pattern: Option<&str>) -> Result<Identity, Problem> {
    let Some(row) = pattern.and_then(|pattern| routes::find(request.method(), pattern)) else {
        return Ok(Identity { caller: Caller::nobody(), session: None });
    };
    if routes::ANY_METHOD.contains(&row.path) {
        return Ok(Identity { caller: Caller::nobody(), session: None });
    }
    limits::check(request, row)?;
    if routes::QUIET.contains(&row.path) {
        return Ok(Identity { caller: Caller::nobody(), session: None });
    }
    let identity = identify::identify(app, request.request()).await?;
    // Also for the page of a refusal, which shows who reads it the way out.
    request.extensions_mut().insert(identity.caller.clone());
    if let Some(session) = &identity.session {
        request.extensions_mut().insert(session.clone());
    }
    if identity.session.is_some() && !matches!(*request.method(), Method::GET | Method::HEAD) {
        security::same_origin(app, request.headers())?;
    }
    let caller = &identity.caller;
    match row.needs {
        Needs::Nothing => {}
        Needs::SignedIn if caller.account().is_some() => {}
        Needs::SignedIn => return Err(Error::Unauthenticated.into()),
        Needs::Permission(feature, action) => identify::permit(app, caller, feature, action)?,
    }
    Ok(identity)
}

/// The answer to a problem in the form that the caller reads.
fn answer(app: &App, request: &HttpRequest, problem: &Problem, id: &str) -> HttpResponse {
    if let Error::Internal(detail) = problem.error() {
        tracing::error!(request = %id, detail, "a fault");
    }
    if matches!(problem.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        keep_refusal(app, request, problem);
    }
    if is_for_programs(request.path()) {
        problem.json(id)
    } else {
        page::of_problem(app, request, problem, id)
    }
}

/// A refused call is kept in the log `access`: who, which row of the table, why. Nothing of the address itself.
fn keep_refusal(app: &App, request: &HttpRequest, problem: &Problem) {
    let caller = request.extensions().get::<Caller>().map_or_else(|| Caller::nobody().label(), Caller::label);
    let route = format!("{} {}", request.method(), request.match_pattern().as_deref().unwrap_or("-"));
    app.recorder().refused(app.context().clock.now(), caller, route, problem.slug());
}

/// Whether an address is for programs (JSON) rather than for browsers (pages).
pub fn is_for_programs(path: &str) -> bool {
    const PREFIXES: &[&str] = &[
        "/api/",
        "/access/",
        "/scim/",
        "/.well-known/",
        "/health/",
        "/openapi.json",
        "/forward-auth",
        "/static/",
    ];
    PREFIXES.iter().any(|prefix| path.starts_with(prefix))
}

fn finished(mut response: ServiceResponse<BoxBody>, id: &str) -> ServiceResponse<BoxBody> {
    let echoed = response.request().headers().get("x-request-id").filter(|value| is_plain(value)).cloned();
    let headers = response.headers_mut();
    security::set_headers(headers);
    if let Some(value) = echoed.or_else(|| HeaderValue::from_str(id).ok()) {
        headers.insert(HeaderName::from_static("x-request-id"), value);
    }
    response
}

fn is_plain(value: &HeaderValue) -> bool {
    value.len() <= 128 && value.as_bytes().iter().all(|byte| byte.is_ascii_graphic())
}
