//! Errors as answers: RFC 9457 `application/problem+json` for callers, a page for browsers.
//!
//! Rules: this is the only place that knows which error is which status; the text of an internal fault goes to the
//! log and never into an answer. Every problem type is listed in [`TYPES`] and served as documentation.

use std::fmt;

use actix_web::error::{JsonPayloadError, PathError, QueryPayloadError, ResponseError, UrlencodedError};
use actix_web::http::StatusCode;
use actix_web::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use super::Answer;
use crate::error::{Error, FieldError, PROOF_REQUIRED};

/// The problem types with their titles; the type's URI is `/problems/` and the slug.
pub const TYPES: &[(&str, &str)] = &[
    ("not-found", "There is no such thing here"),
    ("invalid", "Something in the input is not right"),
    ("unauthenticated", "Nobody is signed in"),
    ("forbidden", "You may not do this"),
    ("cross-site", "The call came from another site"),
    (PROOF_REQUIRED, "This needs a fresh proof of who you are"),
    ("too-many", "Too often"),
    ("stale", "It was changed meanwhile"),
    ("unavailable", "Not available just now"),
    ("internal", "A fault of ours"),
    ("method-not-allowed", "This address does not do that"),
    ("too-large", "The body is too large"),
    ("unsupported-media-type", "The body is of the wrong kind"),
    // Of one use case each, in the order of the alphabet.
    ("access-role", "An access role is not given this way"),
    ("account-gone", "The account has left"),
    ("account-state", "The account is in the wrong state"),
    ("alarm-state", "The alarm is in another state"),
    ("already-asked", "It was asked for already"),
    ("already-enrolled", "The person has credentials already"),
    ("already-held", "The role is held already"),
    ("already-left", "The person has left already"),
    ("answer-not-kept", "It took effect, and its answer is not kept"),
    ("case-open", "There is a case already"),
    ("challenge-over", "The challenge is over"),
    ("decided", "It is decided already"),
    ("excluded-role", "The roles exclude each other"),
    ("factor-enrolled", "There is a second factor already"),
    ("factor-missing", "The second factor is not begun"),
    ("floor", "Too few people could administer"),
    ("grant-over", "The grant is over"),
    ("grant-suspended", "The grant is suspended"),
    ("has-mailbox", "The link goes to a mailbox"),
    ("idempotency-key-reused", "The key came with another call"),
    ("in-effect", "It is in effect already"),
    ("in-flight", "The same call is under way"),
    ("last-factor", "It is the last strong factor"),
    ("mail-fails", "The mail did not go out"),
    ("name-taken", "The name is taken"),
    ("no-approver", "Nobody is left who may approve"),
    ("not-for-this-account", "The role is not for this account"),
    ("not-in-use", "The account is not in use"),
    ("not-waiting", "It does not wait for anybody's word"),
    ("not-your-item", "It waits for somebody else"),
    ("not-your-team", "It is not your team"),
    ("not-yours", "It is not yours"),
    ("not-yours-to-ask", "It is not yours to ask for"),
    ("not-yours-to-decide", "It is not yours to decide"),
    ("not-yours-to-give", "It is not yours to give"),
    ("objections", "Anybody may still object"),
    ("opening", "It is still being opened"),
    ("own-account", "Somebody else has to change this"),
    ("own-alarm", "Somebody else has to close it"),
    ("own-leaving", "Somebody else has to report it"),
    ("overtaken", "Another change came in between"),
    ("passkey-known", "The passkey is known already"),
    ("passkey-missing", "There is no passkey"),
    ("passkeys-unavailable", "Passkeys need a name"),
    ("password-ended", "The password has ended"),
    ("password-in-force", "The password is in force"),
    ("period-reviewed", "The period has its review already"),
    ("review-over", "The review is over"),
    ("prerequisite", "Something must be shown first"),
    ("role-by-itself", "The role comes by itself"),
    ("running", "The house is in use"),
    ("second-person", "This needs a second person"),
    ("self-approval", "Nobody decides about their own access"),
    ("set-up-done", "The house is set up already"),
    ("too-many-passkeys", "There are too many passkeys"),
    ("too-many-requests", "Too many requests wait"),
    ("too-many-workstations", "There are too many workstations"),
    ("usage-told", "Another volume was told before"),
    ("workstation-ended", "The workstation has ended"),
    ("workstation-named", "Another workstation has this name"),
];

/// The page that renews a proof of who one is.
pub const PROVE: &str = "/prove";

/// A problem as callers read it (RFC 9457).
#[derive(Serialize, ToSchema)]
pub struct ProblemDetails {
    /// `/problems/` and a slug that `docs/problems.md` explains.
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    /// What would help in this case; never what was sent.
    detail: String,
    /// The request's id in the server's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    /// Where a proof that is too old is renewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    proof_at: Option<&'static str>,
    /// What is wrong, by field.
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<Vec<FieldError>>,
}

/// An error on its way to becoming an answer.
#[derive(Debug)]
pub struct Problem {
    error: Error,
    status: StatusCode,
    slug: &'static str,
}

impl Problem {
    /// A problem of a status and type of its own.
    pub fn with(error: Error, status: StatusCode, slug: &'static str) -> Self {
        Self { error, status, slug }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The slug of the problem type.
    pub fn slug(&self) -> &'static str {
        self.slug
    }

    /// The title of the problem type.
    pub fn title(&self) -> &'static str {
        TYPES
            .iter()
            .find(|(slug, _)| *slug == self.slug)
            .map_or("The state of things forbids it", |(_, title)| title)
    }

    /// What a reader may be told beyond the title.
    pub fn detail(&self) -> String {
        match &self.error {
            Error::Internal(_) => "Nothing was changed. The reference leads to what happened.".to_owned(),
            other => other.to_string(),
        }
    }

    /// The error inside.
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// The answer for callers, with the request's id as its instance.
    pub fn json(&self, request_id: &str) -> HttpResponse {
        let errors = match &self.error {
            Error::Invalid(fields) => Some(fields.clone()),
            _ => None,
        };
        self.answer(&ProblemDetails {
            instance: Some(format!("urn:uuid:{request_id}")),
            errors,
            ..self.details(self.detail())
        })
    }

    fn details(&self, detail: String) -> ProblemDetails {
        ProblemDetails {
            kind: format!("/problems/{}", self.slug),
            title: self.title(),
            status: self.status.as_u16(),
            detail,
            instance: None,
            proof_at: (self.slug == PROOF_REQUIRED).then_some(PROVE),
            errors: None,
        }
    }

    fn answer(&self, details: &ProblemDetails) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status);
        self.headers(&mut answer);
        answer.content_type("application/problem+json").json(details)
    }

    /// Adds the headers that go with the status: `Retry-After`, `WWW-Authenticate`.
    pub fn headers(&self, answer: &mut actix_web::HttpResponseBuilder) {
        match &self.error {
            Error::TooMany(seconds) | Error::Unavailable(_, seconds) => {
                answer.insert_header((RETRY_AFTER, seconds.to_string()));
            }
            Error::Unauthenticated => {
                answer.insert_header((WWW_AUTHENTICATE, "Bearer realm=\"bailiwick\""));
            }
            _ => {}
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let (status, slug) = match &error {
            Error::NotFound(_) => (StatusCode::NOT_FOUND, "not-found"),
            Error::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
            Error::Conflict(slug, _) => (StatusCode::CONFLICT, *slug),
            Error::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated"),
            Error::Forbidden(slug, _) => (StatusCode::FORBIDDEN, *slug),
            Error::TooMany(_) => (StatusCode::TOO_MANY_REQUESTS, "too-many"),
            Error::Stale => (StatusCode::CONFLICT, "stale"),
            Error::Unavailable(..) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            Error::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        };
        Self::with(error, status, slug)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    /// A bare answer: the guard writes the body, since it knows the request.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status)
    }
}

/// The one refusal of a sign-in: unknown, wrong, used and locked look alike to the last byte, so it names no request.
pub fn sign_in_refused() -> HttpResponse {
    let refused = Problem::from(Error::Unauthenticated);
    refused.answer(&refused.details("What you gave is wrong, or it is locked for the moment.".to_owned()))
}

/// The problem of an answer that some part of the framework made by itself.
pub fn of_status(status: StatusCode) -> Problem {
    match status {
        StatusCode::NOT_FOUND => Error::NotFound("address").into(),
        StatusCode::UNAUTHORIZED => Error::Unauthenticated.into(),
        StatusCode::METHOD_NOT_ALLOWED => method_refused(),
        StatusCode::PAYLOAD_TOO_LARGE => too_large(super::BODY_LIMIT),
        status if status.is_client_error() => {
            Problem::with(Error::field("request", "cannot be read"), status, "invalid")
        }
        _ => Error::internal("answering", "an answer without a body").into(),
    }
}

fn method_refused() -> Problem {
    let detail = "The address is right, the method is not.".to_owned();
    Problem::with(
        Error::Forbidden("method-not-allowed", detail),
        StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
    )
}

/// A body beyond its limit.
pub fn too_large(limit: usize) -> Problem {
    let detail = format!("may have {limit} bytes at most");
    Problem::with(Error::field("body", detail), StatusCode::PAYLOAD_TOO_LARGE, "too-large")
}

fn unreadable(field: &str, detail: String) -> actix_web::Error {
    Problem::with(Error::field(field, detail), StatusCode::BAD_REQUEST, "invalid").into()
}

/// An input that a standard wants answered with 400, where this house would say 422 or 415.
pub fn bad_request(error: Error) -> Problem {
    match error {
        Error::Invalid(_) => Problem::with(error, StatusCode::BAD_REQUEST, "invalid"),
        other => other.into(),
    }
}

/// A JSON body that was refused.
pub fn json_refused(cause: &JsonPayloadError) -> actix_web::Error {
    match cause {
        JsonPayloadError::Overflow { .. } | JsonPayloadError::OverflowKnownLength { .. } => {
            too_large(super::BODY_LIMIT).into()
        }
        JsonPayloadError::ContentType => {
            let error = Error::field("content-type", "must be application/json");
            Problem::with(error, StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type").into()
        }
        JsonPayloadError::Deserialize(cause) if cause.is_data() => {
            Problem::from(Error::field("body", shape(cause))).into()
        }
        JsonPayloadError::Deserialize(cause) => {
            unreadable("body", format!("is not JSON, at line {}, column {}", cause.line(), cause.column()))
        }
        _ => unreadable("body", "cannot be read".to_owned()),
    }
}

/// serde's complaint about the shape, with every word of the caller cut out: it may be personal. What was expected is
/// ours and stays.
fn shape(cause: &serde_json::Error) -> String {
    let text = cause.to_string();
    // serde_json says at the end where it stopped reading.
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    // Ours comes last: what the caller wrote cannot pass for it.
    let expected = text.rsplit_once(", expected ").map(|(_, expected)| expected);
    let what = if text.starts_with("unknown field") {
        "has a field that this call does not take"
    } else if text.starts_with("unknown variant") {
        "has a word that is not one of those known"
    } else if text.starts_with("invalid") {
        text.split(['"', '`']).next().unwrap_or_default().split(", expected ").next().unwrap_or_default()
    } else {
        return text.chars().take(300).collect();
    };
    let what = what.trim_end().trim_end_matches(':');
    expected.map_or_else(|| what.to_owned(), |expected| format!("{what}, expected {expected}"))
}

/// A form that was refused.
pub fn form_refused(cause: UrlencodedError, _request: &HttpRequest) -> actix_web::Error {
    match cause {
        UrlencodedError::Overflow { .. } => too_large(super::BODY_LIMIT).into(),
        UrlencodedError::ContentType => {
            let error = Error::field("content-type", "must be application/x-www-form-urlencoded");
            Problem::with(error, StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type").into()
        }
        _ => unreadable("form", "a field is missing or cannot be read".to_owned()),
    }
}

/// A query string that was refused.
pub fn query_refused(_cause: QueryPayloadError, _request: &HttpRequest) -> actix_web::Error {
    unreadable("query", "a parameter is missing or cannot be read".to_owned())
}

/// A path whose parts were refused: there is nothing at such an address.
pub fn path_refused(_cause: PathError, _request: &HttpRequest) -> actix_web::Error {
    Problem::from(Error::NotFound("address")).into()
}

/// No route has this address.
///
/// # Errors
/// Always: 404.
pub async fn unknown_route() -> Answer {
    Err(Error::NotFound("address").into())
}

/// The address is known, the method is not.
///
/// # Errors
/// Always: 405.
pub async fn unknown_method() -> Answer {
    Err(method_refused())
}
