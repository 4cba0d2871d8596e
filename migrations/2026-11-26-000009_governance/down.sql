DROP TABLE attestations;
DROP TABLE proposals;
