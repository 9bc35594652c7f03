# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""cut.py POINT: a round of the installed releaser that is gone (SIGKILL) once its journal has the step POINT, or (`given`) once Placement has the card."""

import os
import signal
import sys

sys.path.insert(0, "/usr/local/sbin/ai-stack-pci-one-time-use-releaser")

import cli  # noqa: E402  it is in the archive
import clouds  # noqa: E402  it is in the archive
import memory  # noqa: E402  it is in the archive

POINT, SAVE, GIVE_BACK = sys.argv[1], memory.Memory.save, clouds.Cloud.give_back


def save(self, card):
    SAVE(self, card)
    if card["cycle"] and card["cycle"]["step"] == POINT:
        os.kill(os.getpid(), signal.SIGKILL)


def give_back(self, *words):
    found = GIVE_BACK(self, *words)
    if POINT == "given":
        os.kill(os.getpid(), signal.SIGKILL)
    return found


memory.Memory.save, clouds.Cloud.give_back = save, give_back
sys.exit(cli.main(["run"]))
