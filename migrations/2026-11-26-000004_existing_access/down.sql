DROP TABLE system_lists;
DROP TABLE holdings;
