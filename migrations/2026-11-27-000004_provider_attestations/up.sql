-- ---- what a person vouches for in place of an identity provider's own rules about passwords, locks and factors ------
CREATE TABLE provider_attestations (
  id TEXT PRIMARY KEY NOT NULL,
  provider TEXT NOT NULL,
  ends_at TIMESTAMP NOT NULL,
  evidence TEXT NOT NULL REFERENCES texts (id),
  attested_by TEXT NOT NULL,
  recorded_at TIMESTAMP NOT NULL
);
CREATE INDEX provider_attestations_provider ON provider_attestations (provider, ends_at);
