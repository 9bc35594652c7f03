# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""lab-cloud.py controller ADDRESS | compute < SHARED | healthy SINCE SECONDS COMPUTE...

controller and compute set a fresh host up; healthy, on the controller, waits until every service has reported since that time."""
import sys

from lab_cloud import catalog, compute, controller

COMMANDS = {
    "controller": controller.set_up,
    "compute": lambda: compute.set_up(sys.stdin.read()),
    "healthy": lambda since, seconds, *computes: catalog.wait(float(since), float(seconds), computes),
}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]](*sys.argv[2:])
