DROP TABLE provider_attestations;
