//! How one's own sign-in looks in JSON.

use serde::Serialize;
use utoipa::ToSchema;

use super::super::State;
use super::super::sessions::Session;
use crate::accounts::{self, Kind, Named};
use crate::clock::Timestamp;
use crate::ids::{AccountId, SessionId, WorkstationId};

/// The answer to a step of a sign-in or an enrolment.
#[derive(Serialize, ToSchema)]
pub struct StepView {
    /// What comes next.
    pub state: State,
    /// Codes to sign in with when the authenticator is lost; shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovery_codes: Option<Vec<String>>,
}

/// The session behind the cookie.
#[derive(Serialize, ToSchema)]
pub struct SessionView {
    id: SessionId,
    state: State,
    account: AccountId,
    created_at: Timestamp,
    #[schema(required)]
    proved_at: Option<Timestamp>,
    ends_at: Timestamp,
    idle_seconds: i64,
    /// The shared workstation where it was begun; null elsewhere.
    #[schema(required)]
    workstation: Option<WorkstationId>,
}

impl SessionView {
    /// The session, and what comes next in it.
    pub fn of(session: Session, state: State) -> Self {
        Self {
            id: session.id,
            state,
            account: session.account,
            created_at: session.created_at,
            proved_at: session.proved_at,
            ends_at: session.ends_at,
            idle_seconds: session.idle.num_seconds(),
            workstation: session.workstation,
        }
    }
}

/// How long the session behind the cookie lives on.
#[derive(Serialize, ToSchema)]
pub struct RemainingView {
    /// So many seconds, unless something is asked in it before; none where there is no session.
    #[schema(minimum = 0)]
    pub seconds: i64,
}

/// So many seconds, none of them cut short.
pub fn whole_seconds(span: chrono::Duration) -> i64 {
    (span.num_milliseconds() + 999) / 1_000
}

/// Who one is.
#[derive(Serialize, ToSchema)]
pub struct Me {
    id: AccountId,
    kind: Kind,
    state: accounts::State,
    username: String,
    #[schema(required)]
    given_name: Option<String>,
    #[schema(required)]
    family_name: Option<String>,
    #[schema(required)]
    email: Option<String>,
    #[schema(required)]
    employee_id: Option<String>,
    #[schema(required)]
    department: Option<String>,
    #[schema(required)]
    job_title: Option<String>,
    #[schema(required)]
    manager: Option<AccountId>,
    #[schema(required)]
    time_zone: Option<String>,
    #[schema(required)]
    starts_at: Option<Timestamp>,
    #[schema(required)]
    ends_at: Option<Timestamp>,
    #[schema(required)]
    proved_at: Option<Timestamp>,
    revision: u64,
}

impl Me {
    /// An account as its holder sees it.
    pub fn of(named: Named, proved_at: Option<Timestamp>, now: Timestamp) -> Self {
        let Named { account, details } = named;
        Self {
            state: account.status_at(now).state,
            id: account.id,
            kind: account.kind,
            username: details.username,
            given_name: details.given_name,
            family_name: details.family_name,
            email: details.email,
            employee_id: details.employee_id,
            department: details.department,
            job_title: details.job_title,
            manager: account.manager,
            time_zone: account.time_zone,
            starts_at: account.starts_at,
            ends_at: account.ends_at,
            proved_at,
            revision: account.revision,
        }
    }
}
