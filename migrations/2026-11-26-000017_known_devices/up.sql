-- ---- known devices: browsers in which somebody signed in completely, and that keep their own way in -----------------
CREATE TABLE known_devices (
  digest TEXT PRIMARY KEY NOT NULL,
  account TEXT NOT NULL REFERENCES accounts (id),
  since TIMESTAMP NOT NULL,
  ends_at TIMESTAMP NOT NULL
);
CREATE INDEX known_devices_account ON known_devices (account, since);
CREATE INDEX known_devices_ends ON known_devices (ends_at);
