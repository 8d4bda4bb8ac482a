# Any target can run with another Python and Ansible version. .ci/matrix.json lists the tested combinations:
# make test VENV=.cache/core-2.21 PYTHON=python3.13 ANSIBLE=ansible~=14.0
PYTHON ?= python3
VENV ?= .venv
ANSIBLE ?= ansible>=12
# An alternative source of amazon.aws for ansible-galaxy. By default it comes from the PyPI package ansible.
AMAZON_AWS ?=
# How many integration targets run at a time. Targets often wait: three keep two cores busy.
LANES ?= 3

BIN := $(VENV)/bin
STEP := .ci/step
ON_COLLECTION := $(BIN)/python .ci/collection_test.py --lanes $(LANES)
# Each environment has its own directory, and in it tests and linters have theirs, so that they can run in parallel.
WORK := .cache/work/$(patsubst .%,%,$(notdir $(VENV)))
ANSIBLE_PACKAGES := $(patsubst %,"%",$(ANSIBLE))

export PATH := $(abspath $(BIN)):$(PATH)

# Uses uv if available, otherwise pip. Compiling bytecode lazily makes the set-up four times as fast.
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

.PHONY: help .venv gates demo test unit integration lint sanity coverage dist tarball galaxy docs release bench clean

help:  ## show this list
	@sed -n 's/^\([a-z.]*\):.*  ## /\1	/p' Makefile | expand -t 13

.venv: $(VENV)/ready  ## set up the environment
	@:

$(VENV)/ready: tests/requirements.txt tests/unit/requirements.txt tests/integration/requirements.txt .ci/matrix.json
	@$(STEP) "Setting up $(VENV)" sh -euc ' \
	  $(CREATE); \
	  $(INSTALL) -r $< $(ANSIBLE_PACKAGES); \
	  site=$$($(BIN)/python -c "import sysconfig; print(sysconfig.get_path(\"purelib\"))"); \
	  test -z "$(AMAZON_AWS)" || \
	    ansible-galaxy collection install --force --no-deps --collections-path "$$site" "$(AMAZON_AWS)"; \
	  test -d "$$site/ansible_collections/amazon" || $(INSTALL) --no-deps $(ANY_PYTHON) ansible==12.3.0; \
	  mkdir -p "$$site/ansible_collections/disaster_recovery"; \
	  ln -sfn "$(CURDIR)" "$$site/ansible_collections/disaster_recovery/aws"; \
	  touch $@'

$(VENV)/ready-to-lint: tests/requirements-lint.txt $(VENV)/ready
	@$(STEP) "Setting up the linters" sh -euc \
	  '$(INSTALL) -r tests/requirements.txt -r $< $(ANSIBLE_PACKAGES); touch $@'

# .ci/run sets this up before it runs gates in parallel.
gates: $(VENV)/ready-to-lint
	@:

demo: .venv  ## demonstrate how stopped servers get protected again, without an AWS account
	@$(BIN)/python -m tests.emulator --script demo/fleet.json -- demo/run

test: .venv  ## run the unit tests and the integration targets on the emulator
	@$(ON_COLLECTION) $(WORK)/tree test

unit: .venv
	@$(ON_COLLECTION) $(WORK)/tree unit

integration: .venv  ## run the integration targets, by default all of them, with the guides; TARGETS="smoke facts"
	@$(ON_COLLECTION) $(WORK)/tree integration $(TARGETS)

# The sanity tests come last, because they take longest.
lint: $(VENV)/ready-to-lint  ## check the code and the documentation
	@$(STEP) "ruff check" $(BIN)/ruff check
	@$(STEP) "ruff format" $(BIN)/ruff format --check
	@$(STEP) "shellcheck" $(BIN)/shellcheck $$(git grep -l --untracked '^#!/usr/bin/env bash')
	@$(STEP) "mypy --strict" $(BIN)/mypy
	@$(STEP) "ansible-lint" $(BIN)/ansible-lint --offline --nocolor
	@# antsibull-docs copies amazon.aws from the environment, which this repository's .gitignore would exclude.
	@GIT_CEILING_DIRECTORIES="$(CURDIR)" $(STEP) "antsibull-docs" \
	  $(BIN)/antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs=dependent .
	@$(STEP) "antsibull-changelog" $(BIN)/antsibull-changelog lint
	@$(STEP) "reuse" $(BIN)/reuse lint
	@$(ON_COLLECTION) $(WORK)/linted sanity

sanity: .venv  ## run ansible-test sanity, its Python-dependent tests with each Python that is installed
	@$(ON_COLLECTION) $(WORK)/linted sanity

coverage: $(VENV)/ready-to-lint  ## run the unit tests and measure branch coverage of the plugins
	@$(BIN)/python -m pytest --quiet --numprocesses $(LANES) --cov --cov-report=term

dist: .venv
	@rm -rf .cache/dist
	@$(STEP) "Building the tarball" ansible-galaxy collection build --output-path .cache/dist

tarball: dist  ## build the tarball, install it into an empty directory, run integration targets and sanity tests there
	@$(ON_COLLECTION) $(WORK)/installed --of .cache/dist/*.tar.gz integration
	@$(ON_COLLECTION) $(WORK)/unpacked --of .cache/dist/*.tar.gz sanity

# galaxy-importer has its own environment because it pins ansible-lint. It exits with 0 even on errors.
IMPORTER := .cache/importer

$(IMPORTER)/ready: $(VENV)/ready
	@$(STEP) "Setting up galaxy-importer" sh -euc ' \
	  $(PYTHON) -m venv --clear $(IMPORTER); \
	  $(IMPORTER)/bin/python -m pip install --quiet --no-compile --disable-pip-version-check \
	    ansible-builder ansible-core galaxy-importer; \
	  site="import sysconfig; print(sysconfig.get_path(\"purelib\") + \"/ansible_collections\")"; \
	  collections=$$($(IMPORTER)/bin/python -c "$$site"); \
	  mkdir -p "$$collections"; \
	  ln -sfn "$$($(BIN)/python -c "$$site")/amazon" "$$collections/amazon"; \
	  touch $@'

# The importer takes a checkout or a tarball. A checkout is built first; what follows is the same for both.
galaxy: dist $(IMPORTER)/ready  ## check the checkout and the tarball as Ansible Galaxy and ansible-builder do
	@$(STEP) "galaxy-importer" sh -euc ' \
	  export PATH="$(abspath $(IMPORTER))/bin:$$PATH"; \
	  cd $(IMPORTER); \
	  rm -rf built; \
	  mkdir built; \
	  GALAXY_IMPORTER_RUN_ANSIBLE_DOC=false GALAXY_IMPORTER_RUN_ANSIBLE_LINT=false \
	    python -m galaxy_importer.main --git-clone-path "$(CURDIR)" --output-path built; \
	  python -m galaxy_importer.main ../dist/*.tar.gz >importer.log 2>&1 || { cat importer.log; exit 1; }; \
	  cat importer.log; \
	  grep -q "completed successfully" importer.log; \
	  ! grep -E "ERROR|WARNING" importer.log'
	@$(STEP) "ansible-builder" sh -euc ' \
	  export PATH="$(abspath $(IMPORTER))/bin:$$PATH"; \
	  rm -rf $(IMPORTER)/collections $(IMPORTER)/context; \
	  ansible-galaxy collection install .cache/dist/*.tar.gz -p $(IMPORTER)/collections --offline --force --no-deps; \
	  ansible-builder introspect $(IMPORTER)/collections >$(IMPORTER)/introspect.log; \
	  cat $(IMPORTER)/introspect.log; \
	  grep -q "boto3.*from collection disaster_recovery.aws" $(IMPORTER)/introspect.log; \
	  ansible-builder create --file .ci/execution-environment.yml --context $(IMPORTER)/context'

# Labels in other documentation cannot be resolved offline, so warnings about them are ignored.
docs: $(VENV)/ready-for-docs  ## build the documentation site in .cache/docs/build/html
	@$(STEP) "antsibull-docs and Sphinx" sh -euc ' \
	  rm -rf .cache/docs; \
	  mkdir -p -m 0755 .cache/docs; \
	  antsibull-docs sphinx-init --use-current --squash-hierarchy --dest-dir .cache/docs disaster_recovery.aws; \
	  cd .cache/docs; \
	  antsibull-docs collection --use-current --squash-hierarchy --fail-on-error --dest-dir rst disaster_recovery.aws; \
	  sphinx-build -M html rst build -c . -w warnings.log; \
	  ! grep -E "WARNING|ERROR" warnings.log | grep -vE "inventor|undefined label: .(common_return_values|action_plugins|ansible_)"'

$(VENV)/ready-for-docs: $(VENV)/ready-to-lint
	@$(STEP) "Setting up Sphinx" sh -euc '$(INSTALL) antsibull-docs ansible-pygments sphinx sphinx-ansible-theme; touch $@'

release: $(VENV)/ready-to-lint  ## update the changelog, commit, run lint and test on the commit, tag; VERSION=1.2.3
	@VERSION="$(VERSION)" .ci/release

bench: .venv  ## run the benchmarks against loops, the AWS CLI and scripts
	@$(BIN)/python -m benchmarks

clean:  ## remove the environment and all build results
	@rm -rf .venv .cache tests/output
