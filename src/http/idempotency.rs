//! `Idempotency-Key`: a write that is sent twice takes effect once, and is answered twice.
//!
//! Rules: a key belongs to its account and to one call; what was refused is forgotten, since it changed nothing; what
//! took effect is remembered for a day, with its answer sealed; an answer that holds a secret is remembered as given,
//! never kept. Whoever is not signed in has no name to remember a key under: their key is not looked at. May call
//! `db::once`.

use actix_web::body::{BoxBody, MessageBody, to_bytes};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, SET_COOKIE};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, web};
use aws_lc_rs::digest::{SHA256, digest};

use super::identify::Identity;
use super::problem::{self, Problem};
use crate::app::App;
use crate::caller::Once;
use crate::db::Reader;
use crate::db::once;
use crate::error::{Error, Result};
use crate::ids::uuid_v7;
use crate::jobs::Lease;
use crate::sheet::LARGEST_FILE;
use crate::vault::Place;

/// The header.
pub static HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// Says in an answer that it is one given before.
pub static REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// The longest key, in characters.
pub const LONGEST: usize = 255;
const SPACE: &str = "idempotency";

/// Whose turn a call is.
pub enum Turn {
    /// It carries no key that counts.
    Free,
    /// It is the first of its key: it is carried out and its answer kept.
    First(Once),
    /// It was carried out; this was its answer.
    Again(HttpResponse),
}

/// Marks an answer whose body must not be kept, since it is shown once.
pub fn shown_once(mut response: HttpResponse) -> HttpResponse {
    response.extensions_mut().insert(ShownOnce);
    response
}

struct ShownOnce;

/// Looks at the key of a request, if it has one, and takes it.
///
/// # Errors
/// 400 for a key that is none, 422 for one that came with another call, 409 while that call is under way or if its
/// answer is not kept.
pub async fn turn(
    app: &App,
    request: &mut ServiceRequest,
    identity: &Identity,
) -> std::result::Result<Turn, Problem> {
    let Some(key) = request.headers().get(&HEADER).cloned() else { return Ok(Turn::Free) };
    let account = identity.caller.account().or(identity.session.as_ref().map(|session| &session.account));
    let (Some(account), true) = (account.cloned(), counts(request)) else { return Ok(Turn::Free) };
    let key = checked(&key).map_err(problem::bad_request)?;
    let request_digest = digest_of(app, request).await?;
    let context = app.context();
    let digest =
        context.vault.trace(SPACE, &hex::encode(digest(&SHA256, format!("{account} {key}").as_bytes())));
    let holder = uuid_v7(context.clock.now(), context.entropy.as_ref());
    let once = Once { digest, holder };
    match app.alone(move |reader| met(reader, once, &request_digest)).await.map_err(reused)? {
        Met::First(once) => Ok(Turn::First(once)),
        Met::Before(status, body) => Ok(Turn::Again(given_again(status, body)?)),
    }
}

/// What the table says of a key.
enum Met {
    First(Once),
    Before(u16, Vec<u8>),
}

fn met(reader: &mut Reader<'_>, once: Once, request_digest: &str) -> Result<Met> {
    if once::take(reader, &once, request_digest)? {
        return Ok(Met::First(once));
    }
    let Some(known) = once::find(reader, &once.digest)? else { return Err(once::in_flight()) };
    if known.request_digest != request_digest {
        return Err(Error::field(
            HEADER.as_str(),
            "came with another call before; take a new key for a new call",
        ));
    }
    let silent = known.status.is_none() && known.at.plus(once::PATIENCE) <= reader.now;
    if silent && !known.done && once::take_over(reader, &once, &known.holder)? {
        return Ok(Met::First(once));
    }
    match (known.status.and_then(|status| u16::try_from(status).ok()), known.answer) {
        (Some(status), Some(sealed)) => {
            Ok(Met::Before(status, reader.vault().open(place(&once.digest), &sealed)?))
        }
        (Some(_), None) => Err(not_kept()),
        (None, _) if silent && known.done => Err(not_kept()),
        (None, _) => Err(once::in_flight()),
    }
}

/// A key that came with another call has a problem type of its own.
fn reused(error: Error) -> Problem {
    match &error {
        Error::Invalid(fields) if fields.iter().any(|field| field.field == HEADER.as_str()) => {
            Problem::with(error, StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused")
        }
        _ => error.into(),
    }
}

/// Keys count on calls for programs that write. A question of the decision point changes nothing.
fn counts(request: &ServiceRequest) -> bool {
    !matches!(*request.method(), Method::GET | Method::HEAD) && request.path().starts_with("/api/")
}

fn checked(key: &HeaderValue) -> Result<&str> {
    let plain =
        |key: &&str| (1..=LONGEST).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    key.to_str().ok().filter(plain).ok_or_else(|| {
        Error::field(
            "idempotency-key",
            format!("must have 1 to {LONGEST} visible ASCII characters, such as a UUID"),
        )
    })
}

/// The keyed hash of a call: method, address and body. The body is put back for the handler. It may hold a password,
/// so a hash without a key would not do.
async fn digest_of(app: &App, request: &mut ServiceRequest) -> std::result::Result<String, Problem> {
    let body = request.extract::<web::Payload>().await.map_err(|_| problem::too_large(LARGEST_FILE))?;
    let bytes = match body.to_bytes_limited(LARGEST_FILE + 1).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(_)) => return Err(Error::field("body", "could not be read to its end").into()),
        Err(_) => return Err(problem::too_large(LARGEST_FILE)),
    };
    let mut whole = format!("{} {}\n", request.method(), request.uri()).into_bytes();
    whole.extend_from_slice(&bytes);
    request.set_payload(Payload::from(bytes));
    Ok(app.context().vault.trace(SPACE, &hex::encode(digest(&SHA256, &whole))))
}

fn place(digest: &str) -> Place<'_> {
    Place { table: "idempotency", column: "answer", row: digest }
}

fn given_again(status: u16, body: Vec<u8>) -> Result<HttpResponse> {
    let status = StatusCode::from_u16(status).map_err(|cause| Error::internal("answering again", cause))?;
    let mut answer = HttpResponse::build(status);
    answer.insert_header((REPLAYED.clone(), "true"));
    if body.is_empty() {
        return Ok(answer.finish());
    }
    Ok(answer.insert_header((CONTENT_TYPE, "application/json")).body(body))
}

fn not_kept() -> Error {
    let help = "A call with this Idempotency-Key took effect. Its answer was not kept, because it was shown once or \
                got lost; look at how things stand.";
    Error::conflict("answer-not-kept", help)
}

/// Keeps what a first call was answered; what was refused is forgotten, unless something of it took effect.
pub async fn keep(app: &App, once: Once, response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let status = response.status();
    let secret = response.headers().contains_key(SET_COOKIE)
        || response.response().extensions().get::<ShownOnce>().is_some();
    let (request, response) = response.into_parts();
    let (head, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body).await else {
        let broken = HttpResponse::new(StatusCode::INTERNAL_SERVER_ERROR);
        return ServiceResponse::new(request, broken);
    };
    let kept = bytes.clone();
    let stored = app
        .alone(move |reader| {
            if status.is_success() && !secret {
                let entropy = reader.entropy();
                let sealed = reader.vault().seal(entropy, place(&once.digest), &kept)?;
                return once::keep(reader, &once, status.as_u16(), Some(&sealed));
            }
            if status.is_success() || !once::give_back(reader, &once)? {
                return once::keep(reader, &once, status.as_u16(), None);
            }
            Ok(())
        })
        .await;
    if let Err(error) = stored {
        // The effect is marked in its own transaction; a call that comes again learns that its answer is not kept.
        tracing::warn!(%error, "the answer to a call with an Idempotency-Key could not be kept");
    }
    ServiceResponse::new(request, head.set_body(bytes.boxed()))
}

/// The job `http.tidy`: forgets keys of the day before.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn tidy(app: &App, _lease: &Lease) -> Result<String> {
    let forgotten = app.database().alone(once::tidy)?;
    Ok(format!("forgot {forgotten} idempotency keys"))
}
