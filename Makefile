# Everything a developer or an operator does with the checkout. The work is done by the scripts; each of them
# installs what it needs when it runs as root on Debian, and otherwise prints the exact command and stops.

.PHONY: help run demo test nightly load bench check

help:
	@echo "make run     build and start https://localhost:8443 (options for the server: make run ARGS='--data DIR')"
	@echo "make demo    the same with an example company in it, in a throw-away directory; prints whom one can be"
	@echo "make test    unit tests, integration tests on SQLite and PostgreSQL, browser tests"
	@echo "make nightly what takes too long for that: a million questions to index and casbin, broken compilers"
	@echo "make load    three servers on one PostgreSQL: how fast a revocation reaches all of them"
	@echo "make bench   print the table of benchmarks"
	@echo "make check   format, lints, documentation, licences of the dependencies"

run:
	@scripts/run $(ARGS)

demo:
	@scripts/demo $(ARGS)

test:
	@scripts/test

nightly:
	@scripts/nightly

load:
	@scripts/load

bench:
	@scripts/bench

check:
	@scripts/check
