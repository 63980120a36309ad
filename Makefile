# The verbs of this project. Each makes .venv first where it is missing.
#
#   make demo    a simulated day of charging in about 90 seconds, with its report
#   make test    all tests, with short forms of `sim` and `chaos` inside
#   make check   format, lint, types, layers, and the rules of the house
#   make bench   the table of measurements
#   make sim     a thousand seeds of the simulation
#   make chaos   runs that are killed, again and again
#   make install .venv with pointsman and its devices, and nothing for tests
#   make clean   all that the above made

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: install demo test check bench sim chaos clean broker
.DEFAULT_GOAL := install

install: $(VENV)/.all

demo: $(VENV)/.all
	$(BIN)/pointsman demo $(ARGS)

test: $(VENV)/.test broker
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

check: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/test_house.py

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks $(ARGS)

sim: $(VENV)/.test
	POINTSMAN_SEEDS=1000 $(BIN)/python -m pytest tests/simulation --timeout=3600 $(ARGS)

chaos: $(VENV)/.test
	POINTSMAN_KILLS=50 $(BIN)/python -m pytest tests/chaos --timeout=3600 $(ARGS)

# The MQTT broker that tests talk to. Without it they are skipped, in one loud line.
broker:
	@PATH="$$PATH:/usr/sbin" command -v mosquitto >/dev/null || { \
	    if [ "$$(id -u)" = 0 ]; then as=; else as="sudo -n"; fi; \
	    echo "installing Debian's mosquitto" >&2; \
	    { $$as apt-get update -qq && \
	      DEBIAN_FRONTEND=noninteractive $$as apt-get install -y -qq --no-install-recommends mosquitto; \
	    } >/dev/null 2>&1 || echo "cannot install mosquitto: tests over MQTT will be skipped" >&2; }

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache \
	    .benchmarks .coverage dist build src/*.egg-info
	find src tests benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp a set of extras, so that a second call costs nothing.
$(VENV)/.all: EXTRAS := all
$(VENV)/.test: EXTRAS := all,test
$(VENV)/.bench: EXTRAS := all,test,bench
$(VENV)/.all $(VENV)/.test $(VENV)/.bench: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	    -c constraints.txt -e '.[$(EXTRAS)]'
	touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "$(PYTHON) is missing or older than 3.11: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	    echo "$(PYTHON) has no venv: apt-get install python3-venv, or the like" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
