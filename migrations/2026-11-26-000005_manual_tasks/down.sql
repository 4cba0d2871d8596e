DROP TABLE manual_tasks;
