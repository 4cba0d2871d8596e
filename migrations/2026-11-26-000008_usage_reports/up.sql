-- How many records were retrieved under a permit, told afterwards: each evaluation once. `evaluation` is the keyed hash
-- of the name that the caller got, `recorded` whether the log access has it. Rows go after two days.
CREATE TABLE usage_reports (
    evaluation TEXT PRIMARY KEY NOT NULL,
    records BIGINT NOT NULL,
    recorded BOOLEAN NOT NULL,
    at TIMESTAMP NOT NULL
);
