# padstal: `make repro` runs the main job, `make test` runs the tests; both set up what they need.
.DEFAULT_GOAL := help
SHELL := /bin/bash
BIN := .venv/bin
UV_VERSION := 0.13.8
PYTHON ?= $(shell for p in python3.11 python3.12 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' 2>/dev/null && echo $$p && break; done)
export PATH := $(CURDIR)/$(BIN):$(PATH)
export HF_HUB_OFFLINE ?= 1
export PREFECT_HOME ?= $(CURDIR)/.prefect
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export GX_ANALYTICS_ENABLED := false
export DVC_NO_ANALYTICS := 1
# else every process where it is set (in many containers) compiles torch anew, for seconds
export PYTHONDONTWRITEBYTECODE :=

BASE ?= HEAD
HEAD ?= workspace
SCALE ?= demo
POOL ?= cpu
SERVER_HOST ?= 127.0.0.1
SERVER_PORT ?= 4200
export BASE HEAD SCALE

.PHONY: help setup system repro repro-base flow server worker deployments compare post-comment scale pull push sync test test-long test-unit lint lint-workflows format lock clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: .venv/.ready ## Make .venv from requirements.lock (Python 3.11 or 3.12)

.venv/.ready: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "padstal needs Python 3.11 or 3.12; none found on PATH" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/uv pip sync --quiet --require-hashes --python $(BIN)/python requirements.lock
	$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --python $(BIN)/python --editable .
	touch $@

system: ## Install what comes from the distribution (Chromium, PostgreSQL); needs apt and root
	bash scripts/install_system.sh

repro: setup ## Run the pipeline at the scale of params.yaml and say where the report is
	padstal scan
	dvc repro
	padstal report

repro-base: setup ## Run the pipeline of BASE here, too, and commit what it gives as the tag reproduced-base, for `make compare`
	bash scripts/reproduce_base.sh "$$BASE"

flow: setup ## The same pipeline as a Prefect flow
	padstal scan
	python flows/pipeline.py
	padstal report

server worker deployments: export PREFECT_API_URL ?= http://$(SERVER_HOST:0.0.0.0=127.0.0.1):$(SERVER_PORT)/api
# of wherever the page came from: whatever the port, and from other hosts, too
server: export PREFECT_SERVER_UI_API_URL ?= /api
server: setup ## A Prefect server (SQLite; PREFECT_SERVER_DATABASE_CONNECTION_URL=postgresql+asyncpg://… for PostgreSQL)
	@echo "Other shells, where this is not port 4200 of their host: export PREFECT_API_URL=$$PREFECT_API_URL"
	prefect server start --host $(SERVER_HOST) --port $(SERVER_PORT)

worker: export PADSTAL_CHECKOUT := $(CURDIR)
worker: setup ## A worker for POOL=cpu or POOL=gpu, whose runs use this checkout
	prefect worker start --pool $(POOL) $(if $(filter gpu,$(POOL)),--limit 1)

deployments: setup ## Tell the server of pools, queues, limits, automations and the deployments of prefect.yaml
	python flows/setup.py

compare: setup ## What differs between BASE and HEAD (a revision or `workspace`): comparison/comment.md, plots, sounds
	padstal compare "$$BASE" "$$HEAD" --out comparison

post-comment: ## In comment.yml: keep the pull request's comment; needs no setup, standard library alone
	PYTHONPATH=src $(PYTHON) -m padstal.commands.post_comment

scale: ## Make SCALE (demo, study or full) the active one of params.yaml
	@case "$$SCALE" in demo | study | full) ;; *) echo "SCALE=$$SCALE: expected demo, study or full" >&2; exit 1 ;; esac
	sed -i.bak "s/^scale: .*/scale: $$SCALE/" params.yaml && rm params.yaml.bak

pull: setup ## Get from the DVC remote what dvc.lock names, as far as it is there
	padstal pull

push: setup ## Put the outputs into the DVC remote
	padstal push

sync: setup ## Send to W&B what was recorded offline, with its lineage
	padstal sync

# a file's tests share a worker, and so what they set up and import; tests/conftest.py says which file comes first;
# three, as tests of servers and processes wait much
WORKERS := -n 3 --dist loadfile --no-loadscope-reorder

test: setup ## All tests but the longest (browser, servers, an end-to-end run too)
	bash scripts/install_system.sh --quiet
	python -m pytest -m "not long" $(WORKERS) --durations 30 --durations-min 8

test-long: setup ## The longest tests: a second run from clean, recipes, a scripted week of operations
	bash scripts/install_system.sh --quiet
	python -m pytest -m long

test-unit: setup ## Unit tests alone
	python -m pytest -m "not slow and not long" $(WORKERS)

lint: setup ## Style, types and import contracts
	ruff check .
	ruff format --check .
	mypy
	lint-imports

lint-workflows: setup ## GitHub's workflows: their schema, and what could let a stranger in
	check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	zizmor --offline --min-severity medium .github/workflows

format: setup ## Bring the code to the project's style
	ruff check --fix .
	ruff format .

lock: setup ## Resolve pyproject.toml into requirements.lock (versions and hashes, no addresses)
	uv pip compile --quiet --group dev --generate-hashes --no-emit-index-url --no-emit-find-links \
		--python-version 3.11 --python-platform linux --custom-compile-command "make lock" \
		pyproject.toml --output-file requirements.lock

clean: ## Remove the outputs of all scales' runs, not the DVC cache
	rm -rf .state
	rm -rf data/*/{corpus,ingest,validate,gate,score,caption,curate,latents,samples,evaluate} data/*/truth.parquet models/*/ reports/*/{page.html,index.html,model_cards,local}
