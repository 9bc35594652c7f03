# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""REST of one cloud through openstacksdk: plain requests with fixed microversions, so that an old SDK does; whatever goes wrong is one sentence."""

from __future__ import annotations

import sys
from urllib.parse import quote

try:
    import openstack
    from keystoneauth1 import exceptions, loading
    FAILURES = (openstack.exceptions.SDKException, exceptions.ClientException)
except ImportError:
    FAILURES = ()

from .._compat.text import safe
from .outcome import path_of

# what the oldest supported series has; a newer one answers the same
MICROVERSIONS = {'compute': '2.61', 'placement': '1.36'}
_PAGES = 10000


class CloudError(Exception):
    """One sentence for people. status: of the answer, where there was one."""

    def __init__(self, text, status=None):
        super().__init__(text)
        self.status = status


def connect(cloud, region, interface, timeout):
    """A session with a cloud of clouds.yaml, or of the environment."""
    if not FAILURES:
        raise CloudError('The Python package openstacksdk is not there for %s.' % sys.executable)
    asked = {'cloud': cloud, 'region_name': region, 'interface': interface, 'api_timeout': timeout}
    name = 'Cloud %s' % safe(cloud) if cloud else 'The cloud of the environment'
    try:
        return Session(openstack.connect(**{key: value for key, value in asked.items() if value}), name, timeout)
    except FAILURES as error:
        raise CloudError('%s: %s' % (name, _first(error)))


def _first(error):
    """The first line of an exception of the SDK; its other lines are for developers."""
    return safe((str(error).splitlines() or [type(error).__name__])[0], 400)


def message_of(document):
    """What a service says in the body of a refusal."""
    if isinstance(document, dict):
        rows = document.get('errors') if isinstance(document.get('errors'), list) else list(document.values())
        for row in rows:
            text = row.get('message') or row.get('detail') or row.get('title') if isinstance(row, dict) else None
            if isinstance(text, str):
                return safe(' '.join(text.split()), 400)
    return None


class Session:
    """calls: requests made, beside login and discovery."""

    def __init__(self, connection, name, timeout):
        self._connection, self.name, self._timeout, self.calls, self._whole = connection, name, timeout, 0, None

    @property
    def region(self):
        return self._connection.config.get_region_name() or None

    def get(self, service, path, missing=False, system=False, version=None):
        """The document at a path. missing: None where there is none; system: with a token for the whole system; version: another one than the fixed."""
        return self._ask(service, 'GET', path, None, missing, self._system() if system else None, version)

    def listed(self, service, path, key, system=False, version=None):
        """Every row of a list, page by page."""
        rows, seen = [], set()
        while path and path not in seen and len(seen) < _PAGES:
            seen.add(path)
            page = self.get(service, path, system=system, version=version)
            if page.get('truncated'):
                raise CloudError('%s: %s cuts its list of %s short, so it cannot be seen whole.' % (self.name, service, key.replace('_', ' ')))
            rows += page.get(key) or []
            path = _next(page, key, path)
        return rows

    def post(self, service, path, body):
        """What is answered to a new object."""
        return self._ask(service, 'POST', path, body)

    def delete(self, service, path):
        """Take an object away; one that is gone already is no failure."""
        self._ask(service, 'DELETE', path, missing=True)

    def send(self, call, learned):
        """Make a call of an outcome; learned gets what later calls need."""
        found = self._ask(call.service, call.method, path_of(call.path, learned), call.body, version=call.version)
        if call.learns:
            placeholder, keys = call.learns
            for key in keys:
                found = found[key]
            learned[placeholder] = found

    def _ask(self, service, method, path, body=None, missing=False, auth=None, version=None):
        more = {'json': body} if body is not None else {}
        more.update({'auth': auth} if auth else {})
        try:
            client = getattr(self._connection, service)
            self.calls += 1
            # a request that may have arrived is not made again
            answer = client.request(path, method, raise_exc=False, timeout=self._timeout, microversion=version or MICROVERSIONS.get(service),
                                    connect_retries=int(method == 'GET'), **more)
        except FAILURES as error:
            raise CloudError('%s: %s cannot be asked: %s' % (self.name, service, _first(error)), getattr(error, 'http_status', None))
        if missing and answer.status_code == 404:
            return None
        return self._document(answer, service, method, path)

    def _document(self, answer, service, method, path):
        try:
            document = answer.json() if answer.content else {}
        except ValueError:
            document = None
        if answer.status_code >= 400 or document is None:
            told = message_of(document) or 'no reason given'
            raise CloudError('%s: %s answers %d to %s %s: %s' % (self.name, service, answer.status_code, method, safe(path), told), answer.status_code)
        return document

    def _system(self):
        """The same login for the whole system; None where it is that already."""
        config = self._connection.config.config
        options = config.get('auth') or {}
        if options.get('system_scope'):
            return None
        if self._whole is None:
            left = {key: value for key, value in options.items() if not key.startswith(('project_', 'tenant_', 'domain_'))}
            try:
                self._whole = loading.get_plugin_loader(config['auth_type']).load_from_options(**dict(left, system_scope='all'))
            except FAILURES + (TypeError,) as error:
                raise CloudError('%s: this kind of login cannot be had for the whole system: %s' % (self.name, _first(error)))
        return self._whole


def _next(page, key, path):
    """The path of the next page: Nova names it beside the rows, Keystone among its links."""
    links = page.get('%s_links' % key) or []
    found = [link['href'] for link in links if link.get('rel') == 'next']
    if not found and isinstance(page.get('links'), dict) and page['links'].get('next'):
        found = [page['links']['next']]
    return path.partition('?')[0] + '?' + found[0].partition('?')[2] if found else None


def projects_of(session, domain, wanted=()):
    """(rows, id of the domain): all projects of a cloud in one call; where Keystone cuts its list, those that are wanted."""
    place = None
    if domain:
        found = session.get('identity', '/domains').get('domains') or []
        places = [row['id'] for row in found if domain in (row['id'], row['name'])]
        if not places:
            raise CloudError('%s: there is no domain %s.' % (session.name, safe(domain)))
        place = places[0]
    page = session.get('identity', '/projects')
    rows = page.get('projects') or []
    if page.get('truncated'):
        there = {row['id']: row for row in rows}
        for name in wanted:
            there.update((row['id'], row) for row in session.get('identity', '/projects?name=%s' % quote(name, safe='')).get('projects') or [])
        rows = list(there.values())
    return rows, place
