# Each target sets up what it needs in .venv. ARGS is passed on: make serve ARGS="--port 5007"

VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
TYPED := $(wildcard claudia_core dashboards panel_serve.py)
# With bytecode, as pip does it: also where PYTHONDONTWRITEBYTECODE is set, each start would compile 1,400 modules anew.
INSTALL = $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -c constraints.txt
PIP_INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

# On a machine of CI, which others use, too, tests that fail are asked once more, by themselves; both answers stand in the log.
PYTEST = $(BIN)/python -m pytest
AGAIN = $(if $(CLAUDIA_CI),|| { [ $$? -eq 1 ] && echo "== once more: only what failed ==" && $(PYTEST) -p no:nbval --lf --lfnf none $(1); })

.DEFAULT_GOAL := help
.PHONY: help serve test test-unit check bench docs clean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

serve: $(VENV)/.stamp-serve  ## Start the hub with its demo job on 127.0.0.1:5006
	@$(BIN)/python -m compileall -q claudia_core dashboards
	$(BIN)/claudia serve --demo $(ARGS)

test: test-unit  ## Run the tests, then execute the notebooks
	@set -- notebooks/*.ipynb; if [ -e "$$1" ]; then set -x; $(PYTEST) --nbval-lax notebooks; fi

# Browser tests by themselves: their driver keeps an event loop running, which tests of asyncio cannot have around them.
test-unit: $(VENV)/.stamp-dev  ## Run the tests without the notebooks
	@$(BIN)/python -m compileall -q claudia_core dashboards
ifneq ($(strip $(ARGS)),)
	$(PYTEST) -p no:nbval $(ARGS)
else
	$(PYTEST) -p no:nbval -n 2 --dist worksteal -m "not browser" tests $(call AGAIN,-m "not browser" tests)
	$(PYTEST) -p no:nbval -n 2 --dist worksteal -m browser tests $(call AGAIN,-m browser tests)
endif

check: $(VENV)/.stamp-dev  ## Formatting, lint, types, layers of imports, tidiness of the tree
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(TYPED)
	$(if $(wildcard dashboards/__init__.py),$(BIN)/lint-imports,@echo 'no dashboards yet: the layers are not checked')
	$(BIN)/python scripts/check_tree.py

bench: $(VENV)/.stamp-dev  ## Measure the figures that README and docs state
	$(BIN)/python -m benchmarks $(ARGS)

docs: $(VENV)/.stamp-dev  ## Build the API reference in docs/reference/_build
	$(BIN)/pdoc --output-directory docs/reference/_build $(wildcard claudia_core dashboards)

clean:  ## Remove everything that make created (the data in .claudia stays)
	rm -rf $(VENV) dist build docs/reference/_build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	rm -rf .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A set-up that was interrupted leaves no stamp, and is simply continued by the next run.
$(BIN)/uv:
	python=$$(scripts/find-python) && "$$python" -m venv $(VENV)
	$(PIP_INSTALL) uv || echo "uv is not available: pip will do the work" >&2

$(VENV)/.stamp-serve: pyproject.toml constraints.txt | $(BIN)/uv
	$(INSTALL) -e . || $(PIP_INSTALL) -e .
	touch $@

$(VENV)/.stamp-dev: pyproject.toml constraints.txt | $(BIN)/uv
	$(INSTALL) -e '.[all,dev]' || $(PIP_INSTALL) -e '.[all,dev]'
	touch $@ $(VENV)/.stamp-serve
