# What a newcomer, a maintainer and the continuous integration run. `make` lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
MAKEFLAGS += --no-print-directory
VENV := .venv
BIN := $(VENV)/bin
# The small modules come last, so that no worker is left alone with a large one.
PYTEST := $(BIN)/python -m pytest -q -n 2 --dist loadscope --no-loadscope-reorder --ignore tests/containers
PACKAGES := $(wildcard libs/*/pyproject.toml services/*/pyproject.toml)
SEED ?=
THEME ?=
OUT ?= out
COUNT ?= 12
DATA ?=
PRESET ?= quick
MODEL ?= $(OUT)/model-$(PRESET)

export SEED THEME OUT COUNT DATA PRESET MODEL PYTHON

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/embedded.stamp: requirements/build.txt requirements/embedded.txt $(PACKAGES) scripts/setup.sh
	@scripts/setup.sh embedded
	@touch $@

$(VENV)/dev.stamp: requirements/build.txt requirements/dev.txt $(PACKAGES) scripts/setup.sh
	@scripts/setup.sh dev
	@touch $@ $(VENV)/embedded.stamp

$(VENV)/train.stamp: requirements/build.txt requirements/train.txt requirements/torch.txt $(PACKAGES) scripts/setup.sh
	@scripts/setup.sh train
	@touch $@ $(VENV)/embedded.stamp

$(VENV)/models.stamp: requirements/build.txt requirements/models.txt requirements/stable-audio.txt requirements/torch.txt $(PACKAGES) scripts/setup.sh
	@scripts/setup.sh models
	@touch $@ $(VENV)/embedded.stamp

$(VENV)/servers.stamp: requirements/servers.txt $(VENV)/models.stamp
	@scripts/setup.sh servers
	@touch $@

$(VENV)/measure.stamp: requirements/measure.txt $(VENV)/train.stamp
	@scripts/setup.sh measure
	@touch $@

.PHONY: setup
setup: $(VENV)/embedded.stamp ## make the environment (the targets below do it by themselves)

.PHONY: setup-train
setup-train: $(VENV)/train.stamp ## add what training needs (torch; 1.4 GB, more where it brings CUDA)

.PHONY: setup-models
setup-models: $(VENV)/models.stamp ## add what Stable Diffusion and Stable Audio need (torch as above; the weights: postcards fetch-models)

.PHONY: setup-servers
setup-servers: $(VENV)/servers.stamp ## add the OpenAI-compatible servers that the tests ask

.PHONY: setup-measure
setup-measure: $(VENV)/measure.stamp ## add what the benchmark of the models' quality needs besides

.PHONY: postcard
postcard: $(VENV)/embedded.stamp ## make one postcard: SEED=, THEME=, OUT= are optional
	@$(BIN)/postcards create --start --out "$$OUT" $${SEED:+--seed "$$SEED"} $${THEME:+--theme "$$THEME"}

.PHONY: jungle
jungle: $(VENV)/embedded.stamp ## make COUNT= postcards and a page that links them; run again to finish what is missing
	@$(BIN)/postcards jungle --start --count "$$COUNT" --out "$$OUT/jungle" $${SEED:+--seed "$$SEED"} $${THEME:+--theme "$$THEME"}

.PHONY: up
up: $(VENV)/embedded.stamp ## run the four services on loopback until Ctrl-C
	@$(BIN)/postcards up --out "$$OUT"

.PHONY: train
train: $(VENV)/train.stamp ## learn from the pictures in DATA=, e.g. make train DATA=photos PRESET=quick; MODEL= names the folder
	@test -n "$$DATA" || { echo "postcards: say where the pictures are: make train DATA=folder" >&2; exit 2; }
	@$(BIN)/postcards-train --data "$$DATA" --out "$$MODEL" --preset "$$PRESET" $$(test -d "$$MODEL/checkpoints" && echo --resume)

.PHONY: test
test: $(VENV)/dev.stamp ## run every test that can run on this machine (those of training and of models after `make setup-train setup-models setup-servers`; those of containers: make e2e)
	@$(PYTEST) -m "not long"

.PHONY: test-long
test-long: $(VENV)/dev.stamp ## run the tests that take their time: kills, storms, ten thousand species
	@$(PYTEST) -m long

.PHONY: lint
lint: $(VENV)/dev.stamp $(VENV)/train.stamp $(VENV)/models.stamp ## check style, types, protos, shell scripts and workflows
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	cd protos && ../$(BIN)/buf lint && ../$(BIN)/buf format --diff --exit-code
	$(BIN)/shellcheck scripts/*.sh .ci/run
	$(BIN)/actionlint -shellcheck $(BIN)/shellcheck
	$(BIN)/pyright

.PHONY: format
format: $(VENV)/dev.stamp ## put the code and the protos into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	cd protos && ../$(BIN)/buf format -w

.PHONY: protos
protos: $(VENV)/dev.stamp ## generate libs/stubs from protos/
	scripts/generate_stubs.sh libs/stubs/src

.PHONY: dashboards
dashboards: $(VENV)/dev.stamp ## write the dashboards of Grafana, and the alerts once more for Kubernetes
	@$(BIN)/python deploy/grafana/generate.py
	@$(BIN)/python scripts/prometheus_rule.py

.PHONY: wheels
wheels: $(VENV)/dev.stamp ## build every package, install them by name into an empty environment and make a postcard there
	@scripts/check_wheels.sh

.PHONY: images
images: ## build the container images: ONLY="image composer", VARIANT=models and VERSION= are optional
	@scripts/build_images.sh

.PHONY: e2e
e2e: $(VENV)/dev.stamp ## build the images, run the whole system in containers, break it and tear it down (needs a Docker engine)
	@scripts/e2e.sh

.PHONY: bench
bench: $(VENV)/dev.stamp $(VENV)/measure.stamp ## run every benchmark; each prints a table (quality of a model: with DATA=photographs)
	@for file in benchmarks/*.py; do \
	  set --; \
	  if [ $$file = benchmarks/model_quality.py ]; then \
	    [ -n "$$DATA" ] || { echo "== $$file: left out, name the photographs: make bench DATA=folder"; continue; }; \
	    set -- --data "$$DATA"; \
	  fi; \
	  echo "== $$file"; $(BIN)/python $$file "$$@" || exit 1; \
	done

.PHONY: lock
lock: $(VENV)/dev.stamp ## renew the locked requirements; UPGRADE=--upgrade takes the newest of everything
	scripts/lock.sh $(UPGRADE)
