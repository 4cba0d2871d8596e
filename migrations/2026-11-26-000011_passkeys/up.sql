-- ---- passkeys: keys that devices hold for people, and the ceremonies in which they are made and shown -------------
CREATE TABLE passkeys (
  id TEXT PRIMARY KEY NOT NULL,
  account TEXT NOT NULL REFERENCES accounts (id),
  digest TEXT NOT NULL UNIQUE,
  credential BYTEA NOT NULL,
  name BYTEA NOT NULL,
  counter BIGINT NOT NULL,
  created_at TIMESTAMP NOT NULL,
  used_at TIMESTAMP
);
CREATE INDEX passkeys_account ON passkeys (account, created_at);
CREATE TABLE passkey_ceremonies (
  id TEXT PRIMARY KEY NOT NULL,
  purpose TEXT NOT NULL,
  bound_to TEXT NOT NULL,
  state BYTEA NOT NULL,
  expires_at TIMESTAMP NOT NULL
);
CREATE INDEX passkey_ceremonies_expires_at ON passkey_ceremonies (expires_at);
