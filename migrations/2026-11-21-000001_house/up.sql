-- One schema for both databases: TEXT, BIGINT, INTEGER, BOOLEAN, TIMESTAMP (UTC, microseconds), BYTEA. No defaults that read a clock.

-- ---- the log --------------------------------------------------------------------------------------------------
CREATE TABLE log_head (
  id INTEGER PRIMARY KEY NOT NULL,
  epoch TEXT NOT NULL,
  size BIGINT NOT NULL,
  frontier BYTEA NOT NULL
);
CREATE TABLE change_events (
  number BIGINT PRIMARY KEY NOT NULL,
  at TIMESTAMP NOT NULL,
  kind TEXT NOT NULL,
  actor TEXT NOT NULL,
  subject TEXT,
  body TEXT NOT NULL,
  leaf BYTEA NOT NULL
);
CREATE INDEX change_events_kind ON change_events (kind, number);
CREATE INDEX change_events_subject ON change_events (subject, number);
CREATE INDEX change_events_at ON change_events (at);
CREATE TABLE log_roots (
  level INTEGER NOT NULL,
  position BIGINT NOT NULL,
  hash BYTEA NOT NULL,
  PRIMARY KEY (level, position)
);
CREATE TABLE checkpoints (
  size BIGINT PRIMARY KEY NOT NULL,
  at TIMESTAMP NOT NULL,
  note TEXT NOT NULL
);
CREATE TABLE nodes (
  id TEXT PRIMARY KEY NOT NULL,
  seen_at TIMESTAMP NOT NULL,
  applied BIGINT NOT NULL
);
CREATE TABLE jobs (
  name TEXT PRIMARY KEY NOT NULL,
  due_at TIMESTAMP NOT NULL,
  holder TEXT,
  held_until TIMESTAMP,
  fence BIGINT NOT NULL,
  ran_at TIMESTAMP,
  report TEXT
);

-- ---- the house ------------------------------------------------------------------------------------------------
CREATE TABLE settings (
  name TEXT PRIMARY KEY NOT NULL,
  value TEXT NOT NULL
);
CREATE TABLE vault_keys (
  id INTEGER PRIMARY KEY NOT NULL,
  purpose TEXT NOT NULL,
  wrapped BYTEA NOT NULL,
  created_at TIMESTAMP NOT NULL,
  retired_at TIMESTAMP
);
CREATE TABLE texts (
  id TEXT PRIMARY KEY NOT NULL,
  sealed BYTEA NOT NULL,
  created_at TIMESTAMP NOT NULL
);
CREATE TABLE idempotency (
  digest TEXT PRIMARY KEY NOT NULL,
  body_digest TEXT NOT NULL,
  status INTEGER,
  answer BYTEA,
  at TIMESTAMP NOT NULL
);
CREATE INDEX idempotency_at ON idempotency (at);

-- ---- accounts -------------------------------------------------------------------------------------------------
CREATE TABLE accounts (
  id TEXT PRIMARY KEY NOT NULL,
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  suspended_for TEXT,
  suspended_until TIMESTAMP,
  manager TEXT REFERENCES accounts (id),
  owner TEXT REFERENCES accounts (id),
  department_digest TEXT,
  worker_type TEXT,
  time_zone TEXT,
  starts_at TIMESTAMP,
  ends_at TIMESTAMP,
  enrolled_at TIMESTAMP,
  details BYTEA NOT NULL,
  source TEXT NOT NULL,
  strong_factor BOOLEAN NOT NULL,
  created_at TIMESTAMP NOT NULL,
  changed_at TIMESTAMP NOT NULL,
  revision BIGINT NOT NULL
);
CREATE INDEX accounts_manager ON accounts (manager);
CREATE INDEX accounts_owner ON accounts (owner);
CREATE INDEX accounts_state ON accounts (state, id);
CREATE INDEX accounts_ends_at ON accounts (ends_at);
CREATE INDEX accounts_department_digest ON accounts (department_digest);
CREATE TABLE names (
  space TEXT NOT NULL,
  digest TEXT NOT NULL,
  kind TEXT NOT NULL,
  account TEXT NOT NULL REFERENCES accounts (id),
  sealed BYTEA NOT NULL,
  since TIMESTAMP NOT NULL,
  until TIMESTAMP,
  PRIMARY KEY (space, digest)
);
CREATE INDEX names_account ON names (account, kind);

-- ---- sign-in --------------------------------------------------------------------------------------------------
CREATE TABLE passwords (
  account TEXT PRIMARY KEY NOT NULL REFERENCES accounts (id),
  hash TEXT NOT NULL,
  history TEXT NOT NULL,
  set_at TIMESTAMP NOT NULL,
  must_change BOOLEAN NOT NULL
);
CREATE TABLE attempts (
  digest TEXT PRIMARY KEY NOT NULL,
  failures INTEGER NOT NULL,
  in_flight INTEGER NOT NULL,
  locked_until TIMESTAMP,
  changed_at TIMESTAMP NOT NULL
);
CREATE INDEX attempts_changed_at ON attempts (changed_at);
CREATE TABLE totp_factors (
  account TEXT PRIMARY KEY NOT NULL REFERENCES accounts (id),
  secret BYTEA NOT NULL,
  confirmed_at TIMESTAMP,
  last_step BIGINT NOT NULL
);
CREATE TABLE recovery_codes (
  account TEXT NOT NULL REFERENCES accounts (id),
  digest TEXT NOT NULL,
  used_at TIMESTAMP,
  PRIMARY KEY (account, digest)
);
CREATE TABLE one_time_links (
  digest TEXT PRIMARY KEY NOT NULL,
  purpose TEXT NOT NULL,
  account TEXT REFERENCES accounts (id),
  created_at TIMESTAMP NOT NULL,
  expires_at TIMESTAMP NOT NULL,
  used_at TIMESTAMP
);
CREATE INDEX one_time_links_account ON one_time_links (account);
CREATE TABLE sessions (
  id TEXT PRIMARY KEY NOT NULL,
  digest TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL REFERENCES accounts (id),
  stage TEXT NOT NULL,
  created_at TIMESTAMP NOT NULL,
  seen_at TIMESTAMP NOT NULL,
  proved_at TIMESTAMP NOT NULL,
  idle_seconds BIGINT NOT NULL,
  ends_at TIMESTAMP NOT NULL,
  agent BYTEA NOT NULL,
  next_password TEXT,
  ended_at TIMESTAMP,
  ended_by TEXT
);
CREATE INDEX sessions_account ON sessions (account, ended_at);
CREATE TABLE api_keys (
  id TEXT PRIMARY KEY NOT NULL,
  digest TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL REFERENCES accounts (id),
  application TEXT,
  asserts TEXT,
  networks TEXT NOT NULL,
  explains_pii BOOLEAN NOT NULL,
  created_at TIMESTAMP NOT NULL,
  expires_at TIMESTAMP NOT NULL,
  revoked_at TIMESTAMP
);
CREATE INDEX api_keys_account ON api_keys (account);

-- ---- access ---------------------------------------------------------------------------------------------------
CREATE TABLE applications (
  key TEXT PRIMARY KEY NOT NULL,
  owner TEXT REFERENCES accounts (id),
  environment TEXT NOT NULL,
  integration TEXT NOT NULL,
  spec TEXT NOT NULL,
  changed_at TIMESTAMP NOT NULL,
  retired_at TIMESTAMP,
  revision BIGINT NOT NULL
);
CREATE INDEX applications_owner ON applications (owner);
CREATE TABLE roles (
  id TEXT PRIMARY KEY NOT NULL,
  application TEXT NOT NULL REFERENCES applications (key),
  class TEXT NOT NULL,
  access_role BOOLEAN NOT NULL,
  private_to TEXT REFERENCES accounts (id),
  spec TEXT NOT NULL,
  changed_at TIMESTAMP NOT NULL,
  retired_at TIMESTAMP,
  revision BIGINT NOT NULL
);
CREATE INDEX roles_application ON roles (application);
CREATE TABLE grants (
  id TEXT PRIMARY KEY NOT NULL,
  account TEXT NOT NULL REFERENCES accounts (id),
  role TEXT NOT NULL REFERENCES roles (id),
  state TEXT NOT NULL,
  scope TEXT,
  reason TEXT REFERENCES texts (id),
  source TEXT NOT NULL,
  approvers TEXT NOT NULL,
  request TEXT,
  valid_from TIMESTAMP NOT NULL,
  expires_at TIMESTAMP,
  created_at TIMESTAMP NOT NULL,
  confirmed_at TIMESTAMP NOT NULL,
  ended_at TIMESTAMP,
  ended_by TEXT,
  revision BIGINT NOT NULL
);
CREATE INDEX grants_account ON grants (account, state);
CREATE INDEX grants_role ON grants (role, state);
CREATE INDEX grants_state ON grants (state, id);
CREATE INDEX grants_expires_at ON grants (expires_at);
CREATE TABLE grant_usage (
  grant_id TEXT PRIMARY KEY NOT NULL,
  used_at TIMESTAMP NOT NULL
);
CREATE TABLE kill_switches (
  id TEXT PRIMARY KEY NOT NULL,
  target TEXT NOT NULL,
  reason TEXT REFERENCES texts (id),
  pulled_at TIMESTAMP NOT NULL,
  pulled_by TEXT NOT NULL,
  lifted_at TIMESTAMP,
  lifted_by TEXT,
  revision BIGINT NOT NULL
);

-- ---- requests -------------------------------------------------------------------------------------------------
CREATE TABLE requests (
  id TEXT PRIMARY KEY NOT NULL,
  account TEXT NOT NULL REFERENCES accounts (id),
  role TEXT NOT NULL REFERENCES roles (id),
  asked_by TEXT NOT NULL,
  state TEXT NOT NULL,
  scope TEXT,
  reason TEXT NOT NULL REFERENCES texts (id),
  duration_seconds BIGINT,
  valid_from TIMESTAMP,
  expires_at TIMESTAMP,
  stages TEXT NOT NULL,
  created_at TIMESTAMP NOT NULL,
  lapses_at TIMESTAMP NOT NULL,
  decided_at TIMESTAMP,
  grant_id TEXT,
  revision BIGINT NOT NULL
);
CREATE INDEX requests_state ON requests (state, id);
CREATE INDEX requests_account ON requests (account, id);
CREATE TABLE request_approvers (
  request TEXT NOT NULL REFERENCES requests (id),
  stage INTEGER NOT NULL,
  approver TEXT NOT NULL REFERENCES accounts (id),
  authority TEXT NOT NULL,
  answer TEXT,
  note TEXT REFERENCES texts (id),
  answered_at TIMESTAMP,
  PRIMARY KEY (request, stage, approver)
);
CREATE INDEX request_approvers_approver ON request_approvers (approver, answer);

-- ---- reviews --------------------------------------------------------------------------------------------------
CREATE TABLE campaigns (
  id TEXT PRIMARY KEY NOT NULL,
  name TEXT NOT NULL REFERENCES texts (id),
  origin TEXT NOT NULL,
  period TEXT UNIQUE,
  scope TEXT NOT NULL,
  state TEXT NOT NULL,
  population_revision BIGINT NOT NULL,
  population BIGINT NOT NULL,
  opened_at TIMESTAMP NOT NULL,
  due_at TIMESTAMP NOT NULL,
  suspends_at TIMESTAMP NOT NULL,
  closed_at TIMESTAMP,
  opened_by TEXT NOT NULL,
  report TEXT,
  revision BIGINT NOT NULL
);
CREATE INDEX campaigns_state ON campaigns (state, id);
CREATE TABLE review_items (
  id TEXT PRIMARY KEY NOT NULL,
  campaign TEXT NOT NULL REFERENCES campaigns (id),
  grant_id TEXT NOT NULL REFERENCES grants (id),
  account TEXT NOT NULL REFERENCES accounts (id),
  role TEXT NOT NULL REFERENCES roles (id),
  application TEXT NOT NULL,
  class TEXT NOT NULL,
  risk INTEGER NOT NULL,
  scope TEXT,
  reviewer TEXT,
  authority TEXT NOT NULL,
  state TEXT NOT NULL,
  recommendation TEXT NOT NULL,
  used TEXT NOT NULL,
  used_at TIMESTAMP,
  grant_revision BIGINT NOT NULL,
  draft TEXT,
  draft_by TEXT,
  draft_reason TEXT REFERENCES texts (id),
  draft_until TIMESTAMP,
  drafted_at TIMESTAMP,
  decision TEXT,
  decided_by TEXT,
  decided_at TIMESTAMP,
  reason TEXT REFERENCES texts (id),
  keep_until TIMESTAMP,
  applied_revision BIGINT,
  verified_at TIMESTAMP,
  verified_revision BIGINT,
  revision BIGINT NOT NULL,
  UNIQUE (campaign, grant_id)
);
CREATE INDEX review_items_reviewer ON review_items (reviewer, state, campaign);
CREATE INDEX review_items_order ON review_items (campaign, risk, id);
CREATE INDEX review_items_state ON review_items (campaign, state, id);
CREATE INDEX review_items_grant ON review_items (grant_id);

-- ---- leavers --------------------------------------------------------------------------------------------------
CREATE TABLE leaver_cases (
  id TEXT PRIMARY KEY NOT NULL,
  account TEXT NOT NULL REFERENCES accounts (id),
  state TEXT NOT NULL,
  source TEXT NOT NULL,
  reason TEXT REFERENCES texts (id),
  confidential BOOLEAN NOT NULL,
  effective_at TIMESTAMP NOT NULL,
  known_at TIMESTAMP NOT NULL,
  deadline TIMESTAMP NOT NULL,
  breached_on_arrival BOOLEAN NOT NULL,
  opened_by TEXT NOT NULL,
  closed_at TIMESTAMP,
  revision BIGINT NOT NULL
);
CREATE INDEX leaver_cases_state ON leaver_cases (state, effective_at);
CREATE INDEX leaver_cases_account ON leaver_cases (account);
CREATE TABLE leaver_steps (
  leaver_case TEXT NOT NULL REFERENCES leaver_cases (id),
  kind TEXT NOT NULL,
  target TEXT NOT NULL,
  state TEXT NOT NULL,
  at TIMESTAMP,
  applied_revision BIGINT,
  evidence TEXT,
  PRIMARY KEY (leaver_case, kind, target)
);
