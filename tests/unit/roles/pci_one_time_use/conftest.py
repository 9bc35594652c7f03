# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
from __future__ import annotations

import subprocess

import one_time_machine
import pytest


@pytest.fixture(scope="session")
def key(tmp_path_factory):
    path = tmp_path_factory.mktemp("key") / "signing"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


@pytest.fixture
def host(tmp_path):
    return one_time_machine.Host(tmp_path, one_time_machine.ADDRESS)


@pytest.fixture
def site(tmp_path, key):
    """A function that makes the site, with these cards."""
    return lambda *addresses, **settings: one_time_machine.Site(tmp_path, key, *(addresses or (one_time_machine.ADDRESS,)), **settings)
