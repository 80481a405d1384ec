# Needs git, make and Python 3.11 or newer; everything else is installed into .venv.
# With another interpreter:  make test PYTHON=python3.13 VENV=.venv-3.13

PYTHON ?= python3
VENV   ?= .venv
JOBS   ?= 2
EXAMPLES ?= 5000

PY      := $(VENV)/bin/python
PIP     := $(PY) -m pip --disable-pip-version-check -qq
LOCKS   := requirements
UV      := build/uv/bin/uv
COMPILE  = $(UV) pip compile --quiet --no-config --universal --python-version 3.11 \
           --generate-hashes --no-emit-index-url --custom-compile-command "make lock"

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint types floors docs-check coverage wheel-check fuzz docs format bench \
        bench-handlers prove exhaust torture lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# ------------------------------------------------------------------------------- to look at it

demo: $(VENV)/.runtime ## run the server with a small simulated fleet; Ctrl-C ends it
	@exec $(VENV)/bin/waypost demo

# ------------------------------------------------------------------------------ to work on it

test: lint types floors docs-check coverage wheel-check ## everything that has to hold; what CI runs
	@echo "== all of it passed"

lint: $(VENV)/.dev ## ruff: rules and layout
	@echo "== lint"
	@$(PY) -m ruff check --quiet .
	@$(PY) -m ruff format --quiet --check .

types: $(VENV)/.dev ## mypy, strict, on src, tests and tools
	@echo "== types"
	@$(PY) -m mypy

floors: $(VENV)/.dev ## import-linter: imports point down
	@echo "== floors"
	@$(VENV)/bin/lint-imports --no-logo

docs-check: $(VENV)/.dev ## the generated parts of the docs are what the code says
	@echo "== docs"
	@$(call cog,--check)

coverage: $(VENV)/.dev ## the tests, with branch coverage of at least 95 %
	@echo "== tests"
	@$(PY) -m pytest -q -n $(JOBS) --cov --cov-report=term --cov-fail-under=95

wheel-check: $(VENV)/.dev ## build the wheel and run it alone on Python 3.11 and 3.13
	@echo "== wheel"
	@$(PY) tools/wheel_check.py

fuzz: $(VENV)/.dev ## try to break each law with EXAMPLES=5000 histories, as CI does with 100
	@HYPOTHESIS_PROFILE=fuzz EXAMPLES=$(EXAMPLES) $(PY) -m pytest -q -n $(JOBS) --timeout=0 \
		tests/laws tests/contract/test_agreement.py

docs: $(VENV)/.dev ## write the generated parts of the docs anew
	@$(call cog,-r)

format: $(VENV)/.dev ## let ruff lay out the code and make its safe fixes
	@$(PY) -m ruff check --quiet --fix-only .
	@$(PY) -m ruff format .

bench: $(VENV)/.runtime ## measure the server against SQLite alone
	@$(PY) -m bench

bench-handlers: $(VENV)/.runtime ## measure the Lambda functions against the first design's
	@$(PY) -m bench.handlers

prove: $(VENV)/.runtime ## worlds full of faults; SEEDS=2000 FIRST=1, each for both homes
	@$(PY) -m waypost.simulate.world --seeds $(or $(SEEDS),2000) --first $(or $(FIRST),1)

exhaust: $(VENV)/.runtime ## every small world of both homes, of up to MOST=4 updates
	@$(PY) -m waypost.simulate.world --exhaust --most $(or $(MOST),4)

torture: $(VENV)/.dev ## every fault against the real server, and a report; ONLY="freeze" for one
	@$(PY) -m tests.faults.torture $(if $(ONLY),"$(ONLY)")

lock: $(UV) ## pin what pyproject.toml asks for; newer releases with UPGRADE=--upgrade
	@$(COMPILE) $(UPGRADE) --group dev -o $(LOCKS)/lock.txt pyproject.toml
	@$(COMPILE) -c $(LOCKS)/lock.txt -o $(LOCKS)/lock-runtime.txt pyproject.toml
	@$(COMPILE) -c $(LOCKS)/lock.txt -o $(LOCKS)/lock-build.txt --group pyproject.toml:build

clean: ## remove what the targets above made, .venv too
	rm -rf $(VENV) build dist .coverage .coverage.* .hypothesis .import_linter_cache
	rm -rf .mypy_cache .pytest_cache .ruff_cache
	find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

# Run cog with option $(1) over each page that has a generated part.
define cog
pages=$$(grep -rlF --include='*.md' '[[[cog' *.md docs 2>/dev/null || true); \
	if [ -n "$$pages" ]; then $(PY) -m cogapp $(1) $$pages; fi
endef

# ------------------------------------------------------------------------------ what they need
# A stamp is newer than what it was made from, so nothing is installed twice.

$(VENV)/.dev: $(VENV)/.runtime $(LOCKS)/lock.txt
	@echo "Installing the tools into $(VENV) ..."
	@$(PIP) install -r $(LOCKS)/lock.txt
	@touch $@

$(VENV)/.runtime: $(PY) pyproject.toml $(LOCKS)/lock-runtime.txt $(LOCKS)/lock-build.txt
	@echo "Installing waypost into $(VENV) ..."
	@$(PIP) install -r $(LOCKS)/lock-runtime.txt -r $(LOCKS)/lock-build.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Waypost needs Python 3.11 or newer; '$(PYTHON)' is not." >&2; \
		echo "Name another one: make PYTHON=python3.13 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "'$(PYTHON)' cannot make virtual environments." >&2; \
		echo "On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(UV):
	@$(PYTHON) -m venv build/uv
	@build/uv/bin/python -m pip --disable-pip-version-check -qq install 'uv>=0.13,<0.14'
