//! What can go wrong, in the domain's words. Knows neither HTTP nor SQL; `http::problem` alone turns it into an answer.
//!
//! Unknown faults are [`Error::Internal`]: never the caller's fault by default. May call: nothing.

use std::fmt;

use serde::Serialize;

/// The result of a use case.
pub type Result<T> = std::result::Result<T, Error>;

/// The problem of a proof that is too old; the guard leads a browser to where it is renewed.
pub const PROOF_REQUIRED: &str = "proof-required";

/// One field of an input that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// The field as the caller named it.
    pub field: String,
    /// What is wrong and what would be right; never the value itself.
    pub detail: String,
    /// The clause that asks for it, such as "O13.2", if a policy does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
}

/// Why a use case was refused or failed.
#[derive(Debug)]
pub enum Error {
    /// There is no such thing, or the caller may not know of it. Holds what was looked for ("request").
    NotFound(&'static str),
    /// The input does not make sense; one entry for each field.
    Invalid(Vec<FieldError>),
    /// The state of things forbids it. The slug names the problem type; the detail says what would help.
    Conflict(&'static str, String),
    /// Nobody is signed in, or the credential is not known.
    Unauthenticated,
    /// The caller is known and may not. The slug names the problem type.
    Forbidden(&'static str, String),
    /// Too often; try again after so many seconds.
    TooMany(u32),
    /// The thing was changed meanwhile; look again.
    Stale,
    /// It cannot be done just now; try again after so many seconds. The text says what is missing.
    Unavailable(&'static str, u32),
    /// A fault of ours. The text goes to the log only.
    Internal(String),
}

impl Error {
    /// One refused field.
    pub fn field(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError { field: field.into(), detail: detail.into(), clause: None }])
    }

    /// One refused field, with the clause that asks for it.
    pub fn field_by_clause(
        field: impl Into<String>,
        detail: impl Into<String>,
        clause: impl Into<String>,
    ) -> Self {
        Self::Invalid(vec![FieldError {
            field: field.into(),
            detail: detail.into(),
            clause: Some(clause.into()),
        }])
    }

    /// Whether a fresh proof of who one is would help, and nothing else.
    pub fn asks_for_proof(&self) -> bool {
        matches!(self, Self::Forbidden(slug, _) if *slug == PROOF_REQUIRED)
    }

    /// A fault of ours, with what was being done.
    pub fn internal(doing: &str, cause: impl fmt::Display) -> Self {
        Self::Internal(format!("{doing}: {cause}"))
    }

    /// A state that forbids it.
    pub fn conflict(slug: &'static str, detail: impl Into<String>) -> Self {
        Self::Conflict(slug, detail.into())
    }

    /// A refusal of somebody known.
    pub fn forbidden(slug: &'static str, detail: impl Into<String>) -> Self {
        Self::Forbidden(slug, detail.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(what) => write!(f, "no such {what}"),
            Self::Invalid(fields) => {
                let all: Vec<_> =
                    fields.iter().map(|field| format!("{}: {}", field.field, field.detail)).collect();
                f.write_str(&all.join("; "))
            }
            Self::Conflict(_, detail) | Self::Forbidden(_, detail) => f.write_str(detail),
            Self::Unauthenticated => f.write_str("nobody is signed in"),
            Self::TooMany(seconds) => write!(f, "too often; try again in {seconds} s"),
            Self::Stale => f.write_str("it was changed meanwhile; look again"),
            Self::Unavailable(what, _) => write!(f, "not available just now: {what}"),
            Self::Internal(detail) => write!(f, "internal fault: {detail}"),
        }
    }
}

impl std::error::Error for Error {}
