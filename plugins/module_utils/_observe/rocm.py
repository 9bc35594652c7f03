# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What AMD's own tool says about the cards."""

from __future__ import annotations

import os

from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.run import run, which
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import rocm

QUESTIONS = ("--showid", "--showuniqueid", "--showserial", "--showdriverversion", "--showvbios", "--showbus", "--showproductname", "--json")
VENDOR_PLACE = "/opt/rocm/bin/rocm-smi"


def _empty(status, code=None, message=None):
    return {"status": status, "exit": code, "message": message, "driver_version": None, "gpus": []}


def observe(root, vendors, seconds, guard):
    """The rocm part of an observation; null without an AMD card, and in a recorded tree, where nothing runs."""
    if not root.live or "amd" not in vendors:
        return None
    program = which("rocm-smi") or (VENDOR_PLACE if os.access(VENDOR_PLACE, os.X_OK) else None)
    if not program:
        return _empty("absent", None, "no rocm-smi")
    answer = run([program] + list(QUESTIONS), seconds)
    if answer.late:
        guard.note("rocm-smi", "no answer in %d s" % seconds)
        return _empty("hung", None, "no answer in %d s" % seconds)
    document = rocm.parse(answer.out)
    if document is None:
        lines = [line.strip() for line in (answer.out + "\n" + answer.err).splitlines() if line.strip()]
        return _empty("error", answer.code, lines[-1][:500] if lines else None)
    return dict(_empty("ok" if document["gpus"] else "no_driver", answer.code), **document)
