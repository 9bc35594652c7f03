# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The command line of a role's program: who asks, one at a time, and an answer that a person can read.

--owner       who asks; while the fresh change of another owner is open, only what looks is answered
--instead-of  an owner whose run is certainly over: its open change may be gone on with
"""

from __future__ import annotations

import json
import sys

import host
import ledger


def who_asks(arguments):
    """Split (owner, owner whose run is over, the rest) off the command line."""
    found = {"--owner": "", "--instead-of": ""}
    while len(arguments) > 1 and arguments[0] in found:
        found[arguments[0]] = arguments[1]
        arguments = arguments[2:]
    return found["--owner"], found["--instead-of"], arguments


class Command:
    """verbs: {name: function}; unlocked: those that only read, or wait for others before they lock; unowned: those that are done whoever
    changes the host; of "begin" the function gets the owner."""

    def __init__(self, name, usage, verbs, unlocked, unowned=()):
        self.name, self.usage, self.verbs, self.unlocked, self.unowned = name, usage, verbs, unlocked, unowned

    def _answer(self, owner, gone, verb, *arguments):
        if verb not in self.unowned:
            ledger.refuse_second_owner(owner, gone)
        return self.verbs[verb](*([owner] if verb == "begin" else arguments))

    def main(self, arguments):
        owner, gone, words = who_asks(arguments)
        if not words or words[0] not in self.verbs:
            print(self.usage, file=sys.stderr)
            return 2
        try:
            result = self.verbs[words[0]](*words[1:]) if words[0] in self.unlocked else host.lock(self._answer, owner, gone, *words)
        except (host.Refused, OSError) as error:
            print("%s %s: %s" % (self.name, words[0], error), file=sys.stderr)
            return 1
        except (KeyError, TypeError, ValueError) as error:
            print("%s %s: cannot read what it was given (%s: %s)" % (self.name, words[0], type(error).__name__, error), file=sys.stderr)
            return 1
        print(json.dumps(result if isinstance(result, dict) else {}, sort_keys=True))
        return 0
