# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accepted deviations: who accepted which rule, where, and until when."""

from __future__ import annotations

from .text import safe

# A waiver that ends later than this is said to: nobody remembers it until then.
_YEARS = 2


def _covers(scope, host=None, groups=(), pools=(), cloud=None, cluster=None):
    """Whether a scope (site, host NAME, group NAME, pool NAME, cloud NAME, cluster NAME) reaches a host, a cloud or a cluster."""
    kind, _dummy, name = scope.partition(' ')
    names = {'host': (host,), 'group': groups, 'pool': pools, 'cloud': (cloud,), 'cluster': (cluster,)}.get(kind, ())
    return kind == 'site' or name.strip() in names


class Waivers:
    """The waivers of a site on a day; the last day of one still counts."""

    def __init__(self, index, rows, today):
        self.rows, self.expired, self.refused, self.endless = [], [], [], []
        known = {name for identity in index.enforced for name in index.waivable_by(identity)}
        for at, row in enumerate(rows or ()):
            if row['rule'] in index.rules and row['rule'] not in known:
                self.refused.append((at, row))
            elif str(row['until']) < today:
                self.expired.append((at, row))
            else:
                self.rows.append(row)
                if str(row['until']) > '%d%s' % (int(today[:4]) + _YEARS, today[4:]):
                    self.endless.append((at, row))

    def for_host(self, host, groups, pools):
        """{rule: waiver} that hold for a host today."""
        return {row['rule']: row for row in self.rows if _covers(str(row['scope']), host, groups, pools)}

    def for_cloud(self, cloud, pools):
        """{rule: waiver} that hold for a cloud and its pools today."""
        return {row['rule']: row for row in self.rows if _covers(str(row['scope']), pools=pools, cloud=cloud)}

    def for_cluster(self, cluster, host=None, groups=()):
        """{rule: waiver} that hold for a cluster, or for one of its hosts, today."""
        return {row['rule']: row for row in self.rows if _covers(str(row['scope']), host, groups, cluster=cluster)}

    def conflicts(self, index):
        """A rule of physics cannot be waived."""
        names = ', '.join(sorted(index.waivable))
        return [{'rule': row['rule'], 'host': None, 'path': 'ai_stack_waivers[%d].rule' % at, 'source': index.source(row['rule']),
                 'message': '%s cannot be waived: %s' % (row['rule'], index.rules[row['rule']]['statement']),
                 'nearest': 'rules that can be waived: %s' % names} for at, row in self.refused]

    def warnings(self, index):
        """An expired waiver is said, and waives nothing; one that hardly ever ends is said too."""
        return [{'rule': row['rule'], 'host': None, 'path': 'ai_stack_waivers[%d].until' % at, 'source': index.source(row['rule']),
                 'message': 'the waiver of %s for %s %s' % (safe(row['rule']), safe(row['scope']), how % safe(row['until'])), 'nearest': near}
                for rows, how, near in ((self.expired, 'ended %s', 'a new end date and approver, or take it away'),
                                        (self.endless, 'ends %%s, more than %d years ahead' % _YEARS, 'an earlier end, at which somebody looks at it again'))
                for at, row in rows]
