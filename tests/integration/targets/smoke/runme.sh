#!/usr/bin/env bash
set -eu
export PYTHONPATH="$ANSIBLE_COLLECTIONS_PATH/ansible_collections/disaster_recovery/aws:$PYTHONPATH" ANSIBLE_DEPRECATION_WARNINGS=true
exec python -m tests.emulator -- ansible-playbook test.yml "$@"
