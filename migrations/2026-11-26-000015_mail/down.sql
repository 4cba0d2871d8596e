ALTER TABLE attempts DROP COLUMN held_at;
DROP TABLE email_changes;
DROP TABLE mails;
