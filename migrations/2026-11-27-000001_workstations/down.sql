ALTER TABLE one_time_links DROP COLUMN workstation;
DROP INDEX sessions_workstation;
ALTER TABLE sessions DROP COLUMN workstation;
DROP TABLE workstations;
