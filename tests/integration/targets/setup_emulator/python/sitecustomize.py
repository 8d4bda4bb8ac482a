# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the many short processes of a target cheaper. Python imports this file as it starts.

Ansible runs a module from an archive of its sources, and Python keeps no bytecode of an archive: each process would
compile them all, a third of its time. Here each source file is compiled once per target. Bytecode is found by the hash
of the source, as in a hash-based .pyc file. Garbage is collected rarely, which saves another tenth.
"""

from __future__ import annotations

import gc
import importlib.util
import marshal
import os
import zipimport
from pathlib import Path
from types import CodeType

FOLDER = Path(__file__).parent / "__pycache__"


def compile_once(path: str, source: bytes) -> CodeType:
    """The bytecode of a source file in an archive. Tracebacks show the path at which it was first compiled."""
    cached = FOLDER / importlib.util.source_hash(source).hex()
    try:
        code: CodeType = marshal.loads(cached.read_bytes())
    except FileNotFoundError:
        code = compile_source(path, source)
        FOLDER.mkdir(exist_ok=True)
        # Renamed when complete, since other processes may read it at the same time.
        written = cached.with_suffix(f".{os.getpid()}")
        written.write_bytes(marshal.dumps(code))
        written.replace(cached)
    return code


compile_source = zipimport._compile_source  # type: ignore[attr-defined]
zipimport._compile_source = compile_once  # type: ignore[attr-defined]
gc.set_threshold(100_000)
