-- A call that carries an Idempotency-Key: who carries it out now (fencing), and whether its effect is committed.
DROP TABLE idempotency;
CREATE TABLE idempotency (
  digest TEXT PRIMARY KEY NOT NULL,
  request_digest TEXT NOT NULL,
  holder TEXT NOT NULL,
  done BOOLEAN NOT NULL,
  status INTEGER,
  answer BYTEA,
  at TIMESTAMP NOT NULL
);
CREATE INDEX idempotency_at ON idempotency (at);
