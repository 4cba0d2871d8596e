-- ---- signing in by the company's identity providers ---------------------------------------------------------------
-- What a session goes back to, beyond this house: the row of `sso_sessions`.
ALTER TABLE sessions ADD COLUMN origin TEXT;
CREATE INDEX sessions_origin ON sessions (origin);
-- Whose a subject of a provider is: `digest` is the keyed hash of issuer and subject, to the letter, `name` both, sealed.
CREATE TABLE sso_links (
  digest TEXT PRIMARY KEY NOT NULL,
  account TEXT NOT NULL REFERENCES accounts (id),
  provider TEXT NOT NULL,
  name BYTEA NOT NULL,
  linked_by TEXT NOT NULL,
  linked_at TIMESTAMP NOT NULL,
  used_at TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX sso_links_account ON sso_links (account, provider);
-- A sign-in that was begun here and is to come back: `digest` and `browser` are hashes of the state and of the cookie.
CREATE TABLE sso_attempts (
  digest TEXT PRIMARY KEY NOT NULL,
  provider TEXT NOT NULL,
  browser TEXT NOT NULL,
  source TEXT NOT NULL,
  secrets BYTEA NOT NULL,
  created_at TIMESTAMP NOT NULL,
  expires_at TIMESTAMP NOT NULL,
  used_at TIMESTAMP,
  replayed BOOLEAN NOT NULL
);
CREATE INDEX sso_attempts_source ON sso_attempts (source, expires_at);
CREATE INDEX sso_attempts_expires ON sso_attempts (expires_at);
-- A sign-in that a provider vouched for: `sid` is the keyed hash of the provider's own session.
CREATE TABLE sso_sessions (
  id TEXT PRIMARY KEY NOT NULL,
  account TEXT NOT NULL REFERENCES accounts (id),
  provider TEXT NOT NULL,
  link TEXT NOT NULL,
  sid TEXT,
  began_at TIMESTAMP NOT NULL
);
CREATE INDEX sso_sessions_link ON sso_sessions (link);
CREATE INDEX sso_sessions_sid ON sso_sessions (sid);
CREATE INDEX sso_sessions_began ON sso_sessions (began_at);
-- What a group at a provider brought somebody: a grant, or a request for an access role.
CREATE TABLE sso_roles (
  account TEXT NOT NULL REFERENCES accounts (id),
  provider TEXT NOT NULL,
  role TEXT NOT NULL,
  grant_id TEXT REFERENCES grants (id),
  request TEXT REFERENCES requests (id),
  since TIMESTAMP NOT NULL,
  PRIMARY KEY (account, provider, role)
);
-- Words to sign out that were obeyed once and never again: the hash of provider and `jti`.
CREATE TABLE sso_logouts (
  digest TEXT PRIMARY KEY NOT NULL,
  expires_at TIMESTAMP NOT NULL
);
CREATE INDEX sso_logouts_expires ON sso_logouts (expires_at);
