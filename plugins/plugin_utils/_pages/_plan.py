# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""plan.json as the plan page shows it: worst first, equal things together, nothing left out silently."""
from __future__ import annotations

from collections import Counter

from . import _hosts
from ._text import lines

# (state, tone, words), worst first.
STATES = (
    ('refused', 'bad', 'refused'),
    ('unknown', 'warn', 'unknown'),
    ('planned', 'info', 'will change'),
    ('left_out', 'off', 'left out'),
    ('not_ours', 'off', 'not ours'),
    ('converged', 'ok', 'nothing to do'),
    ('no_accelerator', 'off', 'no accelerator'),
)
COSTS = (('reboot', 'reboot'), ('drain', 'drain'), ('irreversible', 'one-way'))

MAX_ROWS = 2000       # above, equal hosts share a row
MAX_OPEN = 120        # blocks written into the page; the next ones are drawn when a reader opens them
MAX_GROUPS = 2000
MAX_CARDS = 10000     # above, only cards that are not well are listed one by one
MAX_FINDINGS = 300

_ORDER = {state: index for index, (state, dummy, dummy) in enumerate(STATES)}
_DECISION = ('subject', 'value', 'because', 'rule', 'source')
_CHANGE = ('resource', 'before', 'after', 'role')
_CARD = ('address', 'name', 'serial', 'pool', 'use', 'status')
_FINDING = ('rule', 'message', 'source', 'nearest', 'approver', 'until')
_STEP = ('n', 'wave', 'what', 'costs')
_ARTEFACT = ('name', 'version', 'source', 'digest')


def _pick(keys, item, **more):
    """The contract's keys of an item; one that it lacks is null, which the page calls unknown."""
    return dict({key: item.get(key) for key in keys}, **more)


def _state(host):
    return host.get('state') if host.get('state') in _ORDER else 'unknown'


def _costs(host):
    """What a host pays: the flags of its changes and the decisions of the same name."""
    decided = {item.get('subject'): item.get('value') for item in host.get('decisions') or []}
    return [word for key, word in COSTS if decided.get(key) is True or any(change.get(key) for change in host.get('changes') or [])]


def _well(card):
    return card.get('status') in ('ok', 'unassigned')


def _cards(host):
    """`8 x H100` and the number of cards that are not well, by status."""
    cards = host.get('cards') or []
    models = Counter(card.get('model') or card.get('name') or 'unknown model' for card in cards)
    return sorted(models.items()), sorted(Counter(card.get('status') or 'unknown' for card in cards if not _well(card)).items())


def _driver(host):
    """`[version, flavour and source]` of the decided driver, as far as they are decided."""
    decided = {item.get('subject'): item.get('value') for item in host.get('decisions') or []}
    names = [decided.get(key) for key in ('driver.version', 'driver.branch', 'driver.vendor') if decided.get(key)]
    parts = [str(decided[key]) for key in ('driver.flavour', 'driver.source') if decided.get(key)]
    return [names[0] if names else None, ', '.join(parts)]


def _card_rows(names, hosts, every):
    """Rows of the table of cards, each with its host; a serial stands for the UUID and the other way round."""
    rows = []
    for name in names:
        for card in hosts[name].get('cards') or []:
            if every or not _well(card):
                known = dict(card, name=card.get('name') or card.get('model'), serial=card.get('serial') or card.get('uuid'))
                rows.append(dict({key: known.get(key) for key in _CARD}, host=name, well=_well(card)))
    return rows


def groups(hosts):
    """Hosts of one state with equal decisions and changes, the worst and the biggest first."""
    found = {}
    for name, host in hosts.items():
        found.setdefault((_state(host), _hosts.mark(host.get('decisions')), _hosts.mark(host.get('changes'))), []).append(name)
    sizes = sorted(found.items(), key=lambda item: (_ORDER[item[0][0]], -len(item[1]), _hosts.order(item[1][0])))
    return [(state, sorted(names, key=_hosts.order)) for (state, dummy, dummy), names in sizes]


def _decisions(item):
    return [_pick(_DECISION, decision) for decision in item.get('decisions') or []]


def _changes(item):
    return [_pick(_CHANGE, change, costs=[word for key, word in COSTS if change.get(key)]) for change in item.get('changes') or []]


def _group(number, state, names, hosts, every):
    first = hosts[names[0]]
    reasons = list(dict.fromkeys(str(hosts[name].get('because') or '') for name in names))
    return {
        'number': number, 'state': STATES[_ORDER[state]], 'hosts': _hosts.named(names), 'reasons': [item for item in reasons if item][:5],
        'reasons_more': max(0, len(reasons) - 5), 'decisions': _decisions(first), 'changes': _changes(first),
        'cards': _card_rows(names, hosts, every), 'every': every, 'summary': _cards(first), 'driver': _driver(first), 'costs': _costs(first),
        'drawn': number < MAX_OPEN, 'said': sum(1 for name in names for dummy in hosts[name].get('cards') or []),
    }


def _row(names, host, group):
    return {
        'number': group['number'], 'state': _ORDER[group['state'][0]], 'tone': group['state'][1], 'word': group['state'][2],
        'hosts': _hosts.named(names), 'because': host.get('because'), 'summary': _cards(host), 'driver': group['driver'],
        'changes': len(group['changes']), 'costs': group['costs'],
    }


def _rows(made, names_of, hosts):
    """A row a host on a site of usual size, a row a group of equals on a big one."""
    rows = []
    for group in made:
        names = names_of[group['number']]
        for part in [names] if len(hosts) > MAX_ROWS else [[name] for name in names]:
            rows.append((group['state'][0], part, _row(part, hosts[part[0]], group)))
    return [row for dummy, dummy, row in sorted(rows, key=lambda item: (_ORDER[item[0]], _hosts.order(item[1][0])))]


def _findings(items):
    """Conflicts, warnings or waived ones: equal ones of several hosts are one, with all its hosts and paths."""
    def key(item):
        return [item.get(name) for name in _FINDING]

    paths = {}
    for item in items:
        paths.setdefault(_hosts.mark(key(item)), {})[str(item.get('path'))] = item.get('path')
    found = _hosts.gather(items, key, lambda item: item.get('host'))
    shown = []
    for item, names in found[:MAX_FINDINGS]:
        known = [path for path in paths[_hosts.mark(key(item))].values() if path]
        shown.append(_pick(_FINDING, item, hosts=_hosts.named(names), paths=known[:4], paths_more=max(0, len(known) - 4)))
    return {'shown': shown, 'count': len(items), 'more': max(0, len(found) - MAX_FINDINGS)}


def _doors(hosts, resources):
    """Every change that cannot be undone, with the hosts or the object that it happens to."""
    made = [dict(change, on=name) for name, host in hosts.items() for change in host.get('changes') or [] if change.get('irreversible')]
    made += [dict(change, on='%s %s' % (item.get('kind'), item.get('id'))) for item in resources for change in item.get('changes') or []
             if change.get('irreversible')]
    found = _hosts.gather(made, lambda item: [item.get(key) for key in _CHANGE], lambda item: item['on'])
    return [_pick(_CHANGE, change, hosts=_hosts.named(names)) for change, names in found[:MAX_FINDINGS]]


def _steps(steps):
    return [_pick(_STEP, step, needs=step.get('needs') or [], targets=_hosts.named([str(target) for target in step.get('targets') or []])) for step in steps]


def _resources(resources):
    return [_pick(('kind', 'id'), item, decisions=_decisions(item), changes=_changes(item)) for item in resources]


def _island(made, names_of, hosts):
    """What the page's script needs: the names behind each range, and the blocks that are not drawn yet, equal rows once."""
    table, numbers = [], {}

    def once(row):
        mark = _hosts.mark(row)
        if mark not in numbers:
            numbers[mark] = len(table)
            table.append(row)
        return numbers[mark]

    blocks = {}
    for group in made:
        if not group['drawn']:
            blocks[group['number']] = [
                [once([lines(item.get(key)) for key in _DECISION]) for item in group['decisions']],
                [once([lines(item.get(key)) for key in _CHANGE] + [', '.join(item['costs'])]) for item in group['changes']],
                [[card['host']] + [lines(card[key]) for key in _CARD] for card in group['cards']],
            ]
    names = {group['number']: group['hosts']['ranges'] for group in made if len(hosts) > MAX_ROWS}
    return {'rows': table, 'blocks': blocks, 'names': names}


def _inputs(inputs):
    """The documents that the plan was made from, as rows `what, digest, age`."""
    rows = [('Intent', inputs.get('intent_sha256'), None)]
    rows += [('Table %s' % name, digest, None) for name, digest in sorted((inputs.get('tables') or {}).items())]
    return rows


def _observed(inputs):
    seen = inputs.get('observations') or {}
    rows = [_pick(('sha256', 'at'), item, host=name) for name, item in sorted(seen.items(), key=lambda pair: _hosts.order(pair[0]))]
    ages = sorted(str(row.get('at')) for row in rows if row.get('at'))
    return {'rows': rows[:MAX_ROWS], 'count': len(rows), 'more': max(0, len(rows) - MAX_ROWS), 'first': ages[0] if ages else None, 'last': ages[-1] if ages else None}


def _verdict(plan, counts):
    """`[tone, headline, what follows from it]`."""
    found = len(plan.get('conflicts') or [])
    if found:
        return 'bad', 'Not ready: %d conflict%s' % (found, 's' if found > 1 else ''), \
            'Nothing has been changed. Deploying is refused while a conflict is the whole site\'s or concerns a host inside the limit.'
    if counts['unknown']:
        return 'warn', 'Ready, with %d unknown host%s' % (counts['unknown'], 's' if counts['unknown'] > 1 else ''), \
            'No conflict. Hosts that could not be observed are left as they are.'
    if counts['planned'] or any(item.get('changes') for item in plan.get('resources') or []):
        return 'info', 'Ready to deploy', 'No conflict. Nothing has been changed yet.'
    return 'ok', 'Nothing to do', 'Every host is as the intent wants it.'


def _sums(found, hosts):
    """Hosts by state, hosts by what they pay, changes: over all groups, whether the page has room for them or not."""
    counts, paid, changes = Counter(), Counter(), 0
    for state, names in found:
        counts[state] += len(names)
        changes += len(names) * len(hosts[names[0]].get('changes') or [])
        paid.update(dict.fromkeys(_costs(hosts[names[0]]), len(names)))
    return counts, paid, changes


def view(plan):
    """Everything that `plan.html.j2` shows."""
    hosts, resources, inputs = plan.get('hosts') or {}, plan.get('resources') or [], plan.get('inputs') or {}
    every = sum(len(host.get('cards') or []) for host in hosts.values()) <= MAX_CARDS
    found = groups(hosts)
    made = [_group(number, state, names, hosts, every) for number, (state, names) in enumerate(found[:MAX_GROUPS])]
    names_of = [names for dummy, names in found]
    counts, paid, changes = _sums(found, hosts)
    return {
        'site': plan.get('site'), 'schema': plan.get('schema'), 'inputs': _pick(('generated_at', 'collection', 'core'), inputs), 'verdict': _verdict(plan, counts), 'total': len(hosts),
        'states': [(index, tone, word, counts[state]) for index, (state, tone, word) in enumerate(STATES) if counts[state]],
        'changes': changes + sum(len(item.get('changes') or []) for item in resources),
        'paid': [(word, paid[word]) for dummy, word in COSTS], 'conflicts': _findings(plan.get('conflicts') or []),
        'warnings': _findings(plan.get('warnings') or []), 'waived': _findings(plan.get('waived') or []), 'doors': _doors(hosts, resources),
        'steps': _steps(plan.get('steps') or []), 'rows': _rows(made, names_of, hosts), 'groups': made, 'groups_more': len(found) - len(made),
        'hosts_more': sum(len(names) for names in names_of[MAX_GROUPS:]), 'resources': _resources(resources),
        'artefacts': [_pick(_ARTEFACT, item) for item in plan.get('artefacts') or []],
        'digests': _inputs(inputs), 'observed': _observed(inputs), 'island': _island(made, names_of, hosts), 'folded': len(hosts) > MAX_ROWS,
    }
