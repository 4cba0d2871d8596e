-- ---- proposals: catalogues that touch personal data and wait for a second person ----------------------------------
CREATE TABLE proposals (
  id TEXT PRIMARY KEY NOT NULL,
  state TEXT NOT NULL,
  applications TEXT NOT NULL,
  content TEXT NOT NULL REFERENCES texts (id),
  digest TEXT NOT NULL,
  basis TEXT NOT NULL,
  proposed_by TEXT NOT NULL,
  proposed_at TIMESTAMP NOT NULL,
  lapses_at TIMESTAMP NOT NULL,
  decided_by TEXT,
  decided_at TIMESTAMP,
  note TEXT REFERENCES texts (id),
  revision BIGINT NOT NULL
);
CREATE INDEX proposals_state ON proposals (state, lapses_at);
-- ---- attestations: what somebody has shown, such as a training, and until when it counts --------------------------
CREATE TABLE attestations (
  id TEXT PRIMARY KEY NOT NULL,
  account TEXT NOT NULL REFERENCES accounts (id),
  kind TEXT NOT NULL,
  given_at TIMESTAMP NOT NULL,
  ends_at TIMESTAMP,
  attested_by TEXT NOT NULL,
  evidence TEXT NOT NULL REFERENCES texts (id),
  recorded_at TIMESTAMP NOT NULL,
  revision BIGINT NOT NULL
);
CREATE INDEX attestations_account ON attestations (account, kind);
