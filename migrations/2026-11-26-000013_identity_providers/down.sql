DROP TABLE sso_logouts;
DROP TABLE sso_roles;
DROP TABLE sso_sessions;
DROP TABLE sso_attempts;
DROP TABLE sso_links;
DROP INDEX sessions_origin;
ALTER TABLE sessions DROP COLUMN origin;
