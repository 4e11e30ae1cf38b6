# Every target makes what it needs, on a machine that has only make and a Python of 3.11 or later.
#   make run      serve at http://127.0.0.1:5000
#   make test     the whole test suite           (ARGS="-k name" narrows it)
#   make check    format, lint, types, import contracts, wheel
#   make fuzz     odd requests to the API, 20,000 on each database     (ARGS="--cases 500")
#   make bench    goals and figures      (bench-growth: home at 1,000 to 1,000,000 posts, drawn;
#                 bench-live: sockets; bench-faults: what breaks, and recovers;
#                 ARGS="--quick", ARGS="--only NAME", for bench also ARGS="--parts pages posts")
# PYTHON=/path/to/python chooses the interpreter, VENV=folder another environment.

VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
QUIET := -qq --progress-bar off

# Candidates are run, not only looked up: a name may stand for nothing that works.
OLD_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
COMPLETE := import ensurepip, venv, sys; sys.exit(sys.version_info < (3, 11))
CANDIDATES := python3.13 python3.12 python3.11 python3.14 python3 python
first_that_can = $(shell for python in $(CANDIDATES); do \
	if "$$python" -c '$(1)' >/dev/null 2>&1; then echo "$$python"; break; fi; done)

.PHONY: run test check fuzz bench bench-growth bench-live bench-faults lock clean
.DELETE_ON_ERROR:

run: $(READY)
	@exec $(BIN)/microblog serve

test: $(READY)
	@$(BIN)/python -m pytest $(ARGS)

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --strict microblog asgi.py
	$(BIN)/mypy --strict examples/*.py
	$(BIN)/lint-imports
	@rm -rf dist
	$(BIN)/hatchling build --target wheel --directory dist

fuzz: $(READY)
	@$(BIN)/python -W ignore -m tests.fuzzing $(ARGS)

bench: $(READY)
	@$(BIN)/python -m benchmarks $(ARGS)

bench-growth: $(READY)
	@$(BIN)/python -m benchmarks.growth $(ARGS)

bench-live: $(READY)
	@$(BIN)/python -m benchmarks.live $(ARGS)

bench-faults: $(READY)
	@$(BIN)/python -m benchmarks.faults $(ARGS)

$(READY): pyproject.toml requirements.lock
	@python="$(or $(PYTHON),$(call first_that_can,$(COMPLETE)))"; \
	if [ -z "$$python" ] && [ -n "$(call first_that_can,$(OLD_ENOUGH))" ]; then \
		echo "make: Python is here, but not its venv module (Debian: apt-get install python3-venv)" >&2; \
		exit 1; \
	elif [ -z "$$python" ]; then \
		echo "make: no Python of 3.11 or later found; name one with PYTHON=/path/to/python" >&2; \
		exit 1; \
	elif ! "$$python" -c '$(COMPLETE)' >/dev/null 2>&1; then \
		echo "make: PYTHON=$$python does not run, is older than 3.11, or lacks venv" >&2; \
		exit 1; \
	fi; \
	if ! [ -x $(BIN)/python ] || ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
		echo "Preparing $(VENV) with $$("$$python" --version)"; \
		rm -rf "$(VENV)"; \
		"$$python" -m venv "$(VENV)"; \
	fi
	@echo "Installing what requirements.lock names (the first time this takes a minute)"
	@$(PIP) install $(QUIET) --require-hashes -r requirements.lock
	@$(PIP) install $(QUIET) --no-deps --no-build-isolation -e .
	@touch $@

# The lock holds every supported Python at once, with hashes.
lock: $(READY)
	@$(BIN)/python -m venv .venv-lock
	@.venv-lock/bin/python -m pip install $(QUIET) --disable-pip-version-check uv
	.venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-header --group dev --output-file requirements.lock $(ARGS) pyproject.toml

# Never touches instance/: that is the data.
clean:
	rm -rf .venv .venv-* dist build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache \
		.coverage .coverage.* htmlcov test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
