# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The lab's two programs are no plugins: the controller's and the host's part are found by their folders."""

from __future__ import annotations

import sys
from pathlib import Path

FILES = Path(__file__).resolve().parents[4] / "roles/lab/files"
sys.path[:0] = [str(FILES / part) for part in ("controller", "host") if str(FILES / part) not in sys.path]
