# The commands of the project; `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
RUN := $(BIN)/python -m zava

# What the tests with outside parts run: Node, the conformance suite, clients.
OUTSIDE := tests/outside
PICTURES := tests/pictures

# Many a Python is started here: none shall compile anew what one before it has compiled.
unexport PYTHONDONTWRITEBYTECODE

# Set by other tools, these lead Python or pip elsewhere than into .venv.
unexport PYTHONHOME PYTHONPATH PYTHONSAFEPATH PIP_USER PIP_TARGET PIP_PREFIX

# Makes the checkout importable from every directory; relative, so that it may be moved.
CHECKOUT := import os, sysconfig; site = sysconfig.get_path('purelib'); \
  open(os.path.join(site, 'zava.pth'), 'w').write(os.path.relpath(os.getcwd(), site) + chr(10))

# Tests run in three processes, each with a PostgreSQL of its own: a third of their time is waiting,
# and two cores are busy. They run in one where they would share a server that was given.
WORKERS ?= $(if $(ZAVA_TEST_DATABASE_URL),0,3)

# Isolation behind a pooler; tests without a database are left out by themselves. Left out, too: what
# is about prepared statements, which this one has none of, and about a connection of one's own, with
# its options or its end; and plans that the superuser reads past the pooler.
THROUGH_PGBOUNCER := tests/security tests/data/test_tenancy.py tests/data/test_session_edges.py \
  tests/data/test_emptiness.py tests/protocol/test_endpoint.py tests/functions \
  --deselect tests/data/test_tenancy.py::test_statements_run_with_and_without_prepared_ones \
  --deselect tests/data/test_session_edges.py::test_server_that_ends_during_the_proof_is_busy_and_proves_nothing \
  --deselect tests/security/test_verification.py::test_session_that_differs_from_the_login_is_found \
  --ignore tests/security/test_endless.py --ignore tests/security/test_work_by_store.py

# The parts of `make check`, in their order. The second kind waits for programs and servers half of
# its time, on ports of its own: two of them run at once, the longest first.
FIRST := lint types contracts test
BESIDE := test-slow clients pgbouncer deployment pictures conformance disk-full import-formats
SECONDS_OF_CHECK := $(VENV)/.seconds-of-check

.PHONY: help run test test-slow prose hostile check check-long lint types contracts conformance clients import-formats clients-with-an-id clients-signing-in recordings deployment pictures picture tools pgbouncer disk-full soak soak-replicas lock schema docs bench bench-search bench-isolation performance clean

help: ## List the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

# Linked files would be shared with other checkouts, and a chmod there reach the PostgreSQL here.
export UV_LINK_MODE := copy

# Installed anew only when the lock file changes. What root installs belongs to the owner of the
# checkout. An installation that was killed leaves packages that look whole to pip and uv: what it
# has left is removed. An environment that something else made is never removed.
$(VENV)/.installed: requirements-dev.txt
	@$(PYTHON) -I scripts/supported_platforms.py
	@test ! -e $(VENV)/.installing || rm -rf $(VENV) 2>/dev/null || \
	  { echo "Another user's installation into $(VENV) was interrupted; remove it: sudo rm -rf $(VENV)"; exit 1; }
	@test -x $(BIN)/python && test ! -e $(VENV)/.installed || { mkdir -p $(VENV) && touch $(VENV)/.installing; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
	@echo "Installing 570 MB into $(VENV); this takes one to three minutes …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --ignore-requires-python -r requirements-worker.txt
	@$(BIN)/python -c "$(CHECKOUT)"
	@rm -f $(VENV)/.installing
	@touch $@
	@if [ "$$(id -u)" = 0 ]; then chown -Rh "$$(ls -nd . | awk '{print $$3 ":" $$4}')" $(VENV); fi

run: $(VENV)/.installed ## Start everything on this machine and serve until Ctrl-C
	@$(RUN) run

# tests/support/suite/parts.py decides which tests are slow.
test: $(VENV)/.installed ## Run the tests of every change on a real PostgreSQL: isolation, guard, protocol, metrics, sign-in, audit, units
	@$(BIN)/python -m pytest -q -n $(WORKERS) --part quick --cov --cov-report=term-missing:skip-covered

test-slow: $(VENV)/.installed ## Run the other tests: whole products, servers, installations, imports, search, pages, infrastructure, generated cases
	@$(BIN)/python -m pytest -q -n $(WORKERS) --part slow

prose: $(VENV)/.installed ## Measure the English of pages, docstrings and errors (FILES="…" prints their places)
	@$(BIN)/python -m tests.docs.prose $(FILES)

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
	@reinstall=$$(test ! -e $(VENV)/.adding || echo --reinstall); touch $(VENV)/.adding; \
	  $(BIN)/uv pip install --quiet $$reinstall --python $(BIN)/python -r requirements-outside.txt
	@rm $(VENV)/.adding
	@PATH="$(abspath $(BIN)):$$PATH" npm ci --prefix $(OUTSIDE) --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

conformance: $(VENV)/.outside ## Run the protocol's own conformance suite, both eras, on both hosts
	@$(BIN)/python -m pytest -q -s -m outside $(OUTSIDE)/test_conformance.py

import-formats: $(VENV)/.outside ## Import files of every format, with the packages of the extra `import`, and ask every question of the scenarios over them
	@$(BIN)/python -m pytest -q -m outside $(OUTSIDE)/test_import_formats.py tests/importing/test_round_trip.py

clients: $(VENV)/.outside ## Connect with every client at hand, in each era, with a token and by signing in; convert the tools as model providers do
	@$(BIN)/python -m pytest -q -s -m outside $(OUTSIDE)/test_clients.py $(OUTSIDE)/test_chunked.py $(OUTSIDE)/test_clients_signing_in.py $(OUTSIDE)/test_clients_page.py $(OUTSIDE)/test_providers.py $(OUTSIDE)/test_tokens.py
	@$(BIN)/python -m pytest -q -s -m outside -k "not large" $(OUTSIDE)/test_clients_with_an_id.py $(OUTSIDE)/test_clients_at_a_deployment.py $(OUTSIDE)/test_oidc_provider.py

# 808 MB, so no part of `make check`. Claude Code's package links its program by a script.
$(VENV)/.large: $(VENV)/.pictures $(OUTSIDE)/large/package-lock.json
	@echo "Installing Claude Code and Codex …"
	@PATH="$(abspath $(BIN)):$$PATH" npm ci --prefix $(OUTSIDE)/large --ignore-scripts --no-audit --no-fund --loglevel=error
	@$(BIN)/node $(OUTSIDE)/large/node_modules/@anthropic-ai/claude-code/install.cjs
	@touch $@

clients-with-an-id: $(VENV)/.large ## Sign clients in with an id, Claude Code and Codex (808 MB) too, at a directory on loopback
	@$(BIN)/python -m pytest -q -s -m outside $(OUTSIDE)/test_clients_with_an_id.py

clients-signing-in: tools $(VENV)/.large ## Sign in with these, Claude Code and Codex (808 MB) through a real browser; prints tables
	@ZAVA_TEST_BROWSER=chromium $(BIN)/python -m pytest -q -s -m outside $(OUTSIDE)/test_clients_signing_in.py $(OUTSIDE)/test_large_clients.py $(OUTSIDE)/test_clients_at_a_deployment.py $(OUTSIDE)/test_two_browsers.py

recordings: $(VENV)/.outside ## Write anew what those suites send, for the test of both paths
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m tests.protocol.recorded

tools: ## Install the Debian packages that the tests with outside parts need, or name them
	@missing=""; \
	test -n "$$(ls /usr/lib/postgresql/*/bin/initdb 2>/dev/null)" || missing="$$missing postgresql"; \
	PATH="$$PATH:/usr/sbin" command -v pgbouncer >/dev/null || missing="$$missing pgbouncer"; \
	command -v $${CHROMIUM:-chromium} >/dev/null || missing="$$missing chromium"; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $$missing >/dev/null; \
	else echo "Install first, as root: apt-get install$$missing"; exit 1; fi

# The browser is Debian's; where it is missing, `make tools` gets it.
$(VENV)/.pictures: $(VENV)/.outside $(PICTURES)/package-lock.json
	@echo "Installing the browser's driver …"
	@PATH="$(abspath $(BIN)):$$PATH" npm ci --prefix $(PICTURES) --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

pictures: tools $(VENV)/.pictures ## Look at chart and console with a real browser; screenshots in $(PICTURES)/artefacts
	@$(BIN)/python -m pytest -q -m outside $(PICTURES)/test_pictures.py

picture: tools $(VENV)/.pictures ## Take the pictures of the docs anew from the demo data
	@$(BIN)/python -m tests.pictures.readme_picture

deployment: $(VENV)/.outside tools ## Test the package that Azure is given, the wheel, the container's commands, and TLS to PostgreSQL
	@$(BIN)/python -m pytest -q tests/deployment

pgbouncer: $(VENV)/.installed tools ## Run the tests of isolation through PgBouncer in transaction mode
	@ZAVA_TEST_PGBOUNCER=1 $(BIN)/python -m pytest -q -n $(WORKERS) $(THROUGH_PGBOUNCER)

disk-full: $(VENV)/.installed ## Fill the disk under a server; needs root, to mount a small one
	@if [ "$$(id -u)" = 0 ]; then $(BIN)/python -m pytest -q -m outside $(OUTSIDE)/test_disk_full.py; \
	else echo "Not root: no disk is filled."; fi

check: $(VENV)/.outside $(VENV)/.pictures tools ## Everything that CI runs; prints the seconds of each part
	@rm -f $(SECONDS_OF_CHECK)
	@$(MAKE) --no-print-directory $(addprefix timed-,$(FIRST))
	@$(MAKE) --no-print-directory --jobs=2 $(addprefix beside-,$(BESIDE))
	@echo "All green, in seconds:"; cat $(SECONDS_OF_CHECK)

timed-%:
	@begun=$$(date +%s); $(MAKE) --no-print-directory $* || exit 1; \
	  printf '  %-16s%4d\n' $* $$(($$(date +%s) - begun)) >>$(SECONDS_OF_CHECK)

# What it prints comes as a whole: another part prints at the same time.
beside-%:
	@if $(MAKE) --no-print-directory timed-$* >$(VENV)/.output-of-$* 2>&1; then cat $(VENV)/.output-of-$*; \
	else cat $(VENV)/.output-of-$*; exit 1; fi

check-long: $(VENV)/.installed soak soak-replicas ## What runs for minutes: fuzzing, ten minutes of made statements against the deadline, 10,000 audited calls, 10,000 requests down both paths, 100 histories of grants, 4,400 changes of the catalog, an importer killed at fifty moments, a file of two gigabytes, half an hour of writers beside the sums, the soaks
	@$(BIN)/python -m pytest -q --timeout 3600 -m long
	@ZAVA_TEST_SECONDS=1800 $(BIN)/python -m pytest -q --timeout 3600 tests/metrics/test_sums.py
	@ZAVA_TEST_CALLS=10000 ZAVA_TEST_EXAMPLES=100 ZAVA_TEST_REQUESTS=5000 $(BIN)/python -m pytest -q --timeout 3600 \
	  tests/local/test_audit_after_a_kill.py tests/security/test_grants_property.py tests/security/test_proof_property.py \
	  tests/protocol/test_lanes.py

soak: $(VENV)/.installed ## Ask for ten minutes while things break (SECONDS=600)
	@$(BIN)/python -m tests.soak --seconds $${SECONDS:-600}

soak-replicas: $(VENV)/.installed ## Read from a standby for ten minutes while it lags, ends and is promoted (SECONDS=600)
	@$(BIN)/python -m tests.soak.replicas --seconds $${SECONDS:-600}

lock: $(VENV)/.installed ## Compile the lock files from pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-header pyproject.toml -o requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-header --extra local --extra azure --extra dev pyproject.toml -c requirements.txt -o requirements-dev.txt
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-header --extra azure pyproject.toml -c requirements-dev.txt -o requirements-deploy.txt
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-header --extra local pyproject.toml -c requirements-dev.txt -o requirements-local.txt
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-header --extra outside --extra import pyproject.toml -c requirements-dev.txt -o requirements-outside.txt
	@$(BIN)/python -m tests.support.generators.platforms

schema: $(VENV)/.installed ## Write sql/schema.sql and the list of readable columns
	@$(BIN)/python -m tests.support.generators.golden_schema
	@$(BIN)/python -m tests.support.generators.golden_functions
	@$(BIN)/python -m tests.support.generators.golden_columns

docs: $(VENV)/.installed ## Write the generated pages of docs/
	@$(BIN)/python -m tests.support.generators.settings_page
	@$(BIN)/python -m tests.support.generators.metrics_page
	@$(BIN)/python -m tests.support.generators.golden_tools

bench-search: $(VENV)/.installed ## Judge product search (CRANFIELD=directory adds it), or measure it at SIZE=products
	@$(BIN)/python -m bench.search $(if $(SIZE),--size $(SIZE)) $(if $(CRANFIELD),--cranfield $(CRANFIELD))

bench: $(VENV)/.installed ## Measure against peers and floors; prints ratios (needs wrk)
	@$(BIN)/python -m bench

bench-isolation: $(VENV)/.installed ## Send hostile statements to other servers, patterns and ours, and write docs/isolation-benchmark.md (CASE=… SUBJECT=… repeats some)
	@$(BIN)/python -m bench.isolation $(if $(CASE),--case $(CASE)) $(if $(SUBJECT),--subject $(SUBJECT)) $(if $(CASE)$(SUBJECT),,--write)

performance: $(VENV)/.installed ## Measure all, growth included, and write docs/reference/performance.md
	@$(BIN)/python -m bench --growth 10000000 --write

clean: ## Remove the virtual environment and the local database
	rm -rf $(VENV) .zava
