//! What all pages share: the frame around a signed-in page, the gate around the others, and forms that come back.
//!
//! A handler flattens the frame into its own context:
//!
//! ```
//! use bailiwick::http::pages::frame::Frame;
//!
//! #[derive(serde::Serialize)]
//! struct People {
//!     #[serde(flatten)]
//!     frame: Frame,
//!     people: Vec<String>,
//! }
//! ```

use std::collections::BTreeMap;

use serde::Serialize;

use crate::error::{Error, FieldError, Result};

/// The context of `components/base.html`: bar, navigation, and the line that only paper shows.
#[derive(Debug, Clone, Serialize)]
pub struct Frame {
    /// The organisation's name.
    pub firm: String,
    /// The reader.
    pub me: Me,
    /// The navigation, as far as the reader may follow it.
    pub nav: Vec<Heading>,
    /// The instant the page is made, RFC 3339. All relative times of the page are counted from it.
    pub now: String,
    /// The reader's time zone, an IANA name.
    pub zone: String,
    /// The revision the page shows, if it shows one.
    pub revision: Option<u64>,
    /// The root hash of the log at that revision, if it is known.
    pub tree: Option<String>,
    /// The shared workstation at which it is read, if it is one.
    pub workstation: Option<Shared>,
}

/// A shared workstation, as the pages read at it show it.
#[derive(Debug, Clone, Serialize)]
pub struct Shared {
    /// What people call it.
    pub name: String,
    /// After so many seconds without a request the session ends that is open; none if none is open.
    pub idle: Option<i64>,
}

/// The reader, as the bar names them.
#[derive(Debug, Clone, Serialize)]
pub struct Me {
    /// Given and family name.
    pub name: String,
    /// What they sign in with.
    pub username: String,
}

/// One group of the navigation.
#[derive(Debug, Clone, Serialize)]
pub struct Heading {
    /// `Mine`, `Team`, `House` or `Watch`.
    pub heading: String,
    /// At least one link.
    pub links: Vec<Link>,
}

/// One line of the navigation.
#[derive(Debug, Clone, Serialize)]
pub struct Link {
    /// Where it leads.
    pub href: String,
    /// The page's name.
    pub label: String,
    /// A symbol of `icons.svg`.
    pub icon: String,
    /// What waits there, in words such as `15 open`.
    pub count: Option<String>,
    /// Whether what waits must be done before a time.
    pub due: bool,
    /// Whether it is the page that is open.
    pub current: bool,
}

/// The context of `components/gate.html`, the layout before and beside a session: sign-in, enrolment, errors.
#[derive(Debug, Clone, Serialize)]
pub struct Gate {
    /// The organisation's name; empty before the first run.
    pub firm: String,
    /// The instant the page is made, RFC 3339.
    pub now: String,
    /// The organisation's time zone, an IANA name.
    pub zone: String,
    /// The shared workstation at which it is read, if it is one.
    pub workstation: Option<Shared>,
}

/// A form as it is shown: empty the first time, with what was typed and what is wrong with it when it comes back.
/// Passwords and codes never come back.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Form {
    /// What stands in the fields, by field name. A missing one is empty.
    pub values: BTreeMap<String, String>,
    /// What is wrong, by field name.
    pub errors: BTreeMap<String, Vec<Fault>>,
    /// What is wrong with the whole, above the first field.
    pub problem: Option<Fault>,
}

impl Form {
    /// A form with what stands in its fields.
    pub fn filled<'f>(fields: impl IntoIterator<Item = (&'f str, &'f str)>) -> Self {
        let values = fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { values, ..Self::default() }
    }

    /// The form with what was refused, beside its field or above the first.
    ///
    /// # Errors
    /// Any error that is not about what was typed.
    pub fn refused(mut self, error: Error) -> Result<Self> {
        if error.asks_for_proof() {
            return Err(error);
        }
        match error {
            Error::Invalid(fields) => {
                for FieldError { field, detail, clause } in fields {
                    let fault = Fault { text: detail, clauses: clause.into_iter().collect() };
                    self.errors.entry(field).or_default().push(fault);
                }
            }
            Error::Conflict(_, text) | Error::Forbidden(_, text) => {
                self.problem = Some(Fault { text, clauses: Vec::new() });
            }
            other => return Err(other),
        }
        Ok(self)
    }
}

/// One sentence about what is wrong, and the clauses that say so.
#[derive(Debug, Clone, Serialize)]
pub struct Fault {
    /// The sentence; it also says what to do.
    pub text: String,
    /// The ids of the clauses behind it, such as `O16`; may be empty.
    pub clauses: Vec<String>,
}
