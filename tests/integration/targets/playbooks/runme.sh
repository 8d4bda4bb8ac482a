#!/usr/bin/env bash
exec ../setup_emulator/around.sh ansible-playbook test.yml "$@"
