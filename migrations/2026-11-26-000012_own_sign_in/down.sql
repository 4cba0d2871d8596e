ALTER TABLE sessions DROP COLUMN network;
ALTER TABLE totp_factors DROP COLUMN next_secret;
