-- ---- failures since the last success: of an account's password or codes they are never forgotten by time alone -----
ALTER TABLE attempts ADD COLUMN consecutive INTEGER NOT NULL DEFAULT 0;
ALTER TABLE attempts ADD COLUMN of_account BOOLEAN NOT NULL DEFAULT FALSE;
