DROP TABLE idempotency;
CREATE TABLE idempotency (
  digest TEXT PRIMARY KEY NOT NULL,
  body_digest TEXT NOT NULL,
  status INTEGER,
  answer BYTEA,
  at TIMESTAMP NOT NULL
);
CREATE INDEX idempotency_at ON idempotency (at);
