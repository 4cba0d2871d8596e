-- What each governed row said after each change of it: the text whose digest stands in the event of that number.
CREATE TABLE row_history (
  table_name TEXT NOT NULL,
  row_id TEXT NOT NULL,
  number BIGINT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (table_name, row_id, number)
);
