#!/usr/bin/env bash
set -eu
../setup_emulator/around.sh ansible-playbook test.yml "$@"
../setup_emulator/around.sh python guide.py
