# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What a compiler or make complained about."""

from __future__ import annotations

import re

COMPLAINT = re.compile(r": (?:fatal )?error: |^ERROR: modpost|undefined!|\*\*\* |No space left on device|: not found$|cannot execute")

# what only a compiler or the linker of modules says, as against make passing on that its child died
VERDICT = re.compile(r": (?:fatal )?error: |^ERROR: modpost|undefined!")


def errors(text, place="", limit=20):
    """First lines that say why, without the scratch folder's name."""
    lines = (re.sub(r"\s+", " ", line).strip() for line in text.splitlines() if COMPLAINT.search(line))
    short = (line.replace(place.rstrip("/") + "/", "") if place else line for line in lines)
    return [line[:300] for line in dict.fromkeys(short)][:limit]


def verdict(lines):
    """Whether the source does not compile (failed), or the machine kept it from being tried (not_tried): a compiler that was
    killed or crashed, or a full disk, says nothing about the module."""
    said = any(VERDICT.search(line) for line in lines)
    return "failed" if said and not any("No space left on device" in line for line in lines) else "not_tried"
