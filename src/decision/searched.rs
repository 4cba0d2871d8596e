//! Searches as the OpenID AuthZEN Authorization API 1.0 has them: who may, with what, what may be done.
//!
//! Rules: what is looked for is not read, whatever it says of itself; everything else is a question and read as one;
//! what nobody knows finds nothing, which is an answer and no error; a page goes on only for the search it began with.
//! Pure; calls `authzen`.

use aws_lc_rs::digest::{SHA256, digest};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::authzen::{self, Asked, Asker};
use super::page_token::Place;
use super::{Freshness, Page, Snapshot};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::ids::{AccountId, Id};
use crate::vault::Vault;

/// The most entries of one page. Whoever asks for more gets so many.
pub const MAX_RESULTS: usize = 1_000;
/// So many people are judged between two looks at the clock.
const AT_A_TIME: usize = 500;

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sought {
    /// Who may do it.
    Subject,
    /// With what it may be done.
    Resource,
    /// What may be done.
    Action,
}

/// `page` of a search.
#[derive(Debug, Default, Deserialize)]
struct WantedPage {
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    limit: Option<u64>,
    #[serde(default, rename = "properties")]
    _properties: Map<String, Value>,
}

/// A body in which every field that matters stands once: of two the one would be read here, the other elsewhere.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Once {
    #[serde(rename = "subject")]
    _subject: Option<OnceIn>,
    #[serde(rename = "action")]
    _action: IgnoredAny,
    #[serde(rename = "resource")]
    _resource: Option<OnceIn>,
    #[serde(rename = "context")]
    _context: IgnoredAny,
    #[serde(rename = "page")]
    _page: IgnoredAny,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OnceIn {
    #[serde(rename = "type")]
    _type: IgnoredAny,
    #[serde(rename = "id")]
    _id: IgnoredAny,
    #[serde(rename = "properties")]
    _properties: IgnoredAny,
}

/// One search.
#[derive(Debug)]
pub struct Search {
    sought: Sought,
    /// The question, in which what is looked for has an empty name.
    question: Value,
    page: Option<WantedPage>,
}

/// What a search found, and how it goes on.
#[derive(Debug)]
pub enum Found {
    /// Accounts, which have to be named yet.
    Subjects(Page<AccountId>),
    /// Names of records or actions.
    Names(Page<String>),
}

impl Search {
    /// Reads a search.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the body is not JSON, lacks something, or has a value of the wrong type.
    pub fn parse(sought: Sought, body: &[u8]) -> Result<Self> {
        authzen::object(body)?;
        let unreadable = |cause| authzen::unreadable(&cause);
        serde_json::from_slice::<Once>(body).map_err(unreadable)?;
        let mut fields: Map<String, Value> = serde_json::from_slice(body).map_err(unreadable)?;
        let page = fields.remove("page").filter(|page| !page.is_null()).map(read_page).transpose()?;
        match sought {
            Sought::Subject => unnamed(&mut fields, "subject"),
            Sought::Resource => unnamed(&mut fields, "resource"),
            Sought::Action => drop(fields.insert("action".to_owned(), json!({ "name": "" }))),
        }
        let search = Self { sought, question: Value::Object(fields), page };
        search.asked()?.complete()?;
        Ok(search)
    }

    fn asked(&self) -> Result<Asked<'_>> {
        Asked::deserialize(&self.question)
            .map_err(|_| Error::field("body", "lacks something it needs, or has a value of the wrong type"))
    }

    /// The revision that the caller wants to see at least (`context.min_revision`).
    pub fn min_revision(&self) -> Option<u64> {
        self.question.pointer("/context/min_revision")?.as_u64()
    }

    /// The type that results have: the one that was asked for. Actions have none.
    pub fn kind(&self) -> Option<&str> {
        let place = match self.sought {
            Sought::Subject => "/subject/type",
            Sought::Resource => "/resource/type",
            Sought::Action => return None,
        };
        self.question.pointer(place)?.as_str()
    }

    /// Whether the answer says how the search goes on: if the caller pages, or there is more.
    pub fn is_paged(&self) -> bool {
        self.page.is_some()
    }

    /// A digest of everything that has to be the same on the next page: who asks, for what, by which question.
    ///
    /// # Errors
    /// [`Error::Internal`] if the question cannot be written, which no question that was read can cause.
    pub fn digest(&self, caller: &str) -> Result<String> {
        let all = json!({ "caller": caller, "sought": self.sought, "question": self.question });
        let text = serde_json_canonicalizer::to_vec(&all)
            .map_err(|cause| Error::internal("writing a search", cause))?;
        Ok(hex::encode(digest(&SHA256, &text)))
    }

    /// Where the wanted page begins and how long it is: as its token says, or at the beginning.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a limit of nought, and for a token that is not of this search.
    pub(super) fn place(&self, vault: &Vault, now: Timestamp, digest: &str) -> Result<Place> {
        let (token, limit) =
            self.page.as_ref().map_or((None, None), |page| (page.token.as_deref(), page.limit));
        let mut place = match token.filter(|token| !token.is_empty()) {
            Some(token) => Place::of(token, vault, now, digest)?,
            None => Place { after: String::new(), limit: MAX_RESULTS },
        };
        match limit {
            Some(0) => return Err(Error::field("page.limit", "must be at least 1")),
            Some(limit) => place.limit = usize::try_from(limit).unwrap_or(MAX_RESULTS).min(MAX_RESULTS),
            None => {}
        }
        Ok(place)
    }

    /// Looks for everything that the question is true of, from behind a place, until the page is full or it is late: a
    /// condition may take its time, and there may be many people.
    ///
    /// # Errors
    /// None once it was read.
    pub(super) fn run(
        &self,
        (snapshot, now, freshness): (&Snapshot, Timestamp, Freshness),
        asker: Asker<'_>,
        place: &Place,
        is_late: impl Fn() -> bool,
    ) -> Result<Found> {
        let asked = self.asked()?;
        let complete = asked.complete()?;
        let question = complete.question(asker);
        let after = Some(place.after.as_str()).filter(|after| !after.is_empty());
        Ok(match self.sought {
            Sought::Subject => {
                let mut found = Page { items: Vec::new(), next: after.and_then(AccountId::parse) };
                loop {
                    let bounds = (place.limit - found.items.len(), AT_A_TIME);
                    let after = found.next.as_ref();
                    let part = snapshot.search_some_subjects(now, freshness, &question, after, bounds);
                    found.items.extend(part.items);
                    found.next = part.next;
                    if found.next.is_none() || found.items.len() >= place.limit || is_late() {
                        break Found::Subjects(found);
                    }
                }
            }
            Sought::Resource => {
                Found::Names(snapshot.search_resources(now, freshness, &question, after, place.limit))
            }
            Sought::Action => {
                Found::Names(snapshot.search_actions(now, freshness, &question, after, place.limit))
            }
        })
    }
}

impl Found {
    /// Behind which entry the next page begins.
    pub fn next(&self) -> Option<&str> {
        match self {
            Self::Subjects(page) => page.next.as_ref().map(Id::as_str),
            Self::Names(page) => page.next.as_deref(),
        }
    }
}

fn read_page(page: Value) -> Result<WantedPage> {
    // A list would be taken for the fields in their order.
    let page = if page.is_object() { serde_json::from_value(page).ok() } else { None };
    let shape = "must be an object: token a text, limit a whole number, properties an object";
    page.ok_or_else(|| Error::field("page", shape))
}

/// What is looked for has no name, whatever it says.
fn unnamed(fields: &mut Map<String, Value>, entity: &str) {
    if let Some(Value::Object(entity)) = fields.get_mut(entity) {
        entity.insert("id".to_owned(), json!(""));
    }
}
