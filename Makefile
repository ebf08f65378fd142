# Second Look: every target sets up what it needs; nothing has to be installed first but git, make and Python >= 3.11.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
CORES  := -n auto --maxprocesses 4 --dist worksteal
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export SECONDLOOK_HOME ?= $(CURDIR)/.secondlook

.DEFAULT_GOAL := help
.PHONY: help setup demo test quick test-clients check bench browser lock clean

help:  ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

$(VENV)/.runtime: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Second Look needs Python >= 3.11 and $(PYTHON) is $$($(PYTHON) -V 2>&1): run make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Setting up $(VENV) (once; the packages are large: a few minutes)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { echo "venv is missing: on Debian and Ubuntu run apt-get install python3-venv"; exit 1; }
	@$(BIN)/pip install --quiet --requirement requirements.lock
	@$(BIN)/pip install --quiet --no-deps --editable .
	@touch $@

$(VENV)/.development: requirements-dev.lock $(VENV)/.runtime
	@$(BIN)/pip install --quiet --requirement requirements-dev.lock
	@touch $@

setup: $(VENV)/.runtime  ## Make .venv with everything installed from the lock file (.venv/bin/secondlook)

demo: $(VENV)/.runtime  ## Index data/sample (or FOLDER=...) and open the page
	@$(BIN)/secondlook demo $(if $(FOLDER),"$(FOLDER)") $(if $(PORT),--port $(PORT))

test: $(VENV)/.development browser  ## Run all tests, one process a core (ARGS="-n 0 -k bm25" in one process)
	@$(BIN)/python -m pytest $(CORES) $(ARGS)

quick: $(VENV)/.development  ## Run the tests of the inner loop: what takes seconds (browser, processes, whole indexes, ...) is left out
	@$(BIN)/python -m pytest $(CORES) -m "not (browser or crash or disk or process or model or waits)" $(ARGS)

test-clients: $(VENV)/.development  ## Run the real Jina, Cohere, TEI and OpenAI clients against a live server
	@$(BIN)/python tests/clients/run.py $(ARGS)

check: $(VENV)/.development  ## Run the linters: ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: $(VENV)/.development  ## Measure the second stage on this machine (ARGS="--device cuda --json FILE")
	@$(BIN)/secondlook bench rerank $(if $(ARGS),$(ARGS),--shape minilm --quick)

browser:  # The page's tests need Chromium; on a CI machine it is installed, elsewhere they are skipped and say so.
	@if [ "$$CI" = "true" ] && ! command -v chromedriver >/dev/null && command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	  apt-get update -qq && apt-get install -y -qq chromium chromium-driver >/dev/null; fi

lock:  ## Pin what pyproject.toml resolves to now (requirements.lock, requirements-dev.lock)
	@PYTHON=$(PYTHON) sh .ci/lock

clean:  ## Remove the virtual environment and the demo's indexes
	@rm -rf $(VENV) .secondlook
