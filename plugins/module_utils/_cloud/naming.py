# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts and projects by the names that people give them: short or full host names, names or ids of projects."""

from __future__ import annotations

from .._compat.text import did_you_mean, listed, safe
from .._program.hosts import alike, host_of


def hosts_of(wanted, there, what):
    """({name: name that is there}, mistakes); what: of what it has to be a host."""
    found, mistakes = {}, []
    for name in wanted:
        real = host_of(name, there)
        if real is None:
            found_alike = [one for one in there if alike(name, one)]
            near = 'it could be any of %s' % listed(sorted(found_alike)) if found_alike else did_you_mean(name, there) or 'there is none at all'
            mistakes.append('host %s has no %s; %s' % (safe(name), what, near))
        elif real in found.values():
            mistakes.append('host %s is named twice, as %s too' % (real, safe(next(one for one, has in found.items() if has == real))))
        else:
            found[name] = real
    return found, mistakes


class Projects:
    """The projects of a cloud, by name or id. rows: as Keystone lists them; domain: the id of the domain in which names are looked up; None: in all."""

    def __init__(self, rows, domain=None):
        self.rows = {row['id']: row for row in rows}
        self.by_name = {}
        for row in rows:
            if domain is None or row.get('domain_id') == domain:
                self.by_name.setdefault(row['name'], []).append(row['id'])

    def ids(self, wanted):
        """({name: id}, mistakes)"""
        found, mistakes = {}, []
        for name in wanted:
            ids = [name] if name in self.rows else self.by_name.get(name, [])
            if len(ids) == 1:
                found[name] = ids[0]
            elif ids:
                mistakes.append('project %s is there in %d domains; say which by the option domain, or give its id' % (safe(name), len(ids)))
            else:
                mistakes.append('there is no project %s; %s' % (safe(name), did_you_mean(name, self.by_name) or 'there is none at all'))
        for identity in {one for one in found.values() if list(found.values()).count(one) > 1}:
            mistakes.append('project %s is named twice' % self.name(identity))
        return found, mistakes

    def key(self, identity):
        """The name of a project by which it can be named again; its id where several have that name."""
        name = self.rows[identity]['name']
        return name if len([one for one in self.rows.values() if one['name'] == name]) == 1 else identity

    def name(self, identity):
        """What people call a project; its id where it is gone."""
        row = self.rows.get(identity)
        if row is None:
            return str(identity)
        several = len([one for one in self.rows.values() if one['name'] == row['name']]) > 1
        return '%s (%s)' % (row['name'], identity) if several else row['name']
