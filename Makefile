# Lockstep. The commands you need first: make demo, make up, make test-fast, make check.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BENCH := .venv-bench
MOCK := $(VENV)/commercetools-mock
PIP := $(BIN)/python -m pip install -q --disable-pip-version-check
COMPILE := uv pip compile --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-header --no-strip-extras -q
ORDERS ?=
PAIRS ?=

# Containers often forbid bytecode; then each of the many processes would compile all of the project.
export PYTHONDONTWRITEBYTECODE :=

# Tests without the parts that take minutes, and without those of very many random cases (no_cover);
# the markers are described in pyproject.toml.
FAST := not slow and not daemon and not demo and not chaos and not no_cover
# The tests of the domain and of the connectors, whose coverage is measured and has a minimum.
UNIT := tests/domain tests/resources/platforms tests/resources/oms tests/contracts \
  tests/conformance
COVERAGE := --cov --cov-report=term:skip-covered --cov-report=json

.PHONY: help demo up test test-fast test-unit chaos model bad-input check audit format lock \
  clean-venv bench-rivals commercetools-mock

help:
	@echo "make demo [ORDERS=PATH]  run everything once between sandbox systems and verify both ends"
	@echo "make demo PAIRS=all      the same for every pair of a platform and an OMS"
	@echo "make up                  run PostgreSQL, sandbox, Dagster's UI and daemon on 127.0.0.1:3000"
	@echo "make test-fast           run the tests without daemon, demo and chaos (a minute and a half)"
	@echo "make test                run all tests, with branch coverage of domain and mappings"
	@echo "make chaos [KILLS=500 ORDERS=10000 SEED=1 PAIR=bigcommerce/manhattan|all]"
	@echo "                         run everything under kills and faults, compare record by record"
	@echo "make model [PROGRAMS=5000 SEED=1 PAIR=all]"
	@echo "                         run random programs of all actors and compare with the promises"
	@echo "make bad-input           send all generated bad input; 'make test' sends a fifth of it"
	@echo "make bench-rivals        measure capture and validation beside dlt, renew docs/performance.md"
	@echo "make commercetools-mock  install the simulation of commercetools, a parser of SOQL and jsforce"
	@echo "                         from npm (needs Node 20)"
	@echo "make check               format, lint, types, import rules, licences, Dagster definitions"
	@echo "make audit               check licences, look up known vulnerabilities (needs the network)"
	@echo "make format              format the code and fix what ruff can fix"
	@echo "make lock                renew the lock files (needs uv)"

# Hash-locked: pip refuses any file whose hash is not in the lock.
$(VENV)/.runtime: requirements/lock.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else \
	  "Lockstep needs Python 3.11 or newer; run make PYTHON=python3.x")'
	@test -x $(BIN)/python || { echo "creating $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "installing dependencies (about a minute the first time)"
	@$(PIP) --require-hashes --no-deps -r requirements/lock.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev-lock.txt
	@echo "installing development tools"
	@$(PIP) --require-hashes --no-deps -r requirements/dev-lock.txt
	@touch $@

demo: $(VENV)/.runtime
	@$(BIN)/lockstep demo $(if $(ORDERS),--orders-from "$(ORDERS)") $(if $(PAIRS),--pairs "$(PAIRS)")

up: $(VENV)/.runtime
	@$(BIN)/lockstep up

# Coverage is measured while the tests of UNIT run (tests/measuring.py).
test: TESTS := tests
test-unit: TESTS := $(UNIT)
test test-unit: $(VENV)/.dev commercetools-mock
	@$(BIN)/python -m pytest $(TESTS) $(COVERAGE)
	@$(BIN)/python -c 'import json; totals = json.load(open("coverage.json"))["totals"]; \
	  print("branches of domain and mappings covered: %.1f %%" % totals["percent_branches_covered"])'

test-fast: $(VENV)/.dev
	@$(BIN)/python -m pytest -n 3 -m "$(FAST)"

chaos: $(VENV)/.dev
	@$(BIN)/python -m tests.chaos --kills $(or $(KILLS),60) --orders $(or $(ORDERS),1000) \
	  --seed $(or $(SEED),1) --pair $(or $(PAIR),bigcommerce/manhattan)

model: $(VENV)/.dev
	@$(BIN)/python -m tests.model --programs $(or $(PROGRAMS),5000) --seed $(or $(SEED),1) \
	  --pair $(or $(PAIR),all)

bad-input: $(VENV)/.dev
	@LOCKSTEP_BAD_INPUT=all $(BIN)/python -m pytest tests/bad_input

# Without Node the tests that need the simulation are skipped, and say why.
commercetools-mock: $(VENV)/.dev
	@if command -v npm >/dev/null; then $(MAKE) -s $(MOCK)/.installed; \
	  else echo "npm is missing: the tests with the simulation of commercetools and jsforce are skipped"; fi

# Its lock file has hashes and no addresses; no script of a package is run.
$(MOCK)/.installed: tests/contracts/npm/package-lock.json
	@mkdir -p $(MOCK) && rm -f $@ && cp tests/contracts/npm/package*.json $(MOCK)/
	@echo "installing the simulation of commercetools and jsforce"
	@if cd $(MOCK) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error; \
	  then touch .installed; \
	  else echo "it could not be installed: the tests with it are skipped"; fi

# An environment of its own: the rivals' dependencies must not touch the product's.
$(BENCH)/.installed: requirements/bench-lock.txt
	@test -x $(BENCH)/bin/python || $(PYTHON) -m venv $(BENCH)
	@echo "installing the rivals"
	@$(BENCH)/bin/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps \
	  -r requirements/bench-lock.txt
	@touch $@

bench-rivals: $(VENV)/.dev $(BENCH)/.installed
	@$(BIN)/python -m benchmarks.rivals

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pip-licenses --summary
	@# In a folder of its own: in this one Dagster would read .env and dagster.yaml, and need the database.
	@folder=$$(mktemp -d) && cd $$folder \
	  && LOCKSTEP_CONNECTIONS=$(CURDIR)/docs/connections.example.yaml DAGSTER_HOME=$$folder \
	  $(CURDIR)/$(BIN)/dagster definitions validate -w $(CURDIR)/workspace.yaml; \
	  status=$$?; rm -rf $$folder; exit $$status

# Fails where a package can't be looked up: without the advisory database nothing was audited.
audit: $(VENV)/.dev
	$(BIN)/pip-licenses --summary
	@for lock in requirements/lock.txt requirements/dev-lock.txt; do \
	  echo "$$lock:"; \
	  $(BIN)/pip-audit --strict --require-hashes --disable-pip --progress-spinner off -r $$lock \
	    || { echo "vulnerabilities: either found (see above), or not looked up since the advisory" \
	      "database can't be reached from here, as behind most mirrors" >&2; exit 1; }; \
	done

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Needs uv on the PATH; the lock files name no index and no host.
lock:
	$(COMPILE) pyproject.toml requirements/build.in -o requirements/lock.txt
	$(COMPILE) --extra dev -c requirements/lock.txt pyproject.toml requirements/build.in \
	  -o requirements/dev-lock.txt
	$(COMPILE) requirements/bench.in -o requirements/bench-lock.txt

clean-venv:
	rm -rf $(VENV)
