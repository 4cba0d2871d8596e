DROP TABLE handovers;
DROP TABLE recovery_asks;
