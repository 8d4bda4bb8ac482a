# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS Elastic Disaster Recovery over HTTP, for tests, demo and benchmark."""

from __future__ import annotations

from .readers import ScriptError
from .server import Emulator
from .signature import ACCESS_KEY, SECRET_KEY
from .source_servers import source_server

__all__ = ["ACCESS_KEY", "SECRET_KEY", "Emulator", "ScriptError", "source_server"]
