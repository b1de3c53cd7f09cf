# The commands people type. `make` alone lists them.
#   make run [MODEL=smollm2-135m|qwen2.5-coder-1.5b|both] [PORT=8000] [PYTHON=python3.11]
#   make test [TESTS="tests/unit -k words"]
# Only Python 3.11 must be there; deploy/bootstrap.py brings everything else.

PYTHON ?= $(or $(shell for name in python3.11 python3; do \
	$$name -c '' 2>/dev/null && echo $$name && break; done),python3)
BOOTSTRAP = $(PYTHON) -m deploy.bootstrap
CHOSEN = $(if $(MODEL),--model $(MODEL)) $(if $(PORT),--port $(PORT))
BIN = .venv/bin

.PHONY: help setup run test develop lint types bench locks longest clean

help:
	@echo "make run      set up what is missing, start everything, print the address"
	@echo "make setup    set up what is missing, start nothing"
	@echo "make test     set up, then lint, types and every test that needs no GPU"
	@echo "make lint     style, import contracts        make types    type checker"
	@echo "make bench    measurements, side by side     make longest  the longest files"
	@echo "make locks    resolve the packages anew    make clean    remove .venv and caches"

setup:
	@$(BOOTSTRAP) setup $(CHOSEN)

run:
	@$(BOOTSTRAP) run $(CHOSEN)

test:
	@$(BOOTSTRAP) test -- $(TESTS)

# What only developers need, when it is missing or out of date.
develop:
	@$(BOOTSTRAP) develop

lint: develop
	$(BIN)/ruff check .
	$(BIN)/lint-imports

types: develop
	$(BIN)/mypy assistant compliance inference deploy tests

bench: develop
	$(BIN)/python -m tests.bench

locks: develop
	$(BIN)/python -m deploy.lock

longest:
	@git ls-files '*.py' '*.js' '*.css' '*.html' '*.sql' | xargs wc -l | sort -rn | sed -n '2,21p'

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
