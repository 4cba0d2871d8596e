ALTER TABLE sso_attempts ADD COLUMN source TEXT NOT NULL DEFAULT '';
CREATE INDEX sso_attempts_source ON sso_attempts (source, expires_at);
ALTER TABLE sso_links DROP COLUMN removal_asked_at;
ALTER TABLE sso_links DROP COLUMN removal_asked_by;
