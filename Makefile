# `make help` lists what there is. Everything sets up what it needs first; a second run starts in seconds.
SHELL := /bin/bash
PYTHON ?= python3
SCENARIO ?= bad-build
BIN := .venv/bin
MATRICES := tests/scenarios/crash_matrix tests/scenarios/fault_matrix tests/scenarios/answer_matrix tests/scenarios/readiness_matrix
export PYTHONPATH := $(CURDIR)

.PHONY: help setup demo dev test test-fast check matrices policies format infra bench bench-detection bench-sync lock pages clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

setup: ## set up the Python 3.13 environment and Azurite
	@command -v $(PYTHON) >/dev/null || { echo "python3 is missing; install Python 3.13 from https://www.python.org/downloads/" >&2; exit 1; }
	@$(PYTHON) local/bootstrap.py app storage

demo: setup ## break a real site and watch it being taken back (SCENARIO=bad-build, dead-build, crash, lost-reply, duplicate, blind, blip, healthy, wrong-slot, percentage, pinned, slow-swap, dns, flag, promotion, promotion-bad, ladder, paused, data)
	@$(BIN)/python -m local.demo $(SCENARIO)

dev: setup ## leave the rig running in the foreground; prints one line of JSON when ready (ports: RIG_APP_PORT, RIG_SITE_PORT, RIG_SIMULATOR_PORT)
	@exec $(BIN)/python -m local.rig

test: setup ## run all tests, against a real Azurite
	@$(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder tests/unit tests/contract tests/infra tests/browser tests/functional
	@$(BIN)/python -m pytest -n 3 --dist worksteal $(MATRICES)
	@$(BIN)/python -m pytest -n 2 --dist loadfile tests/scenarios $(addprefix --ignore=,$(MATRICES))

test-fast: setup ## run the tests that one edits by (one to two minutes)
	@$(BIN)/python -m pytest -n 2 -m "not long" tests/unit

check: setup ## lint, format, types, import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

matrices: setup ## print the matrices: what sources, crashes and Azure's answers can do to it (about ten minutes)
	@for matrix in $(MATRICES); do $(BIN)/python -m $$(echo $$matrix | tr / .) || exit 1; done
	@$(BIN)/python -m tests.contract.identity.table
	@$(BIN)/python -m tests.functional.app.access_table

policies: setup ## check the policies: name what is wrong with file, line and what was expected
	@$(BIN)/python -m shared.policy check policies/*.yaml --any-settings

format: setup ## put the code into its format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

infra: setup ## check infra/ with checkov as well (its own environment)
	@$(PYTHON) local/bootstrap.py infra
	@.venv-infra/bin/checkov -d infra --skip-download --quiet --compact

bench: setup ## print the measurements, one JSON object a line
	@$(BIN)/python -m bench

bench-detection: setup ## measure how well health is judged: on labelled watches beside this folder, if they are there, and on noise (about ten minutes; EPISODES=FILE)
	@$(BIN)/python -m bench.detection $(if $(EPISODES),--episodes $(EPISODES))

bench-sync: setup ## measure rows going back beside other ways to do it, on two databases (about half an hour; ROWS=1000000)
	@$(BIN)/python -m bench.sync --rows $(or $(ROWS),1000000)

lock: setup ## pin the newest allowed versions into requirements*.txt
	@for name in requirements requirements-dev requirements-infra; do \
	  $(BIN)/uv pip compile --quiet --upgrade --python-version 3.13 --universal --generate-hashes --no-emit-index-url --no-header $$name.in -o $$name.txt || exit 1; \
	done

pages: setup ## write the pages that are made from code: the policies' JSON Schema, the settings
	@$(BIN)/python -m shared.policy schema > docs/policy.schema.json
	@$(BIN)/python -c "from shared.settings import settings_page; print(settings_page(), end='')" > docs/settings.md

clean: ## remove what was set up
	rm -rf .venv .venv-infra node_modules .rig .mypy_cache .ruff_cache .pytest_cache .hypothesis
