-- ---- one's own sign-in: an authenticator that takes another's place, and where a session was seen last ------------
ALTER TABLE totp_factors ADD COLUMN next_secret BYTEA;
ALTER TABLE sessions ADD COLUMN network TEXT;
