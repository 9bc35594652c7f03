# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every module of a cloud does around its own decision: connect, look, decide, act, tell; and end in one sentence."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule

from .outcome import filled
from .session import CloudError, connect

COMMON = {
    'cloud': {'type': 'str'},
    'region': {'type': 'str'},
    'interface': {'type': 'str', 'choices': ['public', 'internal', 'admin']},
    'timeout': {'type': 'int', 'default': 60},
}
_TRIES = 3
_CONFLICT = 409


def start(arguments, **more):
    return AnsibleModule(argument_spec=dict(COMMON, **arguments), supports_check_mode=True, **more)


def observe(module, look):
    """For a module that changes nothing: look(session) gives its result."""
    session = _connected(module)
    try:
        result = look(session)
    except CloudError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, calls=session.calls, **result)


def converge(module, look, decide):
    """look(session) gives what is seen, decide(seen) an outcome and the result for people. Another one's change meanwhile: look again."""
    session, done, learned = _connected(module), [], {}
    try:
        for left in reversed(range(_TRIES)):
            outcome, result = decide(look(session))
            if outcome.mistakes:
                module.fail_json(msg='\n'.join(outcome.mistakes), mistakes=outcome.mistakes, changed=bool(done), changes=done, calls=session.calls,
                                 **filled(result, learned))
            if module.check_mode or _acted(session, outcome, done, learned, left):
                break
    except CloudError as error:
        module.fail_json(msg=str(error), changed=bool(done), changes=done, calls=session.calls)
    changes = outcome.changes if module.check_mode else done
    _tell(module, session, outcome, changes, filled(result, learned))


def go_on(module, act):
    """For a module that looks and acts until it is through: act(session, done) adds to done what it did, as sentences."""
    session, done = _connected(module), []
    try:
        act(session, done)
    except CloudError as error:
        module.fail_json(msg=str(error), changed=bool(done) and not module.check_mode, changes=done, calls=session.calls)
    module.exit_json(changed=bool(done), changes=done, calls=session.calls)


def _acted(session, outcome, done, learned, left):
    """Whether all calls went through; what was done is in done. Another one's change ends it, to look again."""
    for call in outcome.calls:
        try:
            session.send(call, learned)
        except CloudError as error:
            if error.status != _CONFLICT or not left:
                raise
            return False
        done += call.says
    return True


def _tell(module, session, outcome, changes, result):
    for text in outcome.warnings:
        module.warn(text)
    more = {'diff': {'before': outcome.before, 'after': outcome.after}} if module._diff else {}
    module.exit_json(changed=bool(changes), changes=changes, kept=outcome.kept, calls=session.calls, **result, **more)


def _connected(module):
    try:
        return connect(*[module.params[name] for name in ('cloud', 'region', 'interface', 'timeout')])
    except CloudError as error:
        module.fail_json(msg=str(error))
