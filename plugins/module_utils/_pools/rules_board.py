# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Boards whose cards are joined by NVLink switches: Nova knows nothing of their partitions."""

from __future__ import annotations

from .._compat.register import Objection, rule
from .._compat.text import listed, safe
from .pool import shapes_of


def _path(at, key='shapes'):
    return 'ai_stack_pools[%d].%s' % (at, key)


def _sizes(donor):
    """Sizes that a guest may get on this board in full passthrough: (sizes, source)."""
    generations = {row['generation'] for row, _dummy in donor.switches}
    rows = [donor.index.partitions[(one, 'full')] for one in sorted(generations) if (one, 'full') in donor.index.partitions]
    everything = len([card for card in donor.host.cards if card['row']])
    sizes = {everything} if any(row['whole'] for row in rows) else set()
    return sizes | {size for row in rows for size in row['sizes']}, [text for row in rows for text in row['source']]


@rule('NR-90', 'passthrough')
def board_is_used_in_one_way(donor):
    """The switches go with all cards, or the host runs them."""
    if donor.switches and donor.board_pool() is None:
        uses = sorted({'%s (%s)' % (card['pool'], card['use']) if card['pool'] else 'no pool' for card in donor.host.cards if card['row']})
        yield Objection('the cards here are joined by NVLink switches, and are not in one passthrough pool as a whole: %s' % listed(uses),
                        'one pool with all cards of the host', _path(min(donor.pools), 'select'))


@rule('NR-91', 'passthrough')
def size_is_one_of_the_board(donor):
    """Other sizes need a Fabric Manager that deals out partitions, which this version does not run."""
    sizes, source = _sizes(donor) if donor.switches else ((), None)
    for at, pool in sorted(donor.pools.items()) if donor.switches else ():
        for number, shape in enumerate(shapes_of(pool)):
            if shape['cards'] not in sizes:
                yield Objection('pool %s: a server with %d cards of this NVSwitch board needs a partition, which only the shared model has' % (
                    safe(pool['name']), shape['cards']), '%s cards' % listed(sorted(sizes)) if sizes else 'no source names a size for this board',
                    _path(at, 'shapes[%d].cards' % number), source)


@rule('NR-93', 'passthrough')
def sizes_are_not_mixed(donor):
    """One class for several sizes could give a server cards of two partitions."""
    for at, pool in sorted(donor.pools.items()) if donor.switches else ():
        sizes = sorted({shape['cards'] for shape in shapes_of(pool)})
        if len(sizes) > 1:
            yield Objection('pool %s offers servers with %s cards of one NVSwitch board' % (safe(pool['name']), listed(sizes)),
                            'one size, best all cards of the host', _path(at))
