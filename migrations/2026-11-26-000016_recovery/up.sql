-- ---- recovery -------------------------------------------------------------------------------------------------
-- Names that somebody typed who wants a link: all are kept alike for a moment, and nobody waits for what comes of it.
CREATE TABLE recovery_asks (
  id TEXT PRIMARY KEY NOT NULL,
  name BYTEA NOT NULL,
  asked_at TIMESTAMP NOT NULL
);
-- Ways back in that are handed over in person; `words` say how whoever hands them over knows the person.
CREATE TABLE handovers (
  id TEXT PRIMARY KEY NOT NULL,
  account TEXT NOT NULL REFERENCES accounts (id),
  what TEXT NOT NULL,
  state TEXT NOT NULL,
  asked_by TEXT NOT NULL REFERENCES accounts (id),
  decided_by TEXT REFERENCES accounts (id),
  words TEXT NOT NULL REFERENCES texts (id),
  asked_at TIMESTAMP NOT NULL
);
CREATE INDEX handovers_account ON handovers (account, state);
