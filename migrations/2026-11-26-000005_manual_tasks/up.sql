-- What a person has to take away by hand in a system that does not ask here.
CREATE TABLE manual_tasks (
  id TEXT PRIMARY KEY NOT NULL,
  system TEXT NOT NULL REFERENCES applications (key),
  role TEXT NOT NULL REFERENCES roles (id),
  account TEXT REFERENCES accounts (id),
  holding TEXT REFERENCES holdings (id),
  grant_id TEXT REFERENCES grants (id),
  origin TEXT NOT NULL,
  origin_id TEXT,
  assignee TEXT NOT NULL REFERENCES accounts (id),
  state TEXT NOT NULL,
  opened_at TIMESTAMP NOT NULL,
  due_at TIMESTAMP NOT NULL,
  note TEXT REFERENCES texts (id),
  proof TEXT REFERENCES texts (id),
  done_by TEXT REFERENCES accounts (id),
  done_at TIMESTAMP,
  verified_by TEXT,
  verified_at TIMESTAMP,
  verified_revision BIGINT,
  revision BIGINT NOT NULL
);
CREATE INDEX manual_tasks_assignee ON manual_tasks (assignee, state, id);
CREATE INDEX manual_tasks_state ON manual_tasks (state, due_at);
CREATE INDEX manual_tasks_grant ON manual_tasks (grant_id);
CREATE INDEX manual_tasks_holding ON manual_tasks (holding);
CREATE INDEX manual_tasks_account ON manual_tasks (account);
