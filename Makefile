# Lockstep. The four commands you need: make demo, make up, make test, make check.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BENCH := .venv-bench
ORDERS ?=

.PHONY: help demo up test chaos check format lock clean-venv bench-rivals

help:
	@echo "make demo [ORDERS=PATH]  set up, run the sandbox and the main job, verify both ends"
	@echo "make up                  Postgres, sandbox, Dagster UI and daemon on 127.0.0.1:3000"
	@echo "make test                set up and run the tests"
	@echo "make chaos [KILLS=500 ORDERS=10000 SEED=1]   the whole system under kills and faults, compared record by record"
	@echo "make bench-rivals        capture and validation beside dlt, on the same orders; renews docs/performance.md"
	@echo "make check               format, lint, types, import rules, Dagster definitions"

# Hash-locked: pip refuses any file whose hash is not in the lock.
$(VENV)/.runtime: requirements/lock.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Lockstep needs Python 3.11 or newer; run make PYTHON=python3.x")'
	@test -x $(BIN)/python || { echo "creating $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "installing dependencies (about a minute the first time)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps -r requirements/lock.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev-lock.txt
	@echo "installing test tools"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps -r requirements/dev-lock.txt
	@touch $@

demo: $(VENV)/.runtime
	@$(BIN)/lockstep demo $(if $(ORDERS),--orders-from "$(ORDERS)")

up: $(VENV)/.runtime
	@$(BIN)/lockstep up

test: $(VENV)/.dev
	@$(BIN)/python -m pytest

chaos: $(VENV)/.dev
	@$(BIN)/python -m tests.chaos --kills $(or $(KILLS),60) --orders $(or $(ORDERS),1000) --seed $(or $(SEED),1)

# An environment of its own: the rivals' dependencies must not touch the product's.
$(BENCH)/.installed: requirements/bench-lock.txt
	@test -x $(BENCH)/bin/python || $(PYTHON) -m venv $(BENCH)
	@echo "installing the rivals"
	@$(BENCH)/bin/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps -r requirements/bench-lock.txt
	@touch $@

bench-rivals: $(VENV)/.dev $(BENCH)/.installed
	@$(BIN)/python -m benchmarks.rivals

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m orchestration.audit
	@# In a folder of its own: here Dagster would read dagster.yaml and .env, and ask for the database.
	@folder=$$(mktemp -d) && cd $$folder && LOCKSTEP_CONNECTIONS=$(CURDIR)/docs/connections.example.yaml DAGSTER_HOME=$$folder \
	  $(CURDIR)/$(BIN)/dagster definitions validate -w $(CURDIR)/workspace.yaml; status=$$?; rm -rf $$folder; exit $$status

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Needs uv on the PATH; the lock files name no index and no host.
lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-strip-extras -q \
	  pyproject.toml requirements/build.in -o requirements/lock.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-strip-extras -q --extra dev \
	  -c requirements/lock.txt pyproject.toml requirements/build.in -o requirements/dev-lock.txt

	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-strip-extras -q \
	  requirements/bench.in -o requirements/bench-lock.txt

clean-venv:
	rm -rf $(VENV)
