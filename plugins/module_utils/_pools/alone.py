# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cards that one host gives away by its own variables, without pools and clouds; and how far a host is from what it was decided to give."""

from __future__ import annotations

from types import SimpleNamespace

from .._compat.cards import address
from .._compat.register import Objection, entry, of
from .._compat.text import did_you_mean, safe
from . import arguments, rules_host
from .donor import USE, Donor
from .selection import VFIO

RULES = (arguments, rules_host)
SETTINGS = '/etc/ai-stack/pci-passthrough.json'
PARTS = ('cards', 'arguments', 'modules', 'keep_off')
_POOL = 'this host'
_ACCELERATORS = ('03', '12')


class Alone(Donor):
    """A host whose cards are named by address and ids; wanted: {cards, arguments, modules, keep_off} of its variables."""

    def __init__(self, index, name, observation, wanted):
        self.asked = {address(place): ids for place, ids in wanted['cards'].items()}
        self.wanted = wanted
        seen = {address(one.get('address')) for one in observation.get('pci') or () if isinstance(one, dict)}
        cards = [{'address': place, 'pool': _POOL, 'pool_at': 0, 'use': USE, 'status': 'ok', 'row': None, 'vendor': ids['vendor']}
                 for place, ids in sorted(self.asked.items()) if place in seen]
        claims = SimpleNamespace(pools=[(0, {'name': _POOL, 'use': USE})])
        super().__init__(SimpleNamespace(index=index, claims=claims), SimpleNamespace(name=name, seen=observation, cards=cards))

    def path(self, card, key='select'):
        return 'pci_passthrough_cards[%s]' % card['address']

    def companions(self, address):
        """Only what the variables name is given away: another function of the board is a neighbour like any other."""
        return []

    def keep_off(self):
        """What the variables name, and for accelerators what the tables do."""
        named = set(self.wanted['keep_off'])
        shows = [self.by_address[card['address']] for card in self.cards]
        return sorted(named | (set(super().keep_off()) if all((one['class'] or '')[:2] in _ACCELERATORS for one in shows) else set()))


def _of_variables(donor):
    """What is wrong with what the variables say."""
    for place, ids in sorted(donor.asked.items()):
        one, wanted = donor.by_address.get(place), '%s:%s' % (safe(ids['vendor'], 8), safe(ids['device'], 8))
        path = 'pci_passthrough_cards[%s]' % safe(place, 40)
        if one is None:
            yield None, Objection('there is no function at %s' % safe(place, 40), did_you_mean(place, list(donor.by_address)), path)
        elif (one['vendor'], one['device']) != (ids['vendor'], ids['device']):
            found = '%s:%s' % (safe(one['vendor'], 8), safe(one['device'], 8))
            yield None, Objection('%s is %s, not %s' % (place, found, wanted), 'the address at which %s is now' % wanted, path)
    for row in donor.index.vfio.get('useless', ()):
        if row['name'] in donor.wanted['arguments']:
            yield 'NR-62', Objection('the kernel does not know the argument %s' % row['name'], 'none in its place: it is on by default',
                                     'pci_passthrough_arguments', row.get('source'))
    for row in donor.index.vfio.get('refused', ()):
        if any(word.partition('=')[0] == row['name'] for word in donor.wanted['arguments']):
            yield 'NR-66', Objection('%s shows groups that are not isolated' % row['name'], 'none in its place', 'pci_passthrough_arguments', row.get('source'))


def boots_once(observation, console):
    """What keeps another entry from being tried once on this host; console: somebody is at hand who can choose the old one."""
    boot = observation.get('boot')
    grub = boot.get('grub') if isinstance(boot, dict) else None
    if not isinstance(grub, dict):
        yield Objection('this host has no GRUB that can be seen', 'GRUB, and an observation of this version', 'boot')
        return
    found = [(not grub['environment'], 'there is no %s' % grub['config'].replace('grub.cfg', 'grubenv'), 'grub-editenv create'),
             (not grub['takes_once'], '%s does not take an entry for one boot' % grub['config'], 'one that grub-mkconfig wrote'),
             (not grub['reads_custom'], '%s does not read custom.cfg' % grub['config'], '/etc/grub.d/41_custom, and update-grub'),
             (grub['custom'] == 'foreign', '%s is somebody else\'s' % grub['config'].replace('grub.cfg', 'custom.cfg'), 'its entries in /etc/grub.d/40_custom'),
             (grub['entry'] is None, '%s does not say which entry boots' % grub['config'], 'one that grub-mkconfig wrote'),
             (grub['next_entry'] not in (None, 'ai-stack-trial'), 'the next boot is somebody else\'s: next_entry is %s' % safe(grub['next_entry']),
              'that boot first'),
             (not console and grub['writable'] is False, 'GRUB cannot write its environment here, so that an entry would be tried again and again',
              'pci_passthrough_console: true, once a console is at hand'),
             (not console and grub['writable'] is None, 'whether GRUB can write its environment is not known',
              'pci_passthrough_console: true, once a console is at hand')]
    yield from (Objection(message, near, 'boot') for wrong, message, near in found if wrong)
    missing = [name for name in _TOOLS if name not in boot['tools']]
    if missing:
        yield Objection('this host has no %s' % ', '.join(missing), 'the packages of GRUB and initramfs-tools', 'boot')
    free, size = (observation.get('disk') or {}).get('/boot'), boot['image_bytes']
    if free is not None and size is not None and free < size * 5 // 4:
        yield Objection('/boot has %d MB left, and a second initramfs needs %d' % (free >> 20, size * 5 // 4 >> 20), 'kernels taken away that boot no more',
                        'boot')


_TOOLS = ('grub-editenv', 'grub-reboot', 'lsinitramfs', 'mkinitramfs', 'update-grub', 'update-initramfs')


def decided(index, name, observation, wanted, waived):
    """(decisions by subject, conflicts, warnings) of a host that gives cards away by its own variables; waived: {rule: waiver} of this host."""
    donor = Alone(index, name, observation, wanted)
    found = list(_of_variables(donor))
    found += [(identity, one) for identity, function in of('passthrough', index.enforced) for one in function(donor)] if donor.cards else []
    said = {True: [], False: []}
    for identity, one in found:
        if not any(rule in waived for rule in index.waivable_by(identity)):
            said[one.warns].append(entry(index, identity, one, name))
    return _decisions(donor), said[False], said[True]


def _decisions(donor):
    asked = [what for what, _dummy, _dummy in donor.needs('argument')] if donor.cards else []
    modules = [what for what, _dummy, _dummy in donor.needs('module')] if donor.cards else []
    return {'passthrough.bind': donor.bound(),
            'passthrough.arguments': donor.wanted['arguments'] + [word for word in asked if word not in donor.wanted['arguments']],
            'passthrough.modules': modules + [one for one in donor.wanted['modules'] if one not in modules],
            'passthrough.keep_off': donor.keep_off(), 'passthrough.pages': [], 'passthrough.reboot': True}


def settings(index, decisions, observation, extra=()):
    """What the host is to keep, of decisions; extra: arguments beside those decided. What the tables had added stays: the groups that prove
    it are why it is asked for no more."""
    there = _settings(observation)
    tables = {row['name'] for row in index.vfio.get('argument', ())}
    words = list(decisions['passthrough.arguments'])
    words = [one for one in there.get('arguments') or () if one in tables and one not in words] + words + list(extra)
    cards = {place: {'vendor': one['vendor'], 'device': one['device']} for place, one in decisions['passthrough.bind'].items()}
    return {'cards': cards, 'arguments': words, 'modules': list(decisions['passthrough.modules']), 'keep_off': list(decisions['passthrough.keep_off'])}


def pages(observation):
    """The words about pages that a host keeps: they are a variable of the role, which no plan knows."""
    return [word for word in _settings(observation).get('arguments') or () if word.partition('=')[0] in ('hugepagesz', 'hugepages')]


def _settings(observation):
    passed = observation.get('passthrough')
    found = passed.get('settings') if isinstance(passed, dict) else None
    return found if isinstance(found, dict) else {}


def changes(want, observation):
    """[{resource, before, after}] that lead a host to what it is to keep; [] where it is as it should be."""
    there, rows = _settings(observation), []
    functions = {address(one.get('address')): one for one in observation.get('pci') or () if isinstance(one, dict)}
    for place in sorted(want['cards']):
        driver = (functions.get(place) or {}).get('driver')
        if driver not in VFIO:
            rows.append({'resource': 'override:%s' % place, 'before': driver, 'after': VFIO[0]})
    cmdline = (observation.get('kernel') or {}).get('cmdline')
    for word in want['arguments']:
        if not isinstance(cmdline, str) or word not in cmdline.split():
            rows.append({'resource': 'argument:%s' % word, 'before': None, 'after': True})
    before = {part: there.get(part) for part in PARTS} if there else None
    if before != want:
        rows.append({'resource': 'file:%s' % SETTINGS, 'before': before, 'after': want})
    return rows
