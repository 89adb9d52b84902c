# build · test · docs · data · observe · spark: `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
DATASET ?= demo
RAW_DATA ?= data/$(DATASET)
SOURCE_FILE ?=
CUSTOMERS ?= 5000
SEED ?= 1
PUBLISH ?= publish
REPORT_LANGUAGE ?= en
BENCH ?= target/benchmarks
SPARK_CUSTOMERS ?= 300

# Lines of dbt that are left out while a build goes on: tests that pass, and what merely starts.
UNEVENTFUL := START|PASS |SKIP |OK loaded|NO-OP exposure|Running with|Registered|Concurrency|partial parsing|LEFT AS IT IS|^[0-9:]+ *$$

OBSERVED := target/observability
OBSERVE_AT ?=

VENV := .venv
BIN := $(VENV)/bin
# All at once, by all cores: where PYTHONDONTWRITEBYTECODE is set, as in many images, every process would
# compile the libraries anew. What cannot be compiled (templates) is left.
COMPILE := $(BIN)/python -m compileall -q -j 0 $(VENV)/lib
WAREHOUSE := data/$(notdir $(patsubst %/,%,$(RAW_DATA))).duckdb
export PATH := $(CURDIR)/$(BIN):$(PATH)
export DBT_PROFILES_DIR := $(CURDIR)
export SEGMENTATION_DATABASE := $(WAREHOUSE)
export RAW_DATA
# dbt writes every statement down otherwise, which takes a fifth of the time of its tests.
export DBT_LOG_LEVEL_FILE ?= info

.PHONY: help setup setup-dev setup-spark data build hourly daily retrain retry report rollback test lint lint-sql lint-declared docs bench bench-models spark observe clean

help:  ## What can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/.installed  ## The environment, from requirements.lock

setup-dev: $(VENV)/.installed-dev  ## The environment with what tests and `make observe` need

$(VENV)/.installed: requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; set PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the environment into $(VENV) (some minutes, once)"
	@$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(COMPILE) python_ext dbt || true
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	@echo "Installing what tests need into $(VENV) (some minutes, once)"
	@$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(COMPILE) || true
	@touch $@

setup-spark: $(VENV)/.installed-spark  ## The environment with Spark (518 MB more); Java 17 must be there

$(VENV)/.installed-spark: requirements-spark.lock $(VENV)/.installed
	@echo "Installing Spark into $(VENV) (some minutes, once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-spark.lock
	@$(COMPILE) || true
	@touch $@

data: setup  ## The raw data of DATASET, where it is not there yet
	@if [ $(RAW_DATA) = data/$(DATASET) ] && [ ! -e $(RAW_DATA) ]; then \
	  if [ $(DATASET) = demo ]; then \
	    segmentation datasets generate --customers $(CUSTOMERS) --seed $(SEED) --out $(RAW_DATA); \
	  else \
	    segmentation datasets import $(DATASET) $(if $(SOURCE_FILE),--source-file $(SOURCE_FILE)) --out $(RAW_DATA); \
	  fi; \
	fi

STEP = build $(SELECTION) --vars "$$(segmentation vars --raw-data $(RAW_DATA) $(RUN))"

build: data  ## Raw files to published marts, with tests and a summary
	@mkdir -p $(dir $(WAREHOUSE))
	@segmentation check --raw-data $(RAW_DATA) --database $(WAREHOUSE)
	@dbt --no-use-colors $(STEP) | grep --line-buffered -vE '$(UNEVENTFUL)'
	@segmentation publish --database $(WAREHOUSE) --out $(PUBLISH)
	@segmentation summary --published $(PUBLISH)/segments.duckdb
	@segmentation report --published $(PUBLISH)/segments.duckdb --language $(REPORT_LANGUAGE) --out $(PUBLISH)/segments.html
	@segmentation models cards --published $(PUBLISH)/segments.duckdb --language $(REPORT_LANGUAGE) --out $(PUBLISH)/models.html

hourly: RUN := --run hourly  ## New events, orders and consents, with yesterday's models; then publish
hourly: SELECTION := --selector hourly
hourly: build

daily: RUN := --run daily  ## All but training and judging; then publish
daily: SELECTION := --selector daily
daily: build

retrain: SELECTION := --selector retrain  ## Everything, models that are due among it; then publish
retrain: build

retry: STEP := retry  ## What the build before could not do after an error; then publish
retry: build

report: setup  ## The published segments as one page that opens offline
	@segmentation report --published $(PUBLISH)/segments.duckdb --language $(REPORT_LANGUAGE) --out $(PUBLISH)/segments.html

rollback: setup  ## The champion of TARGET steps back to the one before; then `make build`
	@dbt --no-use-colors --quiet run-operation rollback_model --args '{target: $(TARGET)}' --vars "$$(segmentation vars --raw-data $(RAW_DATA))"

test: setup-dev lint  ## Lint, then pytest, which runs real builds
	@python -m pytest

lint: setup-dev
	@ruff check .
	@ruff format --check .
	@mkdir -p target
	@$(MAKE) --no-print-directory -j2 lint-sql lint-declared

lint-sql:
	@DBT_TARGET_PATH=target/lint SEGMENTATION_DATABASE=target/lint.duckdb sqlfluff lint --disable-progress-bar models tests/singular analyses

lint-declared:
	@yamllint --strict .
	@SEGMENTATION_DATABASE=target/lint_parse.duckdb dbt parse --quiet
	@dbt-bouncer --config-file dbt-bouncer.yml

docs: data  ## One static page of dbt docs: target/static_index.html
	@dbt docs generate --static --quiet --vars "$$(segmentation vars --raw-data $(RAW_DATA))"
	@echo "Open target/static_index.html"

observe: setup-dev build  ## Watch the data: anomaly tests and report of elementary (observability/README.md)
	@mkdir -p $(OBSERVED)/.edr && cp observability/config.yml $(OBSERVED)/.edr/
	@dbt deps --quiet --project-dir observability --log-path $(OBSERVED)/logs
	@vars="$$(python observability/vars.py --raw-data $(RAW_DATA) --database $(WAREHOUSE) --at '$(OBSERVE_AT)')"; built=0; \
	OBSERVABILITY=1 dbt build --quiet --target-path $(OBSERVED) --log-path $(OBSERVED)/logs --vars "$$vars" || built=$$?; \
	cd $(OBSERVED); \
	DO_NOT_TRACK=1 HOME="$$PWD" SEGMENTATION_DATABASE="$(abspath $(WAREHOUSE))" \
	  DBT_PACKAGES_FOLDER="$(CURDIR)/dbt_packages" EDR_INTERNAL_TARGET_PATH="$$PWD/edr" \
	  edr report --quiet-logs --profiles-dir "$(CURDIR)/observability" --target-path "$$PWD/edr" \
	  --file-path "$$PWD/report.html" --disable-samples true --open-browser false; \
	python "$(CURDIR)/observability/findings.py" .; \
	echo "Open $(OBSERVED)/report.html"; exit $$built

bench: setup-dev $(BENCH)/env/.installed  ## Builds of 10,000 to 1,000,000 customers beside other programs: benchmarks/RESULTS.md (hours)
	@python -W ignore benchmarks/at_scale.py --work $(BENCH)/scale --python-of-others $(BENCH)/env/bin/python

$(BENCH)/env/.installed: requirements-bench.lock | setup
	@$(BIN)/python -m venv $(BENCH)/env
	@$(BENCH)/env/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock
	@touch $@

bench-models: setup-dev  ## The figures of segments, scores and value, measured here: an hour and more
	@missed=; for script in \
	  classic_script.py \
	  "segments_truth.py --folder $(BENCH)" \
	  "segments_at_scale.py --folder $(BENCH)" \
	  "segments_over_time.py --work $(BENCH)/over_time $(if $(wildcard data/online_retail),--online-retail data/online_retail)" \
	  value_at_scale.py \
	  scores_at_scale.py \
	  "scores_at_scale.py --train-customers 100000" \
	  "scores_over_time.py --work $(BENCH)/scores_over_time" \
	  "scores_truth.py --folder $(BENCH)"; \
	do python -W ignore benchmarks/$$script || missed="$$missed $${script%% *}"; done; \
	test -z "$$missed" || { echo "A claim does not hold here:$$missed"; exit 1; }

spark: setup-spark  ## The demo on DuckDB and on a Spark cluster of this machine, every mart compared
	@python benchmarks/spark_compare.py --customers $(SPARK_CUSTOMERS) --seed $(SEED)

clean:  ## Remove logs, caches and reports of builds; warehouses stay, for they remember keys, names and models
	@rm -rf target logs dbt_packages
