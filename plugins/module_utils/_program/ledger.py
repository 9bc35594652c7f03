# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the programs of roles share: files written whole, a lock, and the journal of a change with its way back.

Ground   the host below the program; every path is taken below a root, so that tests can give the program a host of their own
Ledger   in the folder of the program's state:
  journal.json      open while a change is under way: {plan, owner, step, at, boot_id, steps, before, touches, irreversible, ...}
  last-good.json    written by commit, when the new state was proven
  last-change.json  how the last change ended
  baseline.json     what was there before the program touched the host for the first time; behind a one-way door made anew
  store/            copies of files, by their digest
"""

from __future__ import annotations

import calendar
import fcntl
import hashlib
import json
import os
import shlex
import subprocess
import time

STALE = 7200


class Refused(Exception):
    """Something that an operator has to know; printed without a traceback."""


def now():
    return time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())


def tail(text, lines=6):
    return ' | '.join(line.strip()[:200] for line in text.strip().splitlines()[-lines:])


class Ground:
    """Commands, and files below ROOT; STATE is the folder of what the program remembers."""

    def __init__(self, state, root=''):
        self.state, self.root = state, root

    def at(self, path):
        return self.root + path

    def lock(self, function, *arguments):
        """Call the function as the only one of its kind on this host; the kernel lifts the lock when the process dies."""
        os.makedirs(self.at(self.state), mode=0o700, exist_ok=True)
        handle = os.open(self.at(self.state + '/lock'), os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            return function(*arguments)
        finally:
            os.close(handle)

    def run(self, command, check=True, timeout=3600, data=None):
        """(exit status, output) of a command; both streams together, no shell.

        data: what it reads; then it is asked a question, and what it says beside its answer counts only where it fails.
        """
        env = dict(os.environ, LC_ALL='C', DEBIAN_FRONTEND='noninteractive')
        given = {'stdin': subprocess.DEVNULL, 'stderr': subprocess.STDOUT} if data is None else {'input': data, 'stderr': subprocess.PIPE}
        try:
            # the programs of roles have no AnsibleModule
            done = subprocess.run(  # pylint: disable=ansible-bad-function
                command, env=env, stdout=subprocess.PIPE, timeout=timeout, check=False, **given)
        except subprocess.TimeoutExpired:
            raise Refused("no end of '%s' within %d s" % (' '.join(command)[:200], timeout))
        except OSError as error:
            raise Refused('cannot run %s: %s' % (command[0], error.strerror))
        text = (done.stdout + (done.stderr or b'' if done.returncode else b'')).decode('utf-8', 'replace')
        if check and done.returncode:
            raise Refused("'%s' ended with %d: %s" % (' '.join(command)[:200], done.returncode, tail(text)))
        return done.returncode, text

    def read(self, path):
        """The file's bytes, None when there is none."""
        try:
            with open(self.at(path), 'rb') as handle:
                return handle.read()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None

    def text(self, path):
        content = self.read(path)
        return None if content is None else content.decode('utf-8', 'replace').strip()

    def load(self, path):
        content = self.read(path)
        if content is None:
            return None
        try:
            return json.loads(content.decode('utf-8'))
        except ValueError:
            raise Refused('%s is damaged; move it away to go on without what it remembers' % path)

    def write(self, path, content, mode=0o600, group=None):
        """Write the whole file or nothing, and have it on the disk before going on; group: the number of the group that it gets."""
        target = self.at(path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        beside = '%s.ai-stack-%d' % (target, os.getpid())
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, 'wb') as stream:
            stream.write(content)
            if group is not None:
                os.fchown(stream.fileno(), -1, group)
            os.fchmod(stream.fileno(), mode)
            stream.flush()
            os.fsync(stream.fileno())
        os.rename(beside, target)
        sync_folder(os.path.dirname(target))

    def save(self, path, document):
        self.write(path, (json.dumps(document, indent=1, sort_keys=True) + '\n').encode('utf-8'))

    def remove(self, path):
        try:
            os.unlink(self.at(path))
        except FileNotFoundError:
            pass

    def known(self, path):
        """{sha256, mode, group} of the file, None when there is no such file."""
        content = self.read(path)
        if content is None:
            return None
        stat = os.stat(self.at(path))
        return {'sha256': hashlib.sha256(content).hexdigest(), 'mode': stat.st_mode & 0o7777, 'group': stat.st_gid}

    def keep(self, path):
        """The same, with a copy of the file in the store."""
        found = self.known(path)
        stored = found and '%s/store/%s' % (self.state, found['sha256'])
        if found and not os.path.exists(self.at(stored)):
            self.write(stored, self.read(path))
        return found

    def put_back(self, path, kept):
        """Make the file what keep() saw."""
        if kept is None:
            self.remove(path)
        elif self.known(path) != kept:
            content = self.read('%s/store/%s' % (self.state, kept['sha256']))
            if content is None:
                raise Refused('the kept copy of %s is gone from %s/store' % (path, self.state))
            self.write(path, content, kept['mode'], kept['group'])

    def free_store(self, used):
        """Drop kept copies that no record names any more."""
        folder = self.at(self.state + '/store')
        for name in os.listdir(folder) if os.path.isdir(folder) else []:
            if name not in used:
                os.unlink(os.path.join(folder, name))

    def boot_id(self):
        return self.text('/proc/sys/kernel/random/boot_id')


def sync_folder(folder):
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Ledger:
    """The records of a program. readers: {kind: function(name, keep) -> what is there now}; keep: put a copy of a file into the store."""

    def __init__(self, ground, readers=None):
        self.ground = ground
        self.readers = {'files': lambda path, keep: ground.keep(path) if keep else ground.known(path)}
        self.readers.update(readers or {})
        self.open, self.good, self.base, self.last = ['%s/%s.json' % (ground.state, name) for name in ('journal', 'last-good', 'baseline', 'last-change')]

    def begin(self, request):
        """Open the journal, or go on with the one that an interrupted run left open.

        request: {plan, owner, touches: {kind: [names]}, irreversible, and whatever the program wants to find in the record}.
        """
        journal = self.ground.load(self.open)
        touches = {kind: sorted(request['touches'].get(kind, ())) for kind in self.readers}
        before = journal['before'] if journal else {}
        add_missing(before, self.seen(touches))
        if journal:
            touches = {kind: sorted(set(names) | set(journal['touches'][kind])) for kind, names in touches.items()}
        self._remember_baseline(before, touches)
        self.ground.save(self.open, dict(
            request, before=before, touches=touches, irreversible=bool(request['irreversible'] or journal and journal['irreversible']),
            boot_id=self.ground.boot_id(), step='begin', at=now(), steps=(journal['steps'] if journal else []) + [{'name': 'begin', 'at': now()}]))

    def refuse_second_owner(self, owner, gone=''):
        """One run at a time: whoever asks leaves another one's change alone while it is fresh, to undo and to mend it too."""
        journal = self.ground.load(self.open)
        if journal is None or journal['owner'] in (owner, gone) or journal['boot_id'] != self.ground.boot_id():
            return
        age = time.time() - calendar.timegm(time.strptime(journal['at'], '%Y-%m-%dT%H:%M:%SZ'))
        if age < STALE:
            raise Refused('%s has been changing this host for %d min (step %s); wait, or end that run first, and then go on with --owner %s'
                          % (journal['owner'], age / 60, journal['step'], shlex.quote(journal['owner'])))

    def seen(self, touches, keep=True):
        """{kind: {name: what is there now}} of all that a change touches."""
        return {kind: {name: self.readers[kind](name, keep) for name in names} for kind, names in touches.items()}

    def differences(self, record):
        """[(kind, name, what is there, what was there)] of all that is not as the record has it."""
        here = self.seen({kind: sorted(values) for kind, values in record['before'].items()}, keep=False)
        return [(kind, name, here[kind][name], was) for kind, values in sorted(record['before'].items())
                for name, was in sorted(values.items()) if here[kind][name] != was]

    def _remember_baseline(self, before, touches):
        base = self.ground.load(self.base)
        if base is None or base.get('taken_back'):
            base = {'at': now(), 'before': {}, 'touches': {}}
        add_missing(base['before'], before)
        base['touches'] = {kind: sorted(set(base['touches'].get(kind, ())) | set(names)) for kind, names in touches.items()}
        self.ground.save(self.base, base)

    def step(self, name, **more):
        journal = self.need_open()
        journal.update(more, step=name, at=now(), boot_id=self.ground.boot_id())
        journal['steps'].append({'name': name, 'at': now()})
        self.ground.save(self.open, journal)

    def need_open(self):
        journal = self.ground.load(self.open)
        if journal is None:
            raise Refused('no change is under way on this host')
        return journal

    def commit(self, renewed=()):
        """What is there now was proven: it is the last known good state, and the change is over.

        renewed: kinds that "absent" must not lead back across the one-way door of this change.
        """
        journal, base = self.need_open(), self.ground.load(self.base)
        have = self.seen({kind: sorted(set(names) | set(base['touches'].get(kind, ()))) for kind, names in journal['touches'].items()})
        self.ground.save(self.good, {'plan': journal['plan'], 'at': now(), 'state': have})
        if journal['irreversible'] and renewed:
            base['before'].update({kind: have[kind] for kind in renewed})
            self.ground.save(self.base, dict(base, at=now()))
        self.close(journal, 'committed')

    def close(self, journal, how):
        journal.update(result=how, at=now())
        self.ground.save(self.last, {key: journal[key] for key in ('plan', 'owner', 'steps', 'result', 'at')})
        self.ground.remove(self.open)
        self.ground.free_store(self.used())

    def used(self):
        """The digests that a record still names."""
        digests = set()
        for path, key in ((self.open, 'before'), (self.base, 'before'), (self.good, 'state')):
            record = (self.ground.load(path) or {}).get(key, {})
            digests |= {kept['sha256'] for values in record.values() for kept in values.values() if isinstance(kept, dict) and 'sha256' in kept}
        return digests

    def status(self):
        journal, good = self.ground.load(self.open), self.ground.load(self.good)
        return {'open': {key: journal[key] for key in ('plan', 'owner', 'step', 'at')} if journal else None,
                'last_good': {key: good[key] for key in ('plan', 'at')} if good else None, 'last_change': self.ground.load(self.last)}


def add_missing(before, current):
    """Remember only what was not touched yet: after a broken run the present state is nobody's wish."""
    for kind, values in current.items():
        known = before.setdefault(kind, {})
        for name, value in values.items():
            known.setdefault(name, value)
