ALTER TABLE attempts DROP COLUMN recent_locks;
DROP TABLE alarms;
