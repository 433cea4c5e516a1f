# `make` lists the targets. Everything that is needed goes into .venv.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# The first Python of at least 3.11 that can make virtual environments.
PYTHON ?= $(shell for name in python3.11 python3 python3.12 python3.13 python3.14; do \
	$$name -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$name && break; done)
PYTEST := $(BIN)/python -m pytest -n auto

.DEFAULT_GOAL := help
.PHONY: help venv demo test test-crash check format generate bench clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F '\t' '{ printf "  make %-12s %s\n", $$1, $$2 }'

venv: $(STAMP) ## set up .venv with llmspell and what its development needs

$(STAMP): pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer, with venv, is needed (Debian: apt install python3-venv)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	$(BIN)/python -m compileall -q llmspell
	@touch $(STAMP)

demo: $(STAMP) ## run the examples, each twice: the second run remembers the first
	@state=$$(mktemp -d) && trap 'rm -rf "$$state"' EXIT && \
	for script in examples/lua/state/basic_persistence.lua examples/javascript/state/basic_persistence.js; do \
		for turn in first second; do \
			printf '\n== %s, %s run ==\n' "$$script" "$$turn"; \
			LLMSPELL_STATE_PATH="$$state/$$(basename "$$script")" \
				$(BIN)/llmspell -c configs/state-enabled.toml run "$$script" || exit 1; \
		done; \
	done

test: $(STAMP) ## run the tests
	$(PYTEST) -m 'not crash'

test-crash: $(STAMP) ## kill processes at their failpoints and look at what is left
	$(PYTEST) -m crash

check: $(STAMP) ## lint, format, types, generated files, import arrows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m llmspell.generate --check
	$(BIN)/python -m pytest -q tests/test_arrows.py

format: $(STAMP) ## put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

generate: $(STAMP) ## write the generated files again
	$(BIN)/python -m llmspell.generate

bench: $(STAMP) ## measure against bare baselines
	$(BIN)/python -m benchmarks --write

clean: ## remove what the targets above made
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
