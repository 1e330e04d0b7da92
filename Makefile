# make demo   see the whole idea on real documents (DOCS=folder and QUESTION="…" for your own)
# make test   lint, types, import contracts and tests; what CI runs (WORKERS=2 spreads the tests over two processes)
# make bench  regenerate the figures of the README (needs the data sets, see benchmarks/README.md)

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test lint types contracts pytest bench setup model browser format clean

demo: setup
	@$(BIN)/carrel demo $(if $(DOCS),--docs "$(DOCS)") $(if $(QUESTION),--question "$(QUESTION)")

test: lint types contracts pytest

setup: $(VENV)/.base model

model: $(VENV)/.base
	@$(BIN)/python -m carrel.models install

$(VENV)/.base: pyproject.toml constraints.txt
	@echo "setting up $(VENV): about a minute the first time"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.base
	@$(PIP) --editable ".[dev]"
	@touch $@

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

contracts: $(VENV)/.dev
	$(BIN)/lint-imports --no-cache

pytest: $(VENV)/.dev model browser
	$(BIN)/python -m pytest $(if $(WORKERS),--numprocesses $(WORKERS))

browser:
	@.ci/browser

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev model
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.report

clean:
	rm -rf $(VENV) demo .mypy_cache .ruff_cache .pytest_cache
