#!/usr/bin/env bash
exec ../setup_emulator/around.sh python claims.py
