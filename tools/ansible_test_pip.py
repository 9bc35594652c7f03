# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Stands in for the pip bootstrap script that ansible-test would download for each of its virtual environments.

pip comes from Python's own ensurepip, then the version that is asked for from the configured package index.
"""

from __future__ import annotations

import subprocess
import sys

OPTIONS_OF_THE_REAL_SCRIPT = ("--no-setuptools", "--no-wheel")

# a process of its own: ensurepip switches pip's configuration off, mirrors and certificates with it, for all that follows
subprocess.check_call([sys.executable, "-m", "ensurepip"])
wanted = [argument for argument in sys.argv[1:] if argument not in OPTIONS_OF_THE_REAL_SCRIPT]
sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", *wanted]))
