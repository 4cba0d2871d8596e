//! The decision point over HTTP: `/access/v1/evaluation`, `/access/v1/evaluations`, searches and the metadata.
//!
//! Rules: a denial is 200 with `false`; what cannot be read is 400, the wrong content type too; nothing of a question
//! is logged. Answers come from memory: no lock, no database.

mod body;
pub mod forward_auth;
pub mod held;
pub mod pages;
pub mod search;

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::authzen::{self, Asked, Asker, Batch, Complete, Semantic};
use super::described::{Answered, BatchAnswer, Metadata, Question, Questions};
use super::recorder::Recorded;
use super::{Decision, Explanation, Snapshot, usage};
use crate::access::catalogue::Class;
use crate::access::keys::KeyCaller;
use crate::app::App;
use crate::caller::{Actor, Caller};
use crate::http::{Answer, Json, identify, problem};

pub use body::Body;

/// `POST /access/v1/evaluation`.
///
/// # Errors
/// 400 for what is not a question.
#[utoipa::path(post, path = "/access/v1/evaluation", request_body = Question, responses((status = 200, body = Answered)))]
pub async fn evaluation(app: web::Data<App>, caller: Caller, body: Body) -> Answer {
    let asked = Asked::parse(&body.0).map_err(problem::bad_request)?;
    let question = asked.complete().map_err(problem::bad_request)?;
    let asking = Asking::new(&app, &caller);
    let snapshot = asking.snapshot(question.min_revision()).await;
    Ok(answer_with(&asking.decide(snapshot.as_deref(), &question).settle().await))
}

/// `POST /access/v1/evaluations`: all questions of one batch are asked of one state.
///
/// # Errors
/// 400 for what is not a batch.
#[utoipa::path(post, path = "/access/v1/evaluations", request_body = Questions, responses((status = 200, body = BatchAnswer)))]
pub async fn evaluations(app: web::Data<App>, caller: Caller, body: Body) -> Answer {
    let batch = Batch::parse(&body.0).map_err(problem::bad_request)?;
    let (semantic, (defaults, questions)) = (batch.semantic(), batch.into_parts());
    let asking = Asking::new(&app, &caller);
    if questions.is_empty() {
        let question = defaults.complete().map_err(problem::bad_request)?;
        let snapshot = asking.snapshot(question.min_revision()).await;
        return Ok(answer_with(&asking.decide(snapshot.as_deref(), &question).settle().await));
    }
    let completed: Vec<_> = questions.iter().map(|asked| authzen::complete(asked, &defaults)).collect();
    let wanted = completed.iter().flatten().filter_map(Complete::min_revision).max();
    let snapshot = asking.snapshot(wanted).await;
    let mut decided = Vec::with_capacity(completed.len());
    for question in &completed {
        let one = match question {
            Ok(question) => asking.decide(snapshot.as_deref(), question),
            Err(error) => Decided::Bare(authzen::fault(error)),
        };
        let permitted = one.permits();
        decided.push(one);
        match semantic {
            Semantic::DenyOnFirstDeny if !permitted => break,
            Semantic::PermitOnFirstPermit if permitted => break,
            _ => {}
        }
    }
    // All stand in the recorder by now, so that one batch of records serves them all.
    let mut answers = Vec::with_capacity(decided.len());
    for one in decided {
        answers.push(one.settle().await);
    }
    Ok(answer_with(json!({ "evaluations": answers })))
}

/// How many records were retrieved under a permit.
#[derive(Deserialize, ToSchema)]
#[schema(as = UsageReport)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// The name of the evaluation, as it came with its permit (`context.usage`).
    #[schema(max_length = 1024)]
    evaluation: String,
    /// How many.
    #[schema(maximum = 1_000_000_000)]
    records: u64,
}

const _: () = assert!(usage::LONGEST == 1_024 && usage::MOST == 1_000_000_000, "the description says so");

/// What stands in the log.
#[derive(Serialize, ToSchema)]
#[schema(as = UsageTold)]
pub struct Told {
    /// How many records.
    records: u64,
}

/// `POST /api/v1/usage`: told again, the same number changes nothing.
///
/// # Errors
/// 409 if another number was told before; 422.
#[utoipa::path(post, path = "/api/v1/usage", request_body = Usage, responses((status = 200, body = Told)))]
pub async fn tell_usage(app: web::Data<App>, caller: Caller, body: Json<Usage>) -> Answer {
    let Usage { evaluation, records } = body.into_inner();
    app.to_its_end(move |app| usage::tell(app, &caller, &evaluation, records)).await?;
    Ok(HttpResponse::Ok().json(Told { records }))
}

/// `GET /.well-known/authzen-configuration`.
///
/// # Errors
/// None; the type is that of handlers.
#[utoipa::path(get, path = "/.well-known/authzen-configuration", responses((status = 200, body = Metadata)))]
pub async fn metadata(app: web::Data<App>) -> Answer {
    Ok(answer_with(authzen::metadata(&app.config().public_url)))
}

fn answer_with(body: impl ToString) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(body.to_string())
}

/// The answer to one question, until it is known whether it may be given.
enum Decided {
    /// It asks for no record.
    Bare(Value),
    /// It may be given when its record is kept.
    Recorded {
        decision: Decision,
        recorded: Recorded,
        explained: Option<Box<Explanation>>,
        name: Option<String>,
    },
}

impl Decided {
    fn permits(&self) -> bool {
        matches!(self, Self::Recorded { decision, .. } if decision.permit())
    }

    async fn settle(self) -> Value {
        match self {
            Self::Bare(answer) => answer,
            Self::Recorded { decision, recorded, explained, name } => {
                authzen::answer(&recorded.settle(decision).await, explained.as_deref(), name.as_deref())
            }
        }
    }
}

/// Who asks, and where.
struct Asking<'a> {
    app: &'a App,
    key: Option<Arc<KeyCaller>>,
    caller: &'a Caller,
    asker: Arc<str>,
}

impl<'a> Asking<'a> {
    fn new(app: &'a App, caller: &'a Caller) -> Self {
        let key = match &caller.actor {
            Actor::Service { key, .. } => app.keys().of(key),
            _ => None,
        };
        Self { app, key, caller, asker: caller.label().into() }
    }

    /// The newest state; if the caller has seen a later one, after a look at the log. `None` if there is none so late.
    async fn snapshot(&self, min_revision: Option<u64>) -> Option<Arc<Snapshot>> {
        let newest = || self.app.decisions().snapshot();
        let wanted = min_revision.unwrap_or(0);
        if newest().revision() < wanted
            && let Err(error) = self.app.to_its_end(App::catch_up).await
        {
            tracing::warn!(%error, "the log could not be followed for a question");
        }
        Some(newest()).filter(|snapshot| snapshot.revision() >= wanted)
    }

    fn decide(&self, snapshot: Option<&Snapshot>, question: &Complete<'_>) -> Decided {
        let Some(snapshot) = snapshot else { return Decided::Bare(json!({ "decision": false })) };
        let key = self.key.as_deref();
        let asker = Asker {
            application: key.and_then(|key| key.application.as_deref()),
            asserts: key.and_then(|key| key.asserts.as_deref()),
        };
        let now = self.app.context().clock.now();
        let asked = question.question(asker);
        let decision = snapshot.evaluate(now, self.app.freshness(), &asked);
        let recorded = self.app.recorder().record(now, &self.asker, &asked, snapshot, &decision);
        let explained = question.wants_reason() && self.may_explain(&decision);
        let explained = explained.then(|| Box::new(snapshot.explain(now, self.app.freshness(), &asked)));
        let named = explained.is_some() || question.wants_name();
        let vault = &self.app.context().vault;
        let name = named.then(|| usage::name(vault, self.caller, now, &asked, &decision)).flatten();
        Decided::Recorded { decision, recorded, explained, name }
    }

    /// Whether the caller may know why. A key that was allowed everything at once may not where PII is at stake.
    fn may_explain(&self, decision: &Decision) -> bool {
        let by_name = self.key.as_ref().is_none_or(|key| key.explains_pii);
        (by_name || decision.class != Some(Class::Pii))
            && identify::permit(self.app, self.caller, "evaluation", "explain").is_ok()
    }
}
