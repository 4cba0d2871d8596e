DROP TABLE row_history;
