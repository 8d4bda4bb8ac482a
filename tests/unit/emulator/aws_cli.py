# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The AWS CLI for a ForkServer."""

from __future__ import annotations

import functools
import os
from typing import Any

from ansible_collections.disaster_recovery.aws.tests.unit.forks import serve

if __name__ == "__main__":
    import awscli.clidriver  # before botocore, which it brings
    import botocore.session
    from botocore.loaders import create_loader

    # Plugins are imported and files are read once, for all processes.
    botocore.session.create_loader = functools.cache(create_loader)
    create_clidriver: Any = awscli.clidriver.create_clidriver
    session = create_clidriver().session
    session.set_credentials("AKIAIOSFODNN7EXAMPLE", "example")
    session.create_client("drs", region_name="eu-west-1")
    set_by_the_import = os.environ["AWS_DATA_PATH"]

    def aws() -> int:
        """Run the command in sys.argv."""
        os.environ["AWS_DATA_PATH"] = set_by_the_import
        status: int = create_clidriver().main()
        return status

    serve({"aws": aws})
