-- ---- exceptions -----------------------------------------------------------------------------------------------
CREATE TABLE exceptions (
  id TEXT PRIMARY KEY NOT NULL,
  kind TEXT NOT NULL,
  what TEXT NOT NULL,
  account TEXT NOT NULL REFERENCES accounts (id),
  state TEXT NOT NULL,
  reason TEXT NOT NULL REFERENCES texts (id),
  control TEXT NOT NULL REFERENCES texts (id),
  asked_by TEXT NOT NULL,
  approved_by TEXT,
  approved_at TIMESTAMP,
  created_at TIMESTAMP NOT NULL,
  ends_at TIMESTAMP NOT NULL,
  ended_by TEXT,
  ended_at TIMESTAMP,
  revision BIGINT NOT NULL
);
CREATE INDEX exceptions_account ON exceptions (account, state);
CREATE INDEX exceptions_ends_at ON exceptions (state, ends_at);
-- Decisions about oneself where nobody else can decide: they wait, and anybody may object meanwhile.
CREATE TABLE own_decisions (
  id TEXT PRIMARY KEY NOT NULL,
  matter TEXT NOT NULL,
  thing TEXT NOT NULL,
  role TEXT NOT NULL,
  account TEXT NOT NULL REFERENCES accounts (id),
  state TEXT NOT NULL,
  reason TEXT NOT NULL REFERENCES texts (id),
  opened_at TIMESTAMP NOT NULL,
  effective_at TIMESTAMP NOT NULL,
  objected_by TEXT,
  objected_at TIMESTAMP,
  objection TEXT REFERENCES texts (id),
  revision BIGINT NOT NULL
);
CREATE INDEX own_decisions_thing ON own_decisions (matter, thing, state);
CREATE INDEX own_decisions_state ON own_decisions (state, effective_at);
