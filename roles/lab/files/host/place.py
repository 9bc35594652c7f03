# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Run by dpkg after each of its runs, see lab_host/silicon.py."""
from lab_host import silicon

if __name__ == "__main__":
    silicon.place()
