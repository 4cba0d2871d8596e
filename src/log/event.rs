//! Everything that can be recorded, and the form in which it is kept.
//!
//! An event's text is canonical JSON (RFC 8785), the version included; its leaf is SHA-256(0x00 ‖ text) as RFC 6962
//! §2.1 hashes a leaf. May call: nothing but the types of ids, time and caller.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::caller::Actor;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::ids::{
    AccountId, AlarmId, AttestationId, CampaignId, CaseId, ExceptionId, GrantId, HandoverId, HoldingId,
    ItemId, KeyId, KillSwitchId, OwnDecisionId, PasskeyId, ProposalId, RequestId, SessionId, TaskId, TextId,
    WorkstationId,
};

/// The version of the event's form; part of what is hashed.
pub const VERSION: u32 = 1;

/// The digest of a governed row as a change left it: `log verify` compares it with the table.
#[derive(Debug, Clone, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = RowDigest)]
pub struct Row {
    /// The table.
    pub table: String,
    /// The row's primary key.
    pub id: String,
    /// SHA-256 over the canonical JSON of the row's governed columns, as hex.
    pub digest: String,
    /// That JSON. It stands in the row's history and not in the event, and is empty where an event was read back.
    #[serde(skip)]
    text: String,
}

impl PartialEq for Row {
    /// The digest stands for the text.
    fn eq(&self, other: &Self) -> bool {
        (&self.table, &self.id, &self.digest) == (&other.table, &other.id, &other.digest)
    }
}

impl Row {
    /// The digest of a row, from its governed columns.
    ///
    /// # Errors
    /// [`Error::Internal`] if the columns cannot be written as JSON.
    pub fn of(table: &str, id: &str, governed: &impl Serialize) -> Result<Self> {
        let text = serde_json_canonicalizer::to_string(governed)
            .map_err(|cause| Error::internal("hashing a row", cause))?;
        Ok(Self { table: table.to_owned(), id: id.to_owned(), digest: Self::digest_of(&text), text })
    }

    /// The digest of governed columns as canonical JSON.
    pub fn digest_of(text: &str) -> String {
        hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()))
    }

    /// The governed columns as canonical JSON; empty where an event was read back.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// What changed. The variant's name in snake_case is the event's kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are ids and words that name themselves")]
#[serde(tag = "kind", content = "data", rename_all = "snake_case")]
pub enum Change {
    /// The house started: the version that runs from here on.
    HouseStarted { version: String },
    /// A setting of the organisation changed: its name; values that are not personal may stand here.
    SettingChanged { name: String, value: Option<String> },
    /// An account began.
    AccountCreated { account: AccountId, account_kind: String, source: String },
    /// Fields of an account changed, by name; managers before and after if that was one of them; the reason that
    /// somebody typed is a sealed text.
    AccountChanged {
        account: AccountId,
        fields: Vec<String>,
        manager_before: Option<AccountId>,
        manager_after: Option<AccountId>,
        reason: Option<TextId>,
    },
    /// A person or service changed state; the cause is a word of ours, the reason that somebody typed a sealed text.
    AccountStateChanged {
        account: AccountId,
        from: String,
        to: String,
        cause: String,
        reason: Option<TextId>,
    },
    /// A file of people was read to its end.
    PeopleImported { source: String, digest: String, added: u64, changed: u64, unchanged: u64, refused: u64 },
    /// A system's list of who has access there was read to its end.
    GrantsImported {
        system: String,
        digest: String,
        matched: u64,
        known: u64,
        orphans: u64,
        unchanged: u64,
        refused: u64,
        drift: u64,
        confirmed: u64,
        gone: u64,
    },
    /// Another system says that somebody has a role there; the grant if it belongs to one.
    HoldingFound {
        holding: HoldingId,
        system: String,
        account: Option<AccountId>,
        grant: Option<GrantId>,
        drift: bool,
    },
    /// What to do with access of nobody known was decided.
    HoldingSettled { holding: HoldingId, account: Option<AccountId>, outcome: String },
    /// Another system does not say any more that somebody has a role there.
    HoldingGone { holding: HoldingId, system: String, account: Option<AccountId>, how: String },
    /// Somebody has to take access away by hand.
    TaskOpened {
        task: TaskId,
        system: String,
        account: Option<AccountId>,
        assignee: AccountId,
        due_at: Timestamp,
        origin: String,
    },
    /// A task by hand went to another person; the reason that somebody typed is a sealed text.
    TaskHandedOver { task: TaskId, account: Option<AccountId>, assignee: AccountId, reason: Option<TextId> },
    /// Somebody said that a task by hand is done; the proof is a sealed text.
    TaskDone { task: TaskId, account: Option<AccountId>, proof: TextId },
    /// What a task by hand was to take away was seen to be gone.
    TaskVerified { task: TaskId, account: Option<AccountId>, by: String },
    /// What a task by hand was to take away is still there.
    TaskReopened { task: TaskId, account: Option<AccountId>, cause: String },
    /// A task by hand has nothing left to take away.
    TaskWithdrawn { task: TaskId, account: Option<AccountId> },
    /// Somebody is to get a one-time link by mail; it is made when the mail is sent.
    LinkDue { account: AccountId, purpose: String },
    /// A one-time link was made; the token itself is nowhere.
    LinkIssued { account: Option<AccountId>, purpose: String, expires_at: Timestamp },
    /// A one-time link was used.
    LinkUsed { account: Option<AccountId>, purpose: String },
    /// A way back in is handed over in person, or waits for a second person; how the person was recognised is a sealed
    /// text.
    HandoverChanged { handover: HandoverId, account: AccountId, what: String, state: String, words: TextId },
    /// A password was set.
    PasswordSet { account: AccountId },
    /// Password sign-in was locked after failures in a row; the account if the name is known, else a keyed hash.
    /// Without an end it holds until a person or a mailed link opens it.
    PasswordLocked { account: Option<AccountId>, trace: String, until: Option<Timestamp> },
    /// Password sign-in was unlocked by somebody before its time.
    PasswordUnlocked { account: AccountId },
    /// A second factor was locked after wrong codes in a row.
    FactorLocked { account: AccountId, factor: String, until: Option<Timestamp> },
    /// A second factor was enrolled.
    FactorEnrolled { account: AccountId, factor: String },
    /// A second factor was removed or reset.
    FactorRemoved { account: AccountId, factor: String },
    /// A passkey was added, renamed or removed, or refused because its counter went back.
    PasskeyChanged { account: AccountId, passkey: PasskeyId, what: String },
    /// Somebody signed in completely.
    SessionStarted { account: AccountId, session: SessionId, methods: Vec<String> },
    /// Somebody signed in completely in a browser that was not known as theirs, and is from now on.
    DeviceRemembered { account: AccountId },
    /// Somebody signed in completely on a shared workstation on which they had not been lately.
    WorkstationEntered { account: AccountId, workstation: WorkstationId },
    /// A shared workstation was registered, renamed, put in use by a browser or ended, or another code made for it.
    WorkstationChanged { workstation: WorkstationId, what: String },
    /// A session ended.
    SessionEnded { account: AccountId, session: SessionId, cause: String },
    /// A subject of an identity provider was linked to an account: by an invitation, an address, or with its creation.
    IdentityLinked { account: AccountId, provider: String, by: String },
    /// Somebody asked for an account's subject at an identity provider to be taken away; somebody else has to agree.
    IdentityRemovalAsked { account: AccountId, provider: String },
    /// An account's subject at an identity provider was taken away.
    IdentityUnlinked { account: AccountId, provider: String },
    /// A sign-in by an identity provider was refused, once or as often as it says; the cause is a word of ours.
    SsoRefused { account: Option<AccountId>, provider: String, cause: String, times: u64 },
    /// An identity provider began not to answer as it should.
    IdentityProviderFailed { provider: String, cause: String },
    /// A role that a group at an identity provider stands for could not be given, asked for or taken away.
    GroupRoleWithheld { account: AccountId, provider: String, role: String, cause: String },
    /// An API key was issued.
    KeyIssued { account: AccountId, key: KeyId, expires_at: Timestamp },
    /// An API key was revoked.
    KeyRevoked { account: AccountId, key: KeyId, cause: String },
    /// A catalogue was applied: this application, with the digest of its row, and why it might be.
    CatalogueApplied { application: String, digest: String, basis: String },
    /// An application went out of use.
    ApplicationRetired { application: String },
    /// A role was defined or changed.
    RoleDefined { role: String },
    /// A role went out of use.
    RoleRetired { role: String },
    /// A change of catalogues that waits for a second person was made, decided, withdrawn or found no answer; the
    /// digest is that of its files, the note that somebody typed a sealed text.
    ProposalChanged {
        proposal: ProposalId,
        applications: Vec<String>,
        state: String,
        digest: String,
        note: Option<TextId>,
    },
    /// Somebody was seen to have shown something, such as a training; until when it counts, if that was said.
    AttestationGiven {
        attestation: AttestationId,
        account: AccountId,
        attestation_kind: String,
        given_at: Timestamp,
        ends_at: Option<Timestamp>,
    },
    /// An attestation was ended: it had been recorded wrongly, or does not hold any more; the reason is a sealed text.
    AttestationEnded {
        attestation: AttestationId,
        account: AccountId,
        attestation_kind: String,
        reason: TextId,
    },
    /// A person vouches for an identity provider's own rules, until then.
    ProviderAttested { attestation: AttestationId, provider: String, ends_at: Timestamp },
    /// They do not any more; the reason is a sealed text.
    ProviderAttestationEnded { attestation: AttestationId, provider: String, reason: TextId },
    /// A grant began.
    GrantAdded { grant: GrantId, account: AccountId, role: String, source: String },
    /// A grant was confirmed or its end moved.
    GrantKept {
        grant: GrantId,
        account: AccountId,
        role: String,
        expires_at: Option<Timestamp>,
        cause: String,
    },
    /// A grant rests until somebody decides.
    GrantSuspended { grant: GrantId, account: AccountId, role: String, cause: String },
    /// A grant works again.
    GrantResumed { grant: GrantId, account: AccountId, role: String, cause: String },
    /// A grant ended before its time; the reason that somebody typed is a sealed text.
    GrantRevoked { grant: GrantId, account: AccountId, role: String, cause: String, reason: Option<TextId> },
    /// A grant ran out; recorded when it is tidied away, its end was judged at its instant.
    GrantExpired { grant: GrantId, account: AccountId, role: String },
    /// A kill switch was pulled.
    KillSwitchPulled { kill_switch: KillSwitchId, target: String },
    /// A kill switch was lifted.
    KillSwitchLifted { kill_switch: KillSwitchId, target: String },
    /// Access was asked for.
    RequestMade { request: RequestId, account: AccountId, role: String },
    /// One stage of a request was approved.
    RequestApproved { request: RequestId, account: AccountId, role: String, stage: u32, complete: bool },
    /// A request was refused.
    RequestRefused { request: RequestId, account: AccountId, role: String, stage: u32 },
    /// A request was taken back by who asked.
    RequestWithdrawn { request: RequestId, account: AccountId, role: String },
    /// A request found no answer in its time.
    RequestLapsed { request: RequestId, account: AccountId, role: String },
    /// A campaign began; its items are being written.
    CampaignOpened { campaign: CampaignId, origin: String, period: Option<String> },
    /// Every grant of the population, read at that revision, has its item; reviewers may decide.
    CampaignActivated { campaign: CampaignId, population_revision: u64, population: u64, items: u64 },
    /// A campaign moved on.
    CampaignStateChanged { campaign: CampaignId, from: String, to: String },
    /// A campaign is closed; the digest is that of its report.
    CampaignClosed { campaign: CampaignId, state: String, digest: String },
    /// An answer was drafted; it changes nothing yet.
    ItemDrafted { campaign: CampaignId, item: ItemId, draft: Option<String> },
    /// An item was decided.
    ItemDecided {
        campaign: CampaignId,
        item: ItemId,
        grant: GrantId,
        decision: String,
        keep_until: Option<Timestamp>,
    },
    /// An item went to another reviewer.
    ItemReassigned { campaign: CampaignId, item: ItemId, reviewer: Option<AccountId>, authority: String },
    /// An item has nothing left to decide: its grant ended meanwhile.
    ItemSuperseded { campaign: CampaignId, item: ItemId, grant: GrantId },
    /// A decided item was seen to have its effect at this revision.
    ItemVerified { campaign: CampaignId, item: ItemId, verified_revision: u64 },
    /// A leaver was reported.
    LeaverReported { case: CaseId, account: AccountId, effective_at: Timestamp, source: String },
    /// A leaver's case moved on.
    LeaverStateChanged { case: CaseId, account: AccountId, from: String, to: String },
    /// One step of a leaver's case changed.
    LeaverStepChanged { case: CaseId, account: AccountId, step: String, target: String, state: String },
    /// An alarm was raised.
    AlarmRaised { alarm: AlarmId, account: Option<AccountId>, rule: String, severity: String },
    /// What raised an open alarm was seen again: so often by now.
    AlarmSeenAgain { alarm: AlarmId, account: Option<AccountId>, rule: String, sightings: u64 },
    /// So many people were told of an alarm.
    AlarmTold { alarm: AlarmId, account: Option<AccountId>, rule: String, people: u64 },
    /// Somebody took an alarm on, or closed it; the finding that they typed is a sealed text.
    AlarmStateChanged {
        alarm: AlarmId,
        account: Option<AccountId>,
        rule: String,
        from: String,
        to: String,
        finding: Option<TextId>,
    },
    /// An exception from a rule began, was approved or ended.
    ExceptionChanged {
        exception: ExceptionId,
        account: AccountId,
        exception_kind: String,
        what: String,
        state: String,
        ends_at: Timestamp,
    },
    /// Somebody decided about themselves, somebody objected, or the decision took effect; what who objected typed is
    /// a sealed text.
    OwnDecisionChanged {
        own_decision: OwnDecisionId,
        account: AccountId,
        matter: String,
        role: String,
        state: String,
        text: Option<TextId>,
    },
    /// The log's integrity was checked; `against` is the size of a checkpoint kept elsewhere that it was held against.
    LogVerified {
        size: u64,
        complete: bool,
        differences: u64,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        against: Option<u64>,
    },
    /// A day of the log `access` is over: how many records it has and the root of its tree, as hex.
    AccessDayClosed { day: String, size: u64, root: String },
    /// Personal data was unsealed for a purpose beyond a page's ordinary view.
    DataExported { what: String, rows: u64 },
}

impl Change {
    /// The account that this change is about, if it is about one.
    pub fn subject(&self) -> Option<&AccountId> {
        use Change as C;
        match self {
            C::AccountCreated { account, .. }
            | C::AttestationGiven { account, .. }
            | C::AttestationEnded { account, .. }
            | C::AccountChanged { account, .. }
            | C::AccountStateChanged { account, .. }
            | C::HandoverChanged { account, .. }
            | C::LinkDue { account, .. }
            | C::PasswordSet { account }
            | C::PasswordUnlocked { account }
            | C::FactorLocked { account, .. }
            | C::FactorEnrolled { account, .. }
            | C::FactorRemoved { account, .. }
            | C::PasskeyChanged { account, .. }
            | C::SessionStarted { account, .. }
            | C::DeviceRemembered { account }
            | C::SessionEnded { account, .. }
            | C::WorkstationEntered { account, .. }
            | C::IdentityLinked { account, .. }
            | C::IdentityRemovalAsked { account, .. }
            | C::IdentityUnlinked { account, .. }
            | C::GroupRoleWithheld { account, .. }
            | C::KeyIssued { account, .. }
            | C::KeyRevoked { account, .. }
            | C::GrantAdded { account, .. }
            | C::GrantKept { account, .. }
            | C::GrantSuspended { account, .. }
            | C::GrantResumed { account, .. }
            | C::GrantRevoked { account, .. }
            | C::GrantExpired { account, .. }
            | C::RequestMade { account, .. }
            | C::RequestApproved { account, .. }
            | C::RequestRefused { account, .. }
            | C::RequestWithdrawn { account, .. }
            | C::RequestLapsed { account, .. }
            | C::ExceptionChanged { account, .. }
            | C::OwnDecisionChanged { account, .. }
            | C::LeaverReported { account, .. }
            | C::LeaverStateChanged { account, .. }
            | C::LeaverStepChanged { account, .. } => Some(account),
            C::AlarmRaised { account, .. }
            | C::AlarmSeenAgain { account, .. }
            | C::AlarmTold { account, .. }
            | C::AlarmStateChanged { account, .. }
            | C::LinkIssued { account, .. }
            | C::LinkUsed { account, .. }
            | C::PasswordLocked { account, .. }
            | C::SsoRefused { account, .. }
            | C::HoldingFound { account, .. }
            | C::HoldingSettled { account, .. }
            | C::HoldingGone { account, .. }
            | C::TaskOpened { account, .. }
            | C::TaskHandedOver { account, .. }
            | C::TaskDone { account, .. }
            | C::TaskVerified { account, .. }
            | C::TaskReopened { account, .. }
            | C::TaskWithdrawn { account, .. } => account.as_ref(),
            _ => None,
        }
    }
}

/// An event as it is kept and hashed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The version of this form.
    pub version: u32,
    /// Its number, from 1, without gaps: the revision of the change.
    pub number: u64,
    /// When, by the clock of the node that wrote it, after it had the log's lock.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// The account it is about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subject: Option<AccountId>,
    /// What.
    #[serde(flatten)]
    pub change: Change,
    /// The governed rows it changed, as it left them.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub rows: Vec<Row>,
}

impl Event {
    /// The event's kind: the change's name in snake_case.
    pub fn kind(&self) -> String {
        match serde_json::to_value(&self.change) {
            Ok(Value::Object(map)) => map.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned(),
            _ => String::new(),
        }
    }

    /// The canonical text that is stored and hashed.
    ///
    /// # Errors
    /// [`Error::Internal`] if the event cannot be written as JSON.
    pub fn text(&self) -> Result<String> {
        serde_json_canonicalizer::to_string(self).map_err(|cause| Error::internal("writing an event", cause))
    }
}
