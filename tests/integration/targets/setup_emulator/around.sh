#!/usr/bin/env bash
# around.sh COMMAND…: run the command against the DRS emulator, without the user's own AWS settings.
set -eu
export PYTHONPATH="$ANSIBLE_COLLECTIONS_PATH/ansible_collections/disaster_recovery/aws:$PYTHONPATH"
export PYTHONPATH="$PWD/../setup_emulator/python:$PYTHONPATH"
export ANSIBLE_ACTION_PLUGINS="$PWD/../setup_emulator/action_plugins"
export ANSIBLE_DEPRECATION_WARNINGS=true AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
unset AWS_PROFILE AWS_SESSION_TOKEN AWS_RETRY_MODE AWS_MAX_ATTEMPTS
exec python -m tests.emulator -- "$@"
