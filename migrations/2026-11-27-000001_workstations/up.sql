-- ---- shared workstations: terminals at which many people sign in one after another ---------------------------------
-- `digest` is the keyed hash of the token in the browser's cookie; null until a browser has taken the place, and again
-- once the workstation has ended. `used_on` is the beginning of the day on which somebody last signed in there.
CREATE TABLE workstations (
  id TEXT PRIMARY KEY NOT NULL,
  name BYTEA NOT NULL,
  digest TEXT UNIQUE,
  registered_by TEXT NOT NULL,
  registered_at TIMESTAMP NOT NULL,
  in_use_since TIMESTAMP,
  used_on TIMESTAMP,
  ended_by TEXT,
  ended_at TIMESTAMP
);
-- Where a session was begun, if that was a shared workstation; what a one-time code makes of a browser.
ALTER TABLE sessions ADD COLUMN workstation TEXT;
CREATE INDEX sessions_workstation ON sessions (workstation);
ALTER TABLE one_time_links ADD COLUMN workstation TEXT;
