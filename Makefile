# Yike on one machine. `make up` needs python3 (3.11+), make, git and a package index; nothing else.
PYTHON ?= python3
PORT ?= 8000
STATE := .yike
PY := $(STATE)/venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help env up start stop status logs reset demo test check bench bench-matching city city-live format

help: ## this list
	@$(PYTHON) -c 'import re; [print(f"  make {t:14} {d}") for t, d in re.findall(r"^([a-z-]+):.*## (.*)", open("Makefile").read(), re.M)]'

env: ## make .yike/venv hold what uv.lock says
	@$(PYTHON) deploy/bootstrap.py

up: env ## start everything in the foreground on http://127.0.0.1:8000 (PORT= moves it); Ctrl-C stops it
	@exec $(PY) -m deploy.local up --port $(PORT)

start: env ## the same in the background
	@exec $(PY) -m deploy.local start --port $(PORT)

stop: env ## stop what `make start` started
	@exec $(PY) -m deploy.local stop

status: env ## what runs, where, since when
	@exec $(PY) -m deploy.local status

logs: env ## follow the logs
	@exec $(PY) -m deploy.local logs

reset: env ## forget all data after asking (YES=1 does not ask)
	@exec $(PY) -m deploy.local reset $(if $(YES),--yes)

demo: env ## a day of calls in simulated time: CALLS= MAPPING= DAY= SPEED= SEED= JSON= KILL=1
	@exec $(PY) -m deploy.demo $(if $(CALLS),--calls "$(CALLS)") $(if $(MAPPING),--mapping "$(MAPPING)") \
	  $(if $(DAY),--day $(DAY)) $(if $(SPEED),--speed $(SPEED)) $(if $(SEED),--seed $(SEED)) $(if $(JSON),--json "$(JSON)") $(if $(filter 1,$(KILL)),--kill)

test: env ## everything, on real PostgreSQL and Kafka
	@$(PY) -m pytest -n 2

check: env ## format, lint, types, import contracts, tests that need no stack
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -m mypy
	@$(STATE)/venv/bin/lint-imports
	@$(PY) -m pytest -q -n 2 -m "not stack"

format: env ## rewrite to the house format
	@$(PY) -m ruff format .
	@$(PY) -m ruff check --fix .

bench: env ## pace of the skeleton on this machine
	@exec $(PY) -m bench

bench-matching: env ## one matching of 1,000 cases and 10,000 people, beside scipy alone: JSON= ROUNDS=
	@exec $(PY) -m bench.matching $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(JSON),--json "$(JSON)")

city: env ## simulated days, policies against each other: SEEDS=100-129 JSON= POLICIES= SCENARIOS= CALLS= MAPPING= PLOTS= BOUNDS=10
	@exec $(PY) -m bench.city $(if $(SEEDS),--seeds "$(SEEDS)") $(if $(POLICIES),--policies "$(POLICIES)") $(if $(SCENARIOS),--scenarios "$(SCENARIOS)") \
	  $(if $(CALLS),--calls "$(CALLS)") $(if $(MAPPING),--mapping "$(MAPPING)") $(if $(JSON),--json "$(JSON)") $(if $(PLOTS),--plots "$(PLOTS)") \
	  $(if $(BOUNDS),--bound-seeds "$(BOUNDS)")

city-live: env ## the same city through the real services, beside its arrays: SCENARIO= SEED= HOURS= PEOPLE= JSON=
	@exec $(PY) -m bench.city_live $(if $(SCENARIO),--scenario $(SCENARIO)) $(if $(SEED),--seed $(SEED)) $(if $(HOURS),--hours $(HOURS)) \
	  $(if $(PEOPLE),--people $(PEOPLE)) $(if $(JSON),--json "$(JSON)")
