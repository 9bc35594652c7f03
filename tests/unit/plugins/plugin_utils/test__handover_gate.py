# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What cannot be read is not as planned. What published Nova and Placement read: tests/oracle/test_handover.py."""

from __future__ import annotations

import subprocess
import sys

import pytest
from ansible_collections.sovereign.ai_stack.plugins.plugin_utils import _handover_gate


@pytest.mark.parametrize(("project", "wanted"), [("nova", "{}"), ("placement", "{}"), ("nova", "{")])
def test_a_gate_that_cannot_read_does_not_open(project, wanted):
    done = subprocess.run([sys.executable, "-", project, "there", wanted], stdin=open(_handover_gate.__file__), capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout.startswith("the configuration cannot be read: ") and done.stderr == ""
