-- Existing access: what other systems say somebody has there, and each list in which they said so.
CREATE TABLE holdings (
  id TEXT PRIMARY KEY NOT NULL,
  system TEXT NOT NULL REFERENCES applications (key),
  role TEXT NOT NULL REFERENCES roles (id),
  digest TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  state TEXT NOT NULL,
  doubt TEXT,
  account TEXT REFERENCES accounts (id),
  grant_id TEXT REFERENCES grants (id),
  drift BOOLEAN NOT NULL,
  brought_by TEXT NOT NULL,
  granted_at TIMESTAMP,
  used TEXT NOT NULL,
  used_at TIMESTAMP,
  list TEXT NOT NULL,
  found_at TIMESTAMP NOT NULL,
  gone_at TIMESTAMP,
  gone_how TEXT,
  revision BIGINT NOT NULL,
  UNIQUE (system, role, digest)
);
CREATE INDEX holdings_digest ON holdings (digest);
CREATE INDEX holdings_state ON holdings (state, id);
CREATE INDEX holdings_system ON holdings (system, state, id);
CREATE INDEX holdings_grant ON holdings (grant_id);
CREATE INDEX holdings_account ON holdings (account);
CREATE TABLE system_lists (
  id TEXT NOT NULL,
  system TEXT NOT NULL REFERENCES applications (key),
  at TIMESTAMP NOT NULL,
  digest TEXT NOT NULL,
  read_by TEXT NOT NULL,
  lines BIGINT NOT NULL,
  refused BIGINT NOT NULL,
  revision BIGINT NOT NULL,
  PRIMARY KEY (id, system)
);
CREATE INDEX system_lists_system ON system_lists (system, at);
