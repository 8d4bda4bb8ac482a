#!/usr/bin/env bash
set -eu
../setup_emulator/around.sh python guides.py
../setup_emulator/around.sh python claims.py
