# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line of a program that a role brings: who asks, one change at a time, and one sentence where something is wrong.

PROGRAM [--owner NAME [--instead-of NAME]] VERB
  --owner       who asks; while the fresh change of another owner is open, only what looks is answered
  --instead-of  an owner whose run is certainly over: its open change may be gone on with
"""

from __future__ import annotations

import json
import sys


def who_asks(arguments):
    """Split (owner, owner whose run is over, the rest) off the command line."""
    found = {'--owner': '', '--instead-of': ''}
    while len(arguments) > 1 and arguments[0] in found:
        found[arguments[0]] = arguments[1]
        arguments = arguments[2:]
    return found['--owner'], found['--instead-of'], arguments


def answer(ledger, ground, owner, gone, verb):
    ledger.Ledger(ground).refuse_second_owner(owner, gone)
    return verb(owner)


def main(name, usage, ledger, ground, verbs, arguments, mistakes=()):
    """The exit status.

    ledger: the module of that name, packed beside this one; verbs: {name: (function of the owner, whether it only looks)}; who looks waits for nobody, and
    leaves nothing behind; mistakes: kinds of errors whose text is a sentence for the operator.
    """
    owner, gone, words = who_asks(arguments)
    if len(words) != 1 or words[0] not in verbs:
        sys.stderr.write(usage + '\n')
        return 2
    verb, looks = verbs[words[0]]
    try:
        result = verb(owner) if looks else ground.lock(answer, ledger, ground, owner, gone, verb)
    except (ledger.Refused, OSError, *mistakes) as error:
        sys.stderr.write('%s\n' % error)
        return 1
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        sys.stderr.write('%s %s: cannot read what it was given (%s: %s)\n' % (name, words[0], type(error).__name__, error))
        return 1
    sys.stdout.write(json.dumps(result, sort_keys=True) + '\n')
    return 0
