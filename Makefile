# The commands of the project; `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
RUN := $(BIN)/python -m zava
# What isolation rests on.
WHOLLY_COVERED := zava/data/tenancy.py,zava/data/flight.py,zava/data/context.py,zava/data/verification.py,zava/data/faults.py,zava/protocol/faults.py,zava/protocol/identity.py,zava/data/guard/*

.PHONY: help run test hostile check lint types contracts lock schema docs bench clean

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

hostile: $(VENV)/.installed ## Show what the hostile statements get, by class, with the guard off and on
	@$(BIN)/python -m pytest -q -s tests/security/test_hostile_corpus.py

lint: $(VENV)/.installed ## Check style and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/.installed ## Check types
	@$(BIN)/mypy

contracts: $(VENV)/.installed ## Check that imports go one way only
	@$(BIN)/lint-imports

check: lint types contracts test ## Everything that CI runs

lock: $(VENV)/.installed ## Compile the lock files from pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-header pyproject.toml -o requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-header --all-extras pyproject.toml -c requirements.txt -o requirements-dev.txt

schema: $(VENV)/.installed ## Write sql/schema.sql from the migrations
	@$(BIN)/python -m tests.golden_schema

docs: $(VENV)/.installed ## Write the generated pages of docs/
	@$(BIN)/python -m tests.settings_page
	@$(BIN)/python -m tests.metrics_page
	@$(BIN)/python -m tests.golden_tools

bench: $(VENV)/.installed ## Measure; prints ratios
	@$(BIN)/python -m bench

clean: ## Remove the virtual environment and the local database
	rm -rf $(VENV) .zava
