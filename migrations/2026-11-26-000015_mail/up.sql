-- ---- mail -----------------------------------------------------------------------------------------------------
-- Ids only: addresses and names are read when a mail is sent, and what stands in `about` is an id or a word of ours.
CREATE TABLE mails (
  id TEXT PRIMARY KEY NOT NULL,
  reason TEXT NOT NULL UNIQUE,
  template TEXT NOT NULL,
  account TEXT NOT NULL REFERENCES accounts (id),
  about TEXT NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  due_at TIMESTAMP NOT NULL,
  created_at TIMESTAMP NOT NULL,
  ended_at TIMESTAMP,
  fault TEXT
);
CREATE INDEX mails_due ON mails (state, due_at);
-- The address before a change: whoever reads it there has to hear of the change. Sealed, and kept for some days.
CREATE TABLE email_changes (
  id TEXT PRIMARY KEY NOT NULL,
  account TEXT NOT NULL REFERENCES accounts (id),
  former BYTEA,
  changed_at TIMESTAMP NOT NULL
);
CREATE INDEX email_changes_account ON email_changes (account, changed_at);
-- Since when a lock holds until a person or a mailed link opens it.
ALTER TABLE attempts ADD COLUMN held_at TIMESTAMP;
