DROP TABLE own_decisions;
DROP TABLE exceptions;
