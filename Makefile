# The commands of the project; `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
RUN := $(BIN)/python -m zava
# What isolation rests on.
WHOLLY_COVERED := zava/data/tenancy.py,zava/data/flight.py,zava/data/context.py,zava/data/verification.py,zava/data/faults.py,zava/protocol/faults.py,zava/protocol/identity.py,zava/trace.py,zava/observe.py,zava/data/retries.py

# Isolation behind a pooler. Left out: what is about prepared statements, which this one has none
# of, and about a connection of one's own that the server ends.
THROUGH_PGBOUNCER := tests/security tests/data/test_tenancy.py tests/data/test_session_edges.py \
  tests/data/test_emptiness.py tests/protocol/test_endpoint.py tests/functions \
  --deselect tests/data/test_tenancy.py::test_statements_run_with_and_without_prepared_ones \
  --deselect tests/data/test_session_edges.py::test_server_that_ends_during_the_proof_is_busy_and_proves_nothing
DEBIAN_PACKAGES := pgbouncer

.PHONY: help run test check check-long lint types contracts tools pgbouncer disk-full soak lock schema docs bench clean

help: ## List the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

# Installed anew only when the lock file changes.
$(VENV)/.installed: requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit("Zava needs Python 3.11 or newer; set PYTHON=…" if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --ignore-requires-python -r requirements-worker.txt
	@touch $@

run: $(VENV)/.installed ## Start everything on this machine and serve until Ctrl-C
	@$(RUN) run

test: $(VENV)/.installed ## Run the tests on a real PostgreSQL
	@$(BIN)/python -m pytest -q --cov --cov-report=term-missing:skip-covered
	@$(BIN)/python -m coverage report --include="$(WHOLLY_COVERED)" --fail-under=100 --format=total >/dev/null \
	  || { echo "Every branch of $(WHOLLY_COVERED) has to be covered."; exit 1; }

lint: $(VENV)/.installed ## Check style and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/.installed ## Check types
	@$(BIN)/mypy

contracts: $(VENV)/.installed ## Check that imports go one way only
	@$(BIN)/lint-imports

tools: ## Install the outside programs that `make check` needs, or name them
	@missing=""; for package in $(DEBIAN_PACKAGES); do \
	  PATH="$$PATH:/usr/sbin" command -v $$package >/dev/null || missing="$$missing $$package"; done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $$missing >/dev/null; \
	else echo "Install first:$$missing"; exit 1; fi

pgbouncer: $(VENV)/.installed tools ## Run the tests of isolation through PgBouncer in transaction mode
	@ZAVA_TEST_PGBOUNCER=1 $(BIN)/python -m pytest -q $(THROUGH_PGBOUNCER)

disk-full: $(VENV)/.installed ## Fill the disk under a server; needs root, to mount a small one
	@if [ "$$(id -u)" = 0 ]; then $(BIN)/python -m pytest -q tests/outside/test_disk_full.py; \
	else echo "Not root: no disk is filled."; fi

check: lint types contracts test pgbouncer disk-full ## Everything that CI runs

check-long: check soak ## The same, and what takes longer

soak: $(VENV)/.installed ## Ask for ten minutes while things break (SECONDS=600)
	@$(BIN)/python -m tests.soak --seconds $${SECONDS:-600}

lock: $(VENV)/.installed ## Compile the lock files from pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-header pyproject.toml -o requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-header --all-extras pyproject.toml -c requirements.txt -o requirements-dev.txt

schema: $(VENV)/.installed ## Write sql/schema.sql from the migrations
	@$(BIN)/python -m tests.golden_schema

docs: $(VENV)/.installed ## Write the generated pages of docs/
	@$(BIN)/python -m tests.settings_page
	@$(BIN)/python -m tests.golden_tools

bench: $(VENV)/.installed ## Measure; prints ratios
	@$(BIN)/python -m bench

clean: ## Remove the virtual environment and the local database
	rm -rf $(VENV) .zava
