# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Keep a journal of a driver change on the host itself, and lead the host back when the change cannot be finished.

Usage: gpu_driver begin < request.json | step NAME | sources MARKER CODENAME COMPONENT... | repair | hold NAME... |
       unhold NAME... | no-autoinstall | build PACKAGE KERNEL | initramfs KERNEL | settings | commit | restore | absent |
       boot-check | differs | status
"""

from __future__ import annotations

import json
import sys

import boot
import gpus
import host
import journal
import modules
import packages
import restore
import sources

VERBS = {
    "begin": lambda: journal.begin(json.load(sys.stdin)),
    "step": journal.step,
    "sources": sources.write,
    "repair": packages.finish_half_done,
    "hold": lambda *names: packages.hold(names),
    "unhold": lambda *names: packages.hold(names, keep=False),
    "no-autoinstall": modules.no_autoinstall,
    "build": modules.build,
    "initramfs": modules.initramfs,
    "settings": lambda: {"changed": gpus.apply()},
    "commit": journal.commit,
    "restore": restore.restore,
    "absent": lambda: {"changed": restore.absent()},
    "boot-check": lambda: {"result": boot.check()},
    "differs": restore.differs,
    "status": journal.status,
}
# These only read, or wait for others before they lock.
UNLOCKED = ("status", "differs", "boot-check")


def main(arguments):
    if not arguments or arguments[0] not in VERBS:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        verb = VERBS[arguments[0]]
        result = verb(*arguments[1:]) if arguments[0] in UNLOCKED else host.lock(verb, *arguments[1:])
    except (host.Refused, OSError) as error:
        print("gpu_driver %s: %s" % (arguments[0], error), file=sys.stderr)
        return 1
    except (KeyError, TypeError, ValueError) as error:
        print("gpu_driver %s: cannot read what it was given (%s: %s)" % (arguments[0], type(error).__name__, error), file=sys.stderr)
        return 1
    print(json.dumps(result if isinstance(result, dict) else {}, sort_keys=True))
    return 0


sys.exit(main(sys.argv[1:]))
