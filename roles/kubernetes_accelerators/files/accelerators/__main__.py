# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What runs when the archive or the folder of this program is run."""

from __future__ import annotations

import sys

import cli

sys.exit(cli.main(sys.argv[1:]))
