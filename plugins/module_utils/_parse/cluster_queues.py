# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Queues of Kueue in a cluster, as its API tells them: what each may take, and whether it works. Counts of cards as the API writes them."""

from __future__ import annotations

GROUP = 'kueue.x-k8s.io'
# what is written and read; each version of Kueue that the tables know serves it
API = GROUP + '/v1beta2'
ADDRESS = '/apis/' + API
# those of the collection; asked by their address, which costs nothing where Kueue is not there
ASKED = ('get', '--raw', ADDRESS + '/clusterqueues?labelSelector=app.kubernetes.io%2Fmanaged-by%3Dsovereign.ai_stack')
_STEPS = ' kMGTPE'


def written(count):
    """A whole number as the API writes it: 2k of 2000, as it gives back no other."""
    step = 0
    while count and count % 1000 == 0 and step < len(_STEPS) - 1:
        count, step = count // 1000, step + 1
    return '%d%s' % (count, _STEPS[step].strip())


def number(text):
    """What written() wrote."""
    text = str(text)
    step = _STEPS.index(text[-1]) if text[-1] in _STEPS else 0
    return int(text[:-1] if step else text) * 1000 ** step


def active(document):
    """(whether a queue works, why not)"""
    told = [one for one in (document.get('status') or {}).get('conditions') or () if one.get('type') == 'Active']
    works = bool(told) and told[0].get('status') == 'True'
    return works, '' if works else ' '.join(filter(None, (told[0].get('reason'), told[0].get('message')))) if told else 'Kueue says nothing of it'


def queues(document):
    """{name: {active, cards: {flavor: {name by which pods ask: [how many are its own, how many more it may borrow]}}}}; no card: what pods ask for besides."""
    return {one['metadata']['name']: {'active': active(one)[0], 'cards': _cards(one['spec'])} for one in document['items']}


def _cards(spec):
    found = {}
    for flavor in (flavor for group in spec.get('resourceGroups') or () for flavor in group['flavors']):
        found[flavor['name']] = {one['name']: [number(one['nominalQuota']), number(one['borrowingLimit'])] for one in flavor['resources']
                                 if '/' in one['name'] and one.get('borrowingLimit') is not None}
    return {name: cards for name, cards in sorted(found.items()) if cards}
