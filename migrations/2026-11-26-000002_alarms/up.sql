-- ---- alarms ---------------------------------------------------------------------------------------------------
-- `open_key` says what an open alarm is about and is empty once it is closed: so there is one open alarm for each.
CREATE TABLE alarms (
  id TEXT PRIMARY KEY NOT NULL,
  rule TEXT NOT NULL,
  severity TEXT NOT NULL,
  account TEXT REFERENCES accounts (id),
  about TEXT NOT NULL,
  open_key TEXT UNIQUE,
  state TEXT NOT NULL,
  denies BOOLEAN NOT NULL,
  threshold BIGINT,
  window_seconds BIGINT,
  observed BIGINT NOT NULL,
  samples TEXT NOT NULL,
  note TEXT REFERENCES texts (id),
  told TEXT NOT NULL,
  sightings BIGINT NOT NULL,
  raised_by TEXT NOT NULL,
  raised_at TIMESTAMP NOT NULL,
  last_seen_at TIMESTAMP NOT NULL,
  acknowledged_by TEXT,
  acknowledged_at TIMESTAMP,
  investigated_by TEXT,
  investigated_at TIMESTAMP,
  closed_by TEXT,
  closed_at TIMESTAMP,
  finding TEXT REFERENCES texts (id),
  revision BIGINT NOT NULL
);
CREATE INDEX alarms_state ON alarms (state, id);
CREATE INDEX alarms_about ON alarms (rule, about);
ALTER TABLE attempts ADD COLUMN recent_locks TEXT;
