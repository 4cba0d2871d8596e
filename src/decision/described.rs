//! How questions and answers are described to callers, in the terms of the OpenID AuthZEN Authorization API 1.0.
//!
//! What is read and written stands in `authzen`; `tests/it/openapi.rs` holds both together. Unknown fields are ignored
//! there, as the standard wants it, so nothing here refuses them.

use serde::Serialize;
use utoipa::ToSchema;

use super::authzen::{MAX_QUESTIONS, Semantic};

/// Who is asked about: any name of the subject, and what the caller knows of it.
#[derive(Serialize, ToSchema)]
pub struct Subject {
    /// `user`, `service`, or what the catalogue declares.
    #[serde(rename = "type")]
    pub kind: String,
    /// An account's id, a username, an external id.
    pub id: String,
    /// What the caller asserts.
    #[schema(value_type = Object, required = false)]
    pub properties: serde_json::Value,
}

/// What is to be done.
#[derive(Serialize, ToSchema)]
pub struct Action {
    /// An action of the feature.
    pub name: String,
    /// What the caller asserts.
    #[schema(value_type = Object, required = false)]
    pub properties: serde_json::Value,
}

/// With what it is to be done.
#[derive(Serialize, ToSchema)]
pub struct Resource {
    /// A feature of the key's application, or `application/feature`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The record, opaque.
    pub id: String,
    /// What the caller asserts.
    #[schema(value_type = Object, required = false)]
    pub properties: serde_json::Value,
}

/// One question.
#[derive(Serialize, ToSchema)]
pub struct Question {
    /// Who.
    pub subject: Subject,
    /// What.
    pub action: Action,
    /// With what.
    pub resource: Resource,
    /// `purpose`, `explain`, `usage`, `min_revision`, `records`, and what conditions read.
    #[schema(value_type = Object, required = false)]
    pub context: serde_json::Value,
}

/// One question of a batch: what it leaves out is taken from the batch.
#[derive(Serialize, ToSchema)]
pub struct PartOfQuestion {
    /// Who.
    #[schema(required = false)]
    pub subject: Subject,
    /// What.
    #[schema(required = false)]
    pub action: Action,
    /// With what.
    #[schema(required = false)]
    pub resource: Resource,
    /// As for one question.
    #[schema(value_type = Object, required = false)]
    pub context: serde_json::Value,
}

/// How a batch goes on after an answer.
#[derive(Serialize, ToSchema)]
pub struct Options {
    /// All of them, or up to the first of a kind.
    #[schema(required = false)]
    pub evaluations_semantic: Semantic,
}

/// Many questions, asked of one state; without `evaluations` the rest is the one question.
#[derive(Serialize, ToSchema)]
pub struct Questions {
    /// Who, for every question that names nobody.
    #[schema(required = false)]
    pub subject: Subject,
    /// What.
    #[schema(required = false)]
    pub action: Action,
    /// With what.
    #[schema(required = false)]
    pub resource: Resource,
    /// As for one question.
    #[schema(value_type = Object, required = false)]
    pub context: serde_json::Value,
    /// The questions.
    #[schema(required = false, max_items = 1000)]
    pub evaluations: Vec<PartOfQuestion>,
    /// How it goes on.
    #[schema(required = false)]
    pub options: Options,
}

const _: () = assert!(MAX_QUESTIONS == 1_000, "the description of a batch says so");

/// What was wrong with a question of a batch.
#[derive(Serialize, ToSchema)]
pub struct Fault {
    /// As HTTP counts.
    pub status: u16,
    /// What is missing.
    pub message: String,
}

/// Why, for whoever may know and asked; or what was wrong.
#[derive(Serialize, ToSchema)]
pub struct Why {
    /// The reason in one word.
    #[schema(required = false)]
    pub reason: String,
    /// The revision that the answer is of.
    #[schema(required = false)]
    pub revision: u64,
    /// The grants that gave the permission.
    #[schema(required = false)]
    pub grants: Vec<String>,
    /// Every way that leads to the permission or stops before it, with what each asks for and was given.
    #[schema(value_type = Object, required = false)]
    pub explanation: serde_json::Value,
    /// The name of the permit, to tell how much was retrieved under it.
    #[schema(required = false)]
    pub evaluation: String,
    /// What was wrong with a question of a batch.
    #[schema(required = false)]
    pub error: Fault,
}

/// The answer to one question.
#[derive(Serialize, ToSchema)]
pub struct Answered {
    /// Whether it is permitted.
    pub decision: bool,
    /// Why, if it was asked for.
    #[schema(required = false)]
    pub context: Why,
}

/// The answers to a batch, in the order of its questions.
#[derive(Serialize, ToSchema)]
pub struct ManyAnswers {
    /// The answers.
    pub evaluations: Vec<Answered>,
}

/// The answers to a batch, or the answer to the one question that it was.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum BatchAnswer {
    /// Many.
    Many(ManyAnswers),
    /// One.
    One(Answered),
}

/// What is looked for: its type says enough. An id is not read.
#[derive(Serialize, ToSchema)]
pub struct SoughtEntity {
    /// As in a question.
    #[serde(rename = "type")]
    pub kind: String,
    /// What the caller asserts.
    #[schema(value_type = Object, required = false)]
    pub properties: serde_json::Value,
}

/// Which part of what was found is wanted.
#[derive(Serialize, ToSchema)]
pub struct WantedPage {
    /// The `next_token` of the page before; it fits the same search for an hour. Left out for the first page.
    #[schema(required = false)]
    pub token: String,
    /// At most so many; 1,000 if it is left out or more than that, or as on the page before.
    #[schema(required = false, minimum = 1)]
    pub limit: u64,
    /// Not read.
    #[schema(value_type = Object, required = false)]
    pub properties: serde_json::Value,
}

/// Who may do this?
#[derive(Serialize, ToSchema)]
pub struct SubjectSearch {
    /// What sort of subject.
    pub subject: SoughtEntity,
    /// What.
    pub action: Action,
    /// With what.
    pub resource: Resource,
    /// As for one question.
    #[schema(value_type = Object, required = false)]
    pub context: serde_json::Value,
    /// Which part of it.
    #[schema(required = false)]
    pub page: WantedPage,
}

/// With which registered records may somebody do this?
#[derive(Serialize, ToSchema)]
pub struct ResourceSearch {
    /// Who.
    pub subject: Subject,
    /// What.
    pub action: Action,
    /// What sort of record.
    pub resource: SoughtEntity,
    /// As for one question.
    #[schema(value_type = Object, required = false)]
    pub context: serde_json::Value,
    /// Which part of it.
    #[schema(required = false)]
    pub page: WantedPage,
}

/// What may somebody do with that?
#[derive(Serialize, ToSchema)]
pub struct ActionSearch {
    /// Who.
    pub subject: Subject,
    /// With what.
    pub resource: Resource,
    /// As for one question.
    #[schema(value_type = Object, required = false)]
    pub context: serde_json::Value,
    /// Which part of it.
    #[schema(required = false)]
    pub page: WantedPage,
}

/// How a search goes on.
#[derive(Serialize, ToSchema)]
pub struct PageFound {
    /// The `token` of the next page; empty at the end.
    pub next_token: String,
    /// How many results this page has: there may be more behind a short one, and behind an empty one.
    pub count: usize,
}

/// A subject or a record.
#[derive(Serialize, ToSchema)]
pub struct FoundEntity {
    /// The type that was asked for.
    #[serde(rename = "type")]
    pub kind: String,
    /// A subject's external id if it has one, else its username; a record's id.
    pub id: String,
}

/// An action.
#[derive(Serialize, ToSchema)]
pub struct FoundAction {
    /// What it is called in a question.
    pub name: String,
}

/// Who, or with what.
#[derive(Serialize, ToSchema)]
pub struct EntitiesFound {
    /// If the caller pages, or there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<PageFound>,
    /// What was found.
    pub results: Vec<FoundEntity>,
}

/// What may be done.
#[derive(Serialize, ToSchema)]
pub struct ActionsFound {
    /// If the caller pages, or there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<PageFound>,
    /// What was found.
    pub results: Vec<FoundAction>,
}

/// Where to ask.
#[derive(Serialize, ToSchema)]
pub struct Metadata {
    /// This house.
    pub policy_decision_point: String,
    /// Where one question is asked.
    pub access_evaluation_endpoint: String,
    /// Where many are.
    pub access_evaluations_endpoint: String,
    /// Where one asks who may.
    pub search_subject_endpoint: String,
    /// Where one asks with what.
    pub search_resource_endpoint: String,
    /// Where one asks what may be done.
    pub search_action_endpoint: String,
}
