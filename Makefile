# What there is to do; `make` alone prints it. Everything works without root, from a fresh clone.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SETUP := $(VENV)/.set-up

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-full demo-postgres demo-services demo-shell test crash matrix check style collected docs format screenshots bench lock

help: ## What there is to do
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-15s %s\n", $$1, $$2 }'

setup: $(SETUP) ## Install everything into .venv

$(SETUP): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Headway needs Python 3.11 or newer: make PYTHON=/path/to/python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(SETUP) ## The site with its worker on SQLite, at http://localhost:8080 (PORT= moves it)
	@$(BIN)/python -m servers.demo

demo-postgres: $(SETUP) ## The same on a PostgreSQL of its own (nothing to install)
	@$(BIN)/python -m servers.postgres --directory var/postgres -- $(BIN)/python -m servers.demo

demo-full: $(SETUP) ## The production shape: PostgreSQL, Valkey, Celery, Caddy; http://localhost:8080, https://localhost:8443
	@$(BIN)/python -m servers.demo_full

demo-services: $(SETUP) ## Two services with a database each and one Valkey; http://localhost:8080 and :8081
	@$(BIN)/python -m servers.demo_services

demo-shell: $(SETUP) ## Import 28,298 airports in the terminal, with a live bar
	@$(BIN)/python -m servers.demo_shell

test: $(SETUP) ## All tests, on SQLite and on PostgreSQL
	$(BIN)/python -m tests

crash: $(SETUP) ## Kill and freeze all there is for half an hour, by a seed (CRASH_SEED=), and judge what is left
	$(BIN)/python -m tests.crash.storm

matrix: $(SETUP) ## Each Django with each Python that is here, on the built wheel: two minutes a cell
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/nox $(if $(CI),--error-on-missing-interpreters)

check: $(SETUP) ## Format, lint, types, layers, migrations, fast tests: half a minute
	@$(MAKE) --no-print-directory --jobs=2 style collected
	$(BIN)/python -m pytest -q -n 2 -m "not slow" tests/unit

style: $(SETUP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py check --fail-level WARNING

collected: $(SETUP)
	@$(BIN)/python -m pytest --collect-only -qq > $(VENV)/collected || { cat $(VENV)/collected; exit 1; }

docs: $(SETUP) ## Build the documentation's site in var/docs; a warning is an error
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going -b html docs var/docs

screenshots: $(SETUP) ## Take the README's pictures anew, into docs/images (minutes: it imports the whole file)
	SCREENSHOT_ROWS=all $(BIN)/python -m pytest -q tests/ui/test_pictures.py
	for name in start running partial; do cp var/shots/$$name-wide.png docs/images/$$name.png; done

format: $(SETUP) ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(SETUP) ## The figures, each beside its reference, on both databases
	$(BIN)/python -m benchmarks

bench-live: $(SETUP) ## What watchers cost and wait, beside Django alone, on both databases: under 10 minutes
	$(BIN)/python -m benchmarks.live

LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links

lock: $(SETUP) ## Write requirements/*.txt anew from pyproject.toml: for everybody here, for the image, for its build
	$(LOCK) --all-extras --group dev --group docs --group example --group servers pyproject.toml --output-file requirements/dev.txt
	$(LOCK) --extra api --extra celery --extra metrics --extra postgres --group example --constraints requirements/dev.txt \
		pyproject.toml --output-file requirements/example.txt
	echo hatchling | $(LOCK) --constraints requirements/dev.txt - --output-file requirements/build.txt
