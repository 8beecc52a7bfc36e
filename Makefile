# Commands of hushtag. All files stay in this folder (.venv, .cache); neither root nor docker is needed.
SHELL := /bin/bash
.ONESHELL:
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
COMPILE := --quiet --universal --python-version 3.11 --generate-hashes --no-header
UV_VERSION := 0.13.8
UV := .cache/uv/bin/uv
BIN := .venv/bin
export UV_CACHE_DIR := $(CURDIR)/.cache/uv-cache
export UV_PYTHON_DOWNLOADS := never
export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD := 1
# Tests start hundreds of processes: each would compile the code again.
export PYTHONDONTWRITEBYTECODE :=
STEP := .ci/step
SEEDS ?= 20
ROOMS := streams moderation models surfaces client web devkit benchmarks
FIRST ?= 0
# uv reads SSL_CERT_FILE, and devkit/stack/jars.py for Kafka's download; pip only knows another name.
ifeq ($(REQUESTS_CA_BUNDLE)$(CURL_CA_BUNDLE),)
export REQUESTS_CA_BUNDLE := $(SSL_CERT_FILE)
endif
CLUSTER ?= $(SEEDS)
ROUNDS ?= 20
SECONDS_ARG := $(if $(filter environment% command%,$(origin SECONDS)),--seconds $(SECONDS),)

.PHONY: help install kafka encoder demo test test-long unit go simulation simulation-long integration integration-long cluster cluster-long fault fault-short pages pages-long mutants repeat docs check format bench bench-peers memory recovery scenarios screenshot lock clean

help: ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(UV):
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) is missing"; echo "fix: install Python 3.11 or newer, or set PYTHON=/path/to/python3"; exit 2; } >&2
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: $(PYTHON) is older than 3.11"; echo "fix: make PYTHON=/path/to/python3.11 install"; exit 2; } >&2
	$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "error: Python's venv module is missing"; echo "fix: apt-get install python3-venv (Debian, Ubuntu)"; exit 2; } >&2
	mkdir -p .cache
	$(STEP) "making a Python environment for uv in .cache" "5 s" $(PYTHON) -m venv .cache/uv
	$(STEP) "installing uv $(UV_VERSION)" "5 s" .cache/uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/installed: $(UV) requirements-dev.lock pyproject.toml client/pyproject.toml hatch_build.py
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv
	$(STEP) "installing $$(grep -c '^[a-z0-9].*==' requirements-dev.lock) packages into .venv" "1 min the first time" \
	  $(UV) pip sync --quiet --compile-bytecode --require-hashes requirements-dev.lock
	$(STEP) "installing hushtag and its client" "10 s" $(UV) pip install --quiet --no-deps --editable client --editable .
	$(STEP) "compiling numerical kernels" "1 min the first time" $(BIN)/hushtag warm-up
	touch .venv/installed

install: .venv/installed ## install into .venv and .cache

encoder: install ## install the optional second stage of the scorer (130 MB); the next make install removes it
	@$(STEP) "installing the second stage" "1 min" \
	  $(UV) pip install --quiet --compile-bytecode --require-hashes -r requirements-encoder.lock

demo: install ## run the pipeline on this machine; make demo SECONDS=60 ends after a minute
	@exec $(BIN)/hushtag demo $(SECONDS_ARG)

kafka: install
	@$(BIN)/python -c 'from devkit.stack.class_cache import prepare_kafka; prepare_kafka()'

test: kafka ## run the main suites in two lanes; print each suite at its end, with its time and slowest tests
	@rm -rf .cache/tests && mkdir -p .cache/tests
	lane() {
	  for suite in "$$@"; do
	    echo "$$suite: running; see .cache/tests/$$suite.log"
	    $(MAKE) --no-print-directory "$$suite" > ".cache/tests/$$suite.log" 2>&1 || echo "$$suite" >> .cache/tests/failed
	    cat ".cache/tests/$$suite.log"
	  done
	}
	trap 'trap - TERM; kill 0' INT TERM
	export EXAMPLES_SHARE=4
	# Suites that wait, for servers or a browser, run beside those that compute; the lanes end at about the same time.
	lane integration pages cluster & waiting=$$!
	lane unit simulation fault-short go
	wait $$waiting || echo "one of integration, pages, cluster" >> .cache/tests/failed
	[ ! -e .cache/tests/failed ] || { echo "error: failed: $$(paste -sd ' ' .cache/tests/failed)"; echo "fix: make SUITE runs one alone"; exit 1; } >&2

test-long: kafka ## run the long suites: all examples and histories, slow tests, 40 fault schedules, planted bugs
	@$(MAKE) --no-print-directory unit simulation-long integration-long cluster-long fault pages-long mutants

# $(call suite,NAME,PYTEST ARGUMENTS): run a suite, and print its time and its ten slowest tests.
define suite
start=$$(date +%s) failed=
$(BIN)/pytest -q --durations=10 --durations-min=0.5 $(2) || failed=yes
echo "$(1): $$(( $$(date +%s) - start )) s"
[ -z "$$failed" ] || { echo "error: tests of $(1) failed"; echo "fix: make $(1) runs them alone"; exit 1; } >&2
endef

# The full compiler of Java would be busy until a test's broker ends.
integration integration-long cluster cluster-long fault fault-short pages: export JDK_JAVA_OPTIONS := -XX:TieredStopAtLevel=1
# Only the files of the suite: each process imports all that it is given.
SIMULATION := $$(grep -rl 'mark\.simulation' --include='test_*.py' tests)

# Tests of the cores, which start no server: all of them, or without the histories.
CORES := -n 2 $(addprefix --ignore tests/,integration cluster pages) tests
NO_SERVERS := not integration and not cluster and not fault and not pages

unit: install ## run unit, property and contract tests
	@$(call suite,unit,$(CORES) -m "$(NO_SERVERS) and not simulation")

go: ## test the Go reader with all vectors of the flags contract, where Go is installed
	@go=$$(PATH="$$PATH:/usr/local/go/bin" command -v go) || { echo "go: not tested, because Go is not installed (https://go.dev/dl/)"; exit 0; }
	start=$$(date +%s)
	cd client/go
	"$$go" vet ./...
	"$$go" test -count=1 ./...
	echo "go: $$(( $$(date +%s) - start )) s"

simulation: install ## compare simulated histories with a reference; SEEDS=400 for more
	@$(if $(filter environment% command%,$(origin SEEDS)),,unset SEEDS;) $(call suite,simulation,-n 2 -m "simulation and not long" $(SIMULATION))

simulation-long: install ## compare 400 histories of each kind, and check that histories contain each case
	@export SEEDS=400; $(call suite,simulation-long,-n 2 -m simulation $(SIMULATION))

integration: kafka ## run integration tests in three processes, each with its own Kafka and Valkey
	@$(call suite,integration,-n 3 --dist loadfile -m "integration and not long" --timeout 300 tests/integration tests/contract)

integration-long: kafka ## run the slow integration tests
	@$(call suite,integration-long,-n 2 --dist loadfile -m "integration and long" --timeout 300 tests/integration tests/contract)

cluster: kafka ## start workers and a reader on a secured Kafka and Valkey, with their documented rights alone
	@$(call suite,cluster,-m "cluster and not long" --timeout 300 tests/cluster)

cluster-long: kafka ## run every process with its rights alone, refuse all others, and start secured clusters
	@$(call suite,cluster-long,-m "cluster and long" --timeout 600 tests/cluster)

fault: kafka ## compare runs under kills, pauses and cuts with a reference; SEEDS=20 CLUSTER=20, or SEEDS=1 CLUSTER=0 FIRST=7
	@export SEEDS=$(SEEDS) FIRST=$(FIRST) CLUSTER=$(CLUSTER); $(call suite,fault,-m fault tests/fault)

fault-short: kafka ## run two fault schedules on a broker, and one on a cluster
	@export SEEDS=2 FIRST=0 CLUSTER=1; $(call suite,fault-short,-m fault tests/fault)

pages: install ## test the pages in headless Chromium, in two processes
	@$(call suite,pages,-n 2 --dist loadfile -m "pages and not long" tests/pages)

pages-long: install ## test the console's long flows in headless Chromium
	@$(call suite,pages-long,-m "pages and long" --timeout 300 tests/pages)

mutants: install ## plant bugs in a copy, one by one; a test must find each; ONLY=word
	@$(BIN)/python -m tests.mutants --only "$(ONLY)"

repeat: install ## run the unit and simulation suites ROUNDS=20 times, with fewer examples, to find tests that depend on chance
	@for round in $$(seq $(ROUNDS)); do
	  start=$$(date +%s)
	  export PYTHONHASHSEED=$$round EXAMPLES_SHARE=8 SEEDS=5 FIRST=$$((5 * round))
	  $(BIN)/pytest -q $(CORES) -m "$(NO_SERVERS) and not (simulation and long)" || {
	    echo "error: round $$round of $(ROUNDS) failed"; echo "fix: PYTHONHASHSEED=$$round SEEDS=5 FIRST=$$((5 * round)) $(BIN)/pytest TEST"; exit 1; } >&2
	  echo "round $$round of $(ROUNDS): $$(( $$(date +%s) - start )) s"
	done

docs: install ## build the documentation site in .cache/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

check: install ## check format, lint, types, import rules, words, docs, the model's quality gate, and manifests
	@start=$$(date +%s)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	if grep -rniwE --include='*.py' --include='*.md' -f .ci/words $(ROOMS) README.md CONTRIBUTING.md docs | grep -v '"HM"'; then
	  echo "error: private words above (.ci/words)"; echo "fix: use the glossary's terms (docs/architecture.md)"; exit 1
	fi
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	$(BIN)/python -m models.evaluation.gate
	$(BIN)/python -m tests.manifests
	echo "check: $$(( $$(date +%s) - start )) s"

format: install ## format the code, and apply ruff's fixes
	@$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: install ## measure throughput, with a comparison in the same run
	@$(BIN)/python -m benchmarks.throughput

bench-peers: install ## compare with other frameworks on the same windows; JSON=file
	@$(BIN)/python -m benchmarks.peers $(if $(JSON),--json $(JSON),)

memory: install ## measure memory and time under floods and with longer windows; draws docs/images/memory.svg
	@$(BIN)/python -m benchmarks.memory

recovery: install ## measure the time to recover from a kill -9; draws docs/images/recovery.svg
	@$(BIN)/python -m benchmarks.recovery

scenarios: install ## measure campaigns found and innocents spared, on sources that the model has not seen; SEEDS=0-2
	@OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.scenarios $(if $(JSON),--json $(JSON),)

screenshot: install ## draw the pictures of the trends page and the console in docs/images
	@$(BIN)/python -m benchmarks.screenshot
	$(BIN)/python -m tests.console_pictures

lock: $(UV) ## resolve three locks: runtime, development, and the encoder
	sed '/hushtag-client/d' pyproject.toml > .cache/pyproject.toml
	cd .cache
	../$(UV) pip compile $(COMPILE) pyproject.toml -o ../requirements.lock
	../$(UV) pip compile $(COMPILE) -c ../requirements.lock --extra devkit --group pyproject.toml:dev --group pyproject.toml:docs pyproject.toml -o ../requirements-dev.lock
	$(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["encoder"], sep="\n")' > encoder.in
	../$(UV) pip compile $(COMPILE) --no-annotate -c ../requirements-dev.lock encoder.in -o ../requirements-encoder.lock

clean: ## remove .venv and .cache
	rm -rf .venv .cache
