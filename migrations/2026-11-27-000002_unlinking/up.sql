-- ---- taking somebody's subject at a provider away ----------------------------------------------------------------
-- Who asked for it, where somebody else has to agree, and when.
ALTER TABLE sso_links ADD COLUMN removal_asked_by TEXT;
ALTER TABLE sso_links ADD COLUMN removal_asked_at TIMESTAMP;
-- How many sign-ins one source begins is counted in memory, as tries with a password are.
DROP INDEX sso_attempts_source;
ALTER TABLE sso_attempts DROP COLUMN source;
