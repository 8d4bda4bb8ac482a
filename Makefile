# Any target runs in another environment, too: `make test VENV=.cache/core-2.21 PYTHON=python3.12 WITH='ansible==14.*'`.
PYTHON ?= python3
VENV ?= .venv
REQUIREMENTS ?= tests/requirements.txt
WITH ?=

BIN := $(VENV)/bin
STEP := .ci/step
ON_COLLECTION := $(BIN)/python .ci/collection_test.py

export PATH := $(abspath $(BIN)):$(PATH)

# uv where it is there, else pip. Bytecode is compiled when it is needed, which is four times as quick, and then kept.
unexport PYTHONDONTWRITEBYTECODE
ifneq ($(shell command -v uv),)
CREATE := uv venv --quiet --clear --python $(PYTHON) $(VENV)
INSTALL := uv pip install --quiet --python $(VENV)
ANY_PYTHON := --python-version 3.11
else
CREATE := $(PYTHON) -m venv --clear $(VENV)
INSTALL := $(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check
ANY_PYTHON := --ignore-requires-python
endif

.PHONY: help .venv demo test lint sanity tarball bench clean

help:  ## this list
	@sed -n 's/^\([a-z.]*\):.*  ## /\1	/p' Makefile | expand -t 10

.venv: $(VENV)/ready  ## set up the environment
	@:

$(VENV)/ready: $(REQUIREMENTS)
	@$(STEP) "Setting up $(VENV)" sh -euc ' \
	  $(CREATE); \
	  $(INSTALL) -r $(REQUIREMENTS) $(if $(WITH),"$(WITH)"); \
	  collections=$$($(BIN)/python -c "import sysconfig; print(sysconfig.get_path(\"purelib\"))")/ansible_collections; \
	  test -d "$$collections/amazon" || $(INSTALL) --no-deps $(ANY_PYTHON) ansible==12.3.0; \
	  mkdir -p "$$collections/disaster_recovery"; \
	  ln -sfn "$(CURDIR)" "$$collections/disaster_recovery/aws"; \
	  touch $@'

$(VENV)/ready-to-lint: tests/requirements-lint.txt $(VENV)/ready
	@$(STEP) "Setting up the linters" sh -euc '$(INSTALL) -r $(REQUIREMENTS) -r $< $(if $(WITH),"$(WITH)"); touch $@'

demo: .venv  ## see stopped servers being protected again, without an AWS account
	@$(BIN)/python -m tests.emulator --script demo/fleet.json -- demo/run

test: .venv  ## the unit tests, then the integration targets, on the emulator
	@$(BIN)/python -m pytest --quiet
	@$(ON_COLLECTION) .cache/tree integration

lint: $(VENV)/ready-to-lint sanity  ## every gate
	@$(STEP) "ruff check" $(BIN)/ruff check
	@$(STEP) "ruff format" $(BIN)/ruff format --check
	@$(STEP) "shellcheck" $(BIN)/shellcheck $$(git grep -l --untracked '^#!/usr/bin/env bash')
	@$(STEP) "mypy --strict" $(BIN)/mypy
	@$(STEP) "ansible-lint" $(BIN)/ansible-lint --nocolor
	@# It copies amazon.aws out of the environment, and would find it ignored by this repository.
	@GIT_CEILING_DIRECTORIES="$(CURDIR)" $(STEP) "antsibull-docs" \
	  $(BIN)/antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs=dependent .
	@$(STEP) "antsibull-changelog" $(BIN)/antsibull-changelog lint

sanity: .venv  ## ansible-test's own checks
	@$(ON_COLLECTION) .cache/tree sanity

tarball: .venv  ## build, install into an empty folder, run the integration targets from there
	@rm -rf .cache/dist .cache/installed
	@$(ON_COLLECTION) .cache/tree build --output-path .cache/dist
	@$(ON_COLLECTION) .cache/installed --of .cache/dist/*.tar.gz integration

bench: .venv  ## measure against what people have today
	@$(BIN)/python -m benchmarks

clean:  ## forget the environment and all that was built
	@rm -rf .venv .cache tests/output
