# Everything a developer or a newcomer runs. `make help` lists the targets.

SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# A stamp says which locked requirements are installed; editing the lock installs again.
RUN_STAMP := $(VENV)/.run
DEV_STAMP := $(VENV)/.dev
BENCH_STAMP := $(VENV)/.bench
FUZZ_STAMP := $(VENV)/.fuzz

.PHONY: help
help: ## List the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-24s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Rushes needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Set PYTHON=, for example: make demo PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "Could not make $(VENV). On Debian: apt install python3-venv" >&2; exit 1; }

$(RUN_STAMP): requirements/run.txt pyproject.toml | $(BIN)/python
	@echo "Installing the locked dependencies into $(VENV) …"
	@$(PIP) install --require-hashes -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV_STAMP): requirements/dev.txt $(RUN_STAMP)
	@echo "Installing the locked tools for development …"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

$(BENCH_STAMP): requirements/bench.txt bench/install_redis.sh $(RUN_STAMP)
	@echo "Installing what the benchmark compares with …"
	@$(PIP) install --require-hashes -r requirements/bench.txt
	@bench/install_redis.sh
	@touch $@

$(FUZZ_STAMP): requirements/fuzz.txt $(DEV_STAMP)
	@echo "Installing what makes requests from the OpenAPI document …"
	@$(PIP) install --require-hashes -r requirements/fuzz.txt
	@touch $@

.PHONY: demo
demo: $(RUN_STAMP) ## Send a video through the whole pipeline: make demo [VIDEO=path]
	@exec "$(BIN)/rushes" demo $${VIDEO:+-- "$$VIDEO"}

.PHONY: up
up: $(RUN_STAMP) ## Serve until Ctrl-C
	@exec "$(BIN)/rushes" up

.PHONY: bench
bench: $(BENCH_STAMP) $(DEV_STAMP) ## Measure Rushes beside what it replaces, half an hour: make bench [ONLY=a,b]
	@exec "$(BIN)/python" -m bench run $${ONLY:+--only "$$ONLY"}

.PHONY: bench-quick
bench-quick: $(BENCH_STAMP) $(DEV_STAMP) ## The same in five minutes, for a first look
	@exec "$(BIN)/python" -m bench run --quick $${ONLY:+--only "$$ONLY"}

.PHONY: bench-docs
bench-docs: $(RUN_STAMP) ## Write docs/benchmarks.md from what make bench measured
	@exec "$(BIN)/python" -m bench docs

.PHONY: capacity
capacity: $(DEV_STAMP) ## Measure what a video uses, and load this machine, a quarter of an hour: make capacity [MINUTES=4]
	@exec "$(BIN)/python" -m bench.capacity run --minutes $${MINUTES:-4}

.PHONY: capacity-docs
capacity-docs: $(DEV_STAMP) ## Write docs/capacity.md from what make capacity measured
	@exec "$(BIN)/python" -m bench.capacity docs

.PHONY: test-in-a-bucket
test-in-a-bucket: $(DEV_STAMP) ## The end-to-end tests of `make test` with all files in a bucket
	@RUSHES_TEST_STORAGE=bucket "$(BIN)/python" -m pytest -q tests/end_to_end

.PHONY: fuzz
fuzz: $(FUZZ_STAMP) ## Requests made from the OpenAPI document, with a key and without one, minutes
	@exec "$(BIN)/python" -m tests.fuzz.schema

.PHONY: soak
soak: $(DEV_STAMP) ## Uploads through every door while everything is killed, full and away, a quarter of an hour: make soak [UPLOADS=200 SEED=1 ARGUMENTS=--help]
	@exec "$(BIN)/python" -m tests.soak.soak --uploads $${UPLOADS:-200} --seed $${SEED:-1} $${ARGUMENTS:-}

.PHONY: soak-long
soak-long: $(DEV_STAMP) ## The same with 10,000 small files, three quarters of an hour; figures so far are in var/soak.json
	@mkdir -p var && exec "$(BIN)/python" -m tests.soak.soak --uploads $${UPLOADS:-10000} --seed $${SEED:-1} --in-flight 24 --harms-a-minute 6 --encoded 0.02 --good 0.5 --results var/soak.json $${ARGUMENTS:-}

.PHONY: soak-upload
soak-upload: $(DEV_STAMP) ## 5 GiB, interrupted twenty times, into a disk and into a bucket
	@"$(BIN)/python" -m tests.soak.interrupted && "$(BIN)/python" -m tests.soak.interrupted --bucket

.PHONY: soak-connections
soak-connections: $(DEV_STAMP) ## Twenty thousand connections that say nothing, and a client who wants something
	@exec "$(BIN)/python" -m tests.soak.silent_connections

.PHONY: time-left
time-left: $(DEV_STAMP) ## How near the truth the time left is that a long encode tells, minutes: make time-left [LENGTH=150]
	@exec "$(BIN)/python" -m tests.soak.time_left --seconds $${LENGTH:-150}

.PHONY: runbooks
runbooks: $(DEV_STAMP) ## Bring about what each alert tells of, and mend it as its runbook says, a quarter of an hour: make runbooks [ONLY=RushesDiskFull]
	@exec "$(BIN)/python" -m tests.runbooks.every $${ONLY:+--only "$$ONLY"}

.PHONY: failpoints
failpoints: $(DEV_STAMP) ## Kill a process at every step of uploads, runs and deletions, twenty minutes: make failpoints [ONLY=deleted]
	@"$(BIN)/python" -m tests.failpoints.every $${ONLY:+--only "$$ONLY"}
	@[ -n "$$ONLY" ] || RUSHES_TEST_EXAMPLES=100 exec "$(BIN)/python" -m pytest -q tests/runs/test_rows_and_runs.py

.PHONY: screenshots
screenshots: $(DEV_STAMP) ## Every state of the page as pictures in var/screenshots and docs/pictures, minutes: make screenshots [ONLY="library"]
	@exec "$(BIN)/python" -m tests.web.screenshots $${ONLY:-}

.PHONY: operator-pictures
operator-pictures: $(DEV_STAMP) ## A failure and a good video as operators see them: page, terminal, dashboard, Web UI; into docs/pictures, minutes
	@exec "$(BIN)/python" -m tests.web.operator_pictures

.PHONY: mutants
mutants: $(DEV_STAMP) ## Five hundred damaged files of every container, each of which has to end ready or with a code, minutes
	@exec "$(BIN)/python" -m tests.hostile.mutants

.PHONY: mutants-through-a-worker
mutants-through-a-worker: $(DEV_STAMP) ## The same uploaded to a stack, whose worker has to outlive them
	@exec "$(BIN)/python" -m tests.hostile.through_a_worker

# What is measured, each by itself: make figures FIGURES="doors hidden"
FIGURES ?= strangers drops media stored doors hidden others forged names bad_rows parts killed_puts moving put_back two_databases backup terminals page

.PHONY: figures
figures: $(DEV_STAMP) ## What is promised in SECURITY.md and reliability.md, asserted and measured, twenty minutes
	@for topic in $(FIGURES); do echo "$$topic:" && "$(BIN)/python" -m "tests.figures.$$topic" || exit; done

.PHONY: test
test: lint pictures ## Everything CI runs: lint, types, import contracts, tests
	@# Types are one process's work for a minute: the tests begin beside it.
	@$(MAKE) --no-print-directory --jobs 2 types unit

.PHONY: check
check: lint types pictures

.PHONY: unit
unit: $(DEV_STAMP)
	@# A run starts hundreds of processes: what they load is compiled once, also where the environment says otherwise.
	@# Much of their time is waiting: four of them keep two processors busy.
	@env -u PYTHONDONTWRITEBYTECODE "$(BIN)/pytest" --numprocesses 4 --dist loadfile --no-loadscope-reorder

.PHONY: lint
lint: $(DEV_STAMP) ## Style, format and import contracts
	@"$(BIN)/ruff" check .
	@"$(BIN)/ruff" format --check .
	@"$(BIN)/lint-imports"

.PHONY: pictures
pictures: $(DEV_STAMP) ## Name the pictures of the documents that are older than what they show
	@"$(BIN)/python" -m tests.web.picture_age

.PHONY: types
types: $(DEV_STAMP) ## mypy --strict
	@"$(BIN)/mypy"

.PHONY: fmt
fmt: $(DEV_STAMP) ## Format, and mend what ruff can mend
	@"$(BIN)/ruff" check --fix .
	@"$(BIN)/ruff" format .

.PHONY: lock
lock: $(DEV_STAMP) ## Lock the dependencies of pyproject.toml anew, with hashes
	@"$(BIN)/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes pyproject.toml -o requirements/run.txt
	@"$(BIN)/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --extra dev pyproject.toml -o requirements/dev.txt
	@"$(BIN)/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --extra bench --constraint requirements/run.txt pyproject.toml -o requirements/bench.txt
	@"$(BIN)/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --extra fuzz --constraint requirements/dev.txt pyproject.toml -o requirements/fuzz.txt

.PHONY: histories
histories: $(DEV_STAMP) ## Record the history of every path of the workflow anew
	@"$(BIN)/python" -m tests.histories.record

.PHONY: docs
docs: $(DEV_STAMP) ## Write the pages that are made from settings, profiles, tests and the API
	@"$(BIN)/python" docs/make_configuration.py
	@"$(BIN)/python" docs/make_media.py
	@"$(BIN)/python" docs/make_openapi.py

.PHONY: clean
clean: ## Remove the virtual environment, caches and the embedded stack's state
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache var
