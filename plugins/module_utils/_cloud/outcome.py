# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a decision about a cloud comes to: calls in order, mistakes, what is held back, and how it looks before and after."""

from __future__ import annotations

from collections import namedtuple

# says: sentences of the changes that the call makes; learns: (placeholder, keys of the answer), for the paths of later calls;
# version: another microversion than the fixed one
Call = namedtuple('Call', 'service method path body says learns version', defaults=(None,))


class Outcome:
    """Decided for one cloud, from what was asked of it and what it shows."""

    def __init__(self):
        self.calls, self.mistakes, self.kept, self.warnings, self.before, self.after = [], [], [], [], {}, {}

    def call(self, service, method, path, body=None, says=(), learns=None, version=None):
        self.calls.append(Call(service, method, path, body, [says] if isinstance(says, str) else list(says), learns, version))

    def shows(self, name, before, after):
        """A row of the diff, where there is a difference."""
        if before != after:
            self.before[name], self.after[name] = before, after

    @property
    def changes(self):
        return [sentence for call in self.calls for sentence in call.says]


def filled(value, learned):
    """A path or a result with what earlier calls told in place of the placeholders; None for what nobody told."""
    if isinstance(value, dict):
        return {key: filled(each, learned) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, learned) for each in value]
    if isinstance(value, str) and value.startswith('{new '):
        return learned.get(value)
    return value


def path_of(path, learned):
    for placeholder, value in learned.items():
        path = path.replace(placeholder, str(value))
    return path


def new(kind, name):
    """What stands for the id of an object that is still to be made."""
    return '{new %s %s}' % (kind, name)


def twice(names):
    """The names that stand there more than once."""
    return sorted({name for name in names if names.count(name) > 1})
