//! Questions and answers as the OpenID AuthZEN Authorization API 1.0 has them.
//!
//! Rules: what is missing or of the wrong type is refused; unknown fields are ignored; a denial is an answer, not an
//! error; in a batch defaults replace whole entities, and an item that stays incomplete is answered with false and the
//! error beside it. Pure.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};

use super::{Decision, Explanation, Question};
use crate::error::{Error, Result};
use crate::vault::fold;

/// The most questions that one batch may carry.
pub const MAX_QUESTIONS: usize = 1_000;
/// The largest body, in bytes.
pub const MAX_BODY: usize = 1024 * 1024;
/// How deep objects and lists may stand in one another.
pub const MAX_DEPTH: usize = 32;

type Properties = Map<String, Value>;

/// `subject` and `resource`.
#[derive(Debug, Clone, Deserialize)]
pub struct Entity<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(default, deserialize_with = "object_or_nothing")]
    properties: Option<Value>,
}

/// `action`.
#[derive(Debug, Clone, Deserialize)]
pub struct Action<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(default, deserialize_with = "object_or_nothing")]
    properties: Option<Value>,
}

/// One question, or the defaults of a batch: everything may be missing until it is asked.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Asked<'a> {
    #[serde(borrow, default, deserialize_with = "entity")]
    subject: Option<Entity<'a>>,
    #[serde(borrow, default, deserialize_with = "entity")]
    action: Option<Action<'a>>,
    #[serde(borrow, default, deserialize_with = "entity")]
    resource: Option<Entity<'a>>,
    #[serde(default, deserialize_with = "object_or_nothing")]
    context: Option<Value>,
}

/// How a batch goes on after an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Semantic {
    /// Every question is answered.
    #[default]
    ExecuteAll,
    /// The first denial is the last answer.
    DenyOnFirstDeny,
    /// The first permit is the last answer.
    PermitOnFirstPermit,
}

#[derive(Debug, Default, Deserialize)]
struct Options {
    #[serde(default)]
    evaluations_semantic: Semantic,
}

/// The body of `/access/v1/evaluations`.
#[derive(Debug, Deserialize)]
pub struct Batch<'a> {
    #[serde(borrow, default, deserialize_with = "entity")]
    subject: Option<Entity<'a>>,
    #[serde(borrow, default, deserialize_with = "entity")]
    action: Option<Action<'a>>,
    #[serde(borrow, default, deserialize_with = "entity")]
    resource: Option<Entity<'a>>,
    #[serde(default, deserialize_with = "object_or_nothing")]
    context: Option<Value>,
    #[serde(borrow, default)]
    evaluations: Vec<Asked<'a>>,
    #[serde(default)]
    options: Options,
}

/// Properties and context are objects; null is not one.
fn object_or_nothing<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<Value>, D::Error> {
    Properties::deserialize(deserializer).map(|object| Some(Value::Object(object)))
}

/// Subject, action and resource are objects: serde would take a list for their fields in order. Null is as nothing.
fn entity<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<T>, D::Error> {
    struct Object<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
        type Value = Option<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> std::result::Result<Self::Value, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map)).map(Some)
        }

        fn visit_unit<E: serde::de::Error>(self) -> std::result::Result<Self::Value, E> {
            Ok(None)
        }
    }
    deserializer.deserialize_any(Object(PhantomData))
}

/// Who asks: what the question means depends on the key.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asker<'a> {
    /// The application that the caller's key is bound to.
    pub application: Option<&'a str>,
    /// What the key may assert in properties and context.
    pub asserts: Option<&'a [String]>,
}

/// A complete question, still in the caller's words.
#[derive(Debug)]
pub struct Complete<'a> {
    subject: &'a Entity<'a>,
    name: Cow<'a, str>,
    action: &'a Action<'a>,
    resource: &'a Entity<'a>,
    context: Option<&'a Value>,
}

impl Complete<'_> {
    /// The question as the index takes it.
    pub fn question<'q>(&'q self, asker: Asker<'q>) -> Question<'q> {
        Question {
            subject_type: &self.subject.kind,
            subject: &self.name,
            subject_properties: self.subject.properties.as_ref(),
            application: asker.application,
            resource_type: &self.resource.kind,
            resource: &self.resource.id,
            action: &self.action.name,
            action_properties: self.action.properties.as_ref(),
            properties: self.resource.properties.as_ref(),
            context: self.context,
            asserts: asker.asserts,
        }
    }

    /// The revision that the caller wants to see at least (`context.min_revision`).
    pub fn min_revision(&self) -> Option<u64> {
        self.context?.get("min_revision")?.as_u64()
    }

    /// Whether the caller wants to know why (`context.explain`).
    pub fn wants_reason(&self) -> bool {
        self.wants("explain")
    }

    /// Whether the caller will tell how much was retrieved, and wants the permit's name for it (`context.usage`).
    pub fn wants_name(&self) -> bool {
        self.wants("usage")
    }

    fn wants(&self, what: &str) -> bool {
        self.context.and_then(|context| context.get(what)).and_then(Value::as_bool).unwrap_or_default()
    }
}

impl<'a> Asked<'a> {
    /// Reads one question.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the body is not JSON or not a question.
    pub fn parse(body: &'a [u8]) -> Result<Self> {
        object(body)?;
        serde_json::from_slice(body).map_err(|cause| unreadable(&cause))
    }

    /// The question with everything it needs.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming what is missing.
    pub fn complete(&self) -> Result<Complete<'_>> {
        complete(self, self)
    }
}

impl<'a> Batch<'a> {
    /// Reads a batch.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the body is not JSON, not a batch, or has too many questions.
    pub fn parse(body: &'a [u8]) -> Result<Self> {
        object(body)?;
        let batch: Self = serde_json::from_slice(body).map_err(|cause| unreadable(&cause))?;
        if batch.evaluations.len() > MAX_QUESTIONS {
            return Err(Error::field("evaluations", format!("has {MAX_QUESTIONS} entries at most")));
        }
        Ok(batch)
    }

    /// How the batch goes on after an answer.
    pub fn semantic(&self) -> Semantic {
        self.options.evaluations_semantic
    }

    /// The defaults and the questions. Without questions the defaults are the one that is asked.
    pub fn into_parts(self) -> (Asked<'a>, Vec<Asked<'a>>) {
        let Self { subject, action, resource, context, evaluations, .. } = self;
        (Asked { subject, action, resource, context }, evaluations)
    }
}

/// Refuses what is no object, which serde would take for the fields in their order if it is a list, and what is deeper
/// than anybody needs.
pub(super) fn object(body: &[u8]) -> Result<()> {
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(Error::field("body", "must be a JSON object"));
    }
    if is_deep(body) {
        return Err(Error::field("body", format!("has more than {MAX_DEPTH} levels of objects and lists")));
    }
    Ok(())
}

/// Whether objects and lists stand too deep in one another. What is not JSON is judged by whoever reads it.
fn is_deep(body: &[u8]) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    body.iter().any(|byte| {
        match byte {
            b'"' if !escaped => in_text = !in_text,
            b'{' | b'[' if !in_text => depth += 1,
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        escaped = in_text && *byte == b'\\' && !escaped;
        depth > MAX_DEPTH
    })
}

/// A question, with the defaults of its batch in the place of what it leaves out.
///
/// # Errors
/// [`Error::Invalid`] naming what is missing.
pub fn complete<'a>(asked: &'a Asked<'a>, defaults: &'a Asked<'a>) -> Result<Complete<'a>> {
    let missing = |field: &'static str| Error::field(field, "is missing");
    let subject = asked.subject.as_ref().or(defaults.subject.as_ref()).ok_or_else(|| missing("subject"))?;
    Ok(Complete {
        name: folded(&subject.id),
        subject,
        action: asked.action.as_ref().or(defaults.action.as_ref()).ok_or_else(|| missing("action"))?,
        resource: asked
            .resource
            .as_ref()
            .or(defaults.resource.as_ref())
            .ok_or_else(|| missing("resource"))?,
        context: asked.context.as_ref().or(defaults.context.as_ref()),
    })
}

/// A name in the spelling of the index. Nearly every name is in it already, and costs nothing then.
fn folded(name: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_graphic() && !byte.is_ascii_uppercase();
    if name.bytes().all(plain) { Cow::Borrowed(name) } else { Cow::Owned(fold(name)) }
}

/// What serde complains about, without any value: it may be personal.
pub(super) fn unreadable(cause: &serde_json::Error) -> Error {
    let what = if cause.is_data() {
        "lacks something it needs, or has a value of the wrong type"
    } else {
        "is not JSON"
    };
    Error::field("body", format!("{what}, at line {}, column {}", cause.line(), cause.column()))
}

/// The answer to one question; why it is so only for whoever may know it and asked, the name of a permit only for
/// whoever asked for it.
pub fn answer(decision: &Decision, explained: Option<&Explanation>, name: Option<&str>) -> Value {
    let mut context = Properties::new();
    if let Some(explained) = explained {
        let grants: Vec<_> = decision.grants().collect();
        context.insert("reason".to_owned(), json!(decision.reason));
        context.insert("revision".to_owned(), json!(decision.revision));
        context.insert("grants".to_owned(), json!(grants));
        // A decision that could not be recorded is denied for that, whatever led to it.
        if explained.reason == decision.reason {
            context.insert("explanation".to_owned(), json!(explained));
        }
    }
    if let Some(name) = name.filter(|_| decision.permit()) {
        context.insert("evaluation".to_owned(), json!(name));
    }
    if context.is_empty() {
        return json!({ "decision": decision.permit() });
    }
    json!({ "decision": decision.permit(), "context": context })
}

/// The answer to a question of a batch that stayed incomplete.
pub fn fault(error: &Error) -> Value {
    json!({ "decision": false, "context": { "error": { "status": 400, "message": error.to_string() } } })
}

/// The metadata of `/.well-known/authzen-configuration` for the house at this URL.
pub fn metadata(public_url: &str) -> Value {
    json!({
        "policy_decision_point": public_url,
        "access_evaluation_endpoint": format!("{public_url}/access/v1/evaluation"),
        "access_evaluations_endpoint": format!("{public_url}/access/v1/evaluations"),
        "search_subject_endpoint": format!("{public_url}/access/v1/search/subject"),
        "search_resource_endpoint": format!("{public_url}/access/v1/search/resource"),
        "search_action_endpoint": format!("{public_url}/access/v1/search/action"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"{"subject":{"type":"user","id":"Ada"},"action":{"name":"read"},
        "resource":{"type":"order","id":"1","properties":{"x":1}},"context":{"min_revision":7},"more":[1]}"#;

    #[test]
    fn a_whole_question_is_read_and_unknown_fields_are_ignored() {
        let asked = Asked::parse(WHOLE.as_bytes()).unwrap();
        let complete = asked.complete().unwrap();
        let question = complete.question(Asker { application: Some("orders"), asserts: None });
        assert_eq!((question.subject, question.action, question.resource_type), ("ada", "read", "order"));
        assert_eq!(complete.min_revision(), Some(7));
        assert!(!complete.wants_reason());
    }

    #[test]
    fn what_is_missing_or_of_the_wrong_type_is_refused() {
        let whole: Value = serde_json::from_str(WHOLE).unwrap();
        for path in [
            "/subject",
            "/action",
            "/resource",
            "/subject/id",
            "/subject/type",
            "/action/name",
            "/resource/id",
        ] {
            let (parent, key) = path.rsplit_once('/').unwrap();
            for wrong in [None, Some(json!(5)), Some(json!(null))] {
                let mut body = whole.clone();
                let object = body.pointer_mut(parent).unwrap().as_object_mut().unwrap();
                match &wrong {
                    None => object.remove(key),
                    Some(value) => object.insert(key.to_owned(), value.clone()),
                };
                let text = body.to_string();
                let refused =
                    Asked::parse(text.as_bytes()).and_then(|asked| asked.complete().map(drop)).is_err();
                assert!(refused, "{path} {wrong:?}");
            }
        }
        for wrong in ["", "[]", "{", r#"{"subject":{"type":"user","id":"a","properties":3}}"#] {
            assert!(Asked::parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn defaults_replace_whole_entities() {
        let body = r#"{"subject":{"type":"user","id":"a","properties":{"p":1}},"action":{"name":"read"},
            "evaluations":[{},{"subject":{"type":"user","id":"b"}}]}"#;
        let (defaults, questions) = Batch::parse(body.as_bytes()).unwrap().into_parts();
        assert!(complete(&questions[0], &defaults).unwrap_err().to_string().contains("resource"));
        let resource = Asked::parse(br#"{"resource":{"type":"t","id":"1"}}"#).unwrap().resource;
        let defaults = Asked { resource, ..defaults };
        assert_eq!(complete(&questions[0], &defaults).unwrap().name, "a");
        let second = complete(&questions[1], &defaults).unwrap();
        assert_eq!((second.name.as_ref(), second.subject.properties.as_ref()), ("b", None));
    }
}
