# The two commands: `make run` (events to a gated champion and its first report) and `make test`.
PYTHON ?= python3.11
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.DEFAULT_GOAL := help
.PHONY: help install install-dev run up test lint bench mutants screenshots figures constraints clean

help:  ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

install: .venv/.installed  ## A virtual environment with everything that `make run` needs

install-dev: .venv/.installed-dev  ## The same with what tests and lint need

$(BIN)/python:
	$(PYTHON) -m venv .venv

.venv/.installed: pyproject.toml setup.py constraints.txt | $(BIN)/python
	@echo "installing (about two minutes the first time)"
	$(PIP) -e .
	@touch $@

.venv/.installed-dev: pyproject.toml constraints.txt | .venv/.installed
	$(PIP) -e '.[dev]'
	@touch $@

run: install  ## Events to gated champions and a first monitoring report (ARGS="--source git:PATH")
	$(BIN)/ml-platform run $(ARGS)

up: install  ## PostgreSQL, MLflow, Dagster's daemon and UI, until Ctrl-C (ARGS="--port 3001")
	$(BIN)/ml-platform up $(ARGS)

test: install-dev  ## All tests, on two processes (ARGS="-k gates")
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

lint: install-dev  ## Style, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install-dev  ## The benchmarks at a size of a few minutes; each has --help
	for benchmark in features drift drift_calibration intervals simulator; do \
	  echo "== $$benchmark"; $(BIN)/python -m benchmarks.$$benchmark || exit 1; done

mutants: install-dev  ## Small changes of the code, one at a time: do the tests notice? (ARGS="--count 50 --only gates")
	$(BIN)/python -m benchmarks.mutants $(ARGS)

screenshots: install-dev  ## The pictures of the README, taken from a running home with a headless browser
	PYTHONPATH=. $(BIN)/python docs/pictures.py

figures: install  ## The figures of the README, from a run of the default simulation at a fixed clock
	$(BIN)/ml-platform run --home $$(mktemp -d) --as-of 2026-11-21T00:00Z --json | $(BIN)/python docs/figures.py

constraints:  ## constraints.txt made anew from pyproject.toml in a fresh environment
	rm -rf .venv-constraints && $(PYTHON) -m venv .venv-constraints
	.venv-constraints/bin/python -m pip install --quiet -e '.[dev]'
	.venv-constraints/bin/python -m pip freeze --exclude-editable | sed "s/+cpu$$//" > constraints.txt
	rm -rf .venv-constraints

clean:  ## Removes the home folder .ml_platform (a clean start)
	rm -rf .ml_platform
