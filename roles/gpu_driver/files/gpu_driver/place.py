# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Where this program keeps what it remembers."""

from __future__ import annotations

STATE = "/var/lib/ai-stack/gpu_driver"
