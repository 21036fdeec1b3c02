# The commands of the project; `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
RUN := $(BIN)/python -m zava
# What isolation rests on.
WHOLLY_COVERED := zava/data/tenancy.py,zava/data/flight.py,zava/data/context.py,zava/data/verification.py,zava/data/faults.py,zava/protocol/faults.py,zava/protocol/identity.py,zava/data/guard/*

# What the tests with outside parts run: Node, the conformance suite, clients.
OUTSIDE := tests/outside
PICTURES := tests/pictures

.PHONY: help run test hostile check check-long lint types contracts conformance clients tools pictures picture lock schema docs bench clean

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

$(VENV)/.outside: $(VENV)/.installed requirements-outside.txt $(OUTSIDE)/package-lock.json
	@echo "Installing Node and outside clients …"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements-outside.txt
	@PATH="$(abspath $(BIN)):$$PATH" npm ci --prefix $(OUTSIDE) --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

conformance: $(VENV)/.outside ## Run the protocol's own conformance suite, both eras
	@$(BIN)/python -m pytest -q -s -m outside $(OUTSIDE)/test_conformance.py

clients: $(VENV)/.outside ## Connect with every client at hand, in each era; prints a table
	@$(BIN)/python -m pytest -q -s -m outside $(OUTSIDE)/test_clients.py $(OUTSIDE)/test_clients_page.py $(OUTSIDE)/test_tokens.py

# The browser is Debian's; where it is missing, `make tools` gets it.
$(VENV)/.pictures: $(VENV)/.outside $(PICTURES)/package-lock.json
	@echo "Installing the browser's driver …"
	@PATH="$(abspath $(BIN)):$$PATH" npm ci --prefix $(PICTURES) --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

tools: ## Get what the tests need of the system: Chromium, by Debian's package
	@command -v $${CHROMIUM:-chromium} >/dev/null || { \
	  test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
	    && apt-get update -qq && apt-get install -y -qq chromium >/dev/null; } \
	  || { echo "Chromium is missing: apt-get install chromium, or set CHROMIUM to a browser's path."; exit 1; }

pictures: tools $(VENV)/.pictures ## Look at chart and console with a real browser; screenshots in $(PICTURES)/artefacts
	@$(BIN)/python -m pytest -q -m outside $(PICTURES)/test_pictures.py

picture: tools $(VENV)/.pictures ## Take the README's picture anew from the demo data
	@$(BIN)/python -m tests.pictures.readme_picture

check: lint types contracts test conformance clients pictures ## Everything that CI runs

check-long: $(VENV)/.installed ## What runs for minutes: fuzzing
	@$(BIN)/python -m pytest -q -m long

lock: $(VENV)/.installed ## Compile the lock files from pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-header pyproject.toml -o requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-header --extra local --extra dev pyproject.toml -c requirements.txt -o requirements-dev.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-header --extra outside pyproject.toml -c requirements-dev.txt -o requirements-outside.txt

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
