ALTER TABLE attempts DROP COLUMN of_account;
ALTER TABLE attempts DROP COLUMN consecutive;
