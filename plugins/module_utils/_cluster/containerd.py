# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What containerd of a node is told: a root file that takes in a folder, one drop-in of ours in it, and a folder for each registry.

The names of settings follow the version of the file that containerd itself writes; source: containerd docs/cri/config.md and docs/hosts.md @ 2026-08-22.
"""

from __future__ import annotations

from . import toml

ROOT, FOLDER, REGISTRIES = '/etc/containerd/config.toml', '/etc/containerd/conf.d', '/etc/containerd/certs.d'
DROP_IN = FOLDER + '/50-ai-stack.toml'
MARKER = '# managed by sovereign.ai_stack: container_runtime\n'
HOSTS = 'hosts.toml'
# settings of the part that runs pods which have values of ours
OURS = ('containerd', 'enable_cdi', 'registry', 'sandbox_image')
_OLD = 2
_DEFAULT = '_default'


def root(version):
    """The root file: nothing but what it takes in."""
    return MARKER + toml.render({'version': version, 'imports': [FOLDER + '/*.toml']})


def settings(version, sandbox, more=None):
    """The settings of a node as a document: cgroups by systemd, runc as the default, registries by their folder.

    version: of the file; sandbox: image that holds the namespaces of a pod; more: {key: value} of the part that runs pods, as the site wants them.
    """
    runc = {'runtime_type': 'io.containerd.runc.v2', 'options': {'SystemdCgroup': True}}
    containers = {'default_runtime_name': 'runc', 'runtimes': {'runc': runc}}
    if version <= _OLD:
        one = dict(more or {}, sandbox_image=sandbox, enable_cdi=True, registry={'config_path': REGISTRIES}, containerd=containers)
        return {'io.containerd.grpc.v1.cri': one}
    return {'io.containerd.cri.v1.images': {'pinned_images': {'sandbox': sandbox}, 'registry': {'config_path': REGISTRIES}},
            'io.containerd.cri.v1.runtime': dict(more or {}, containerd=containers)}


def drop_in(version, sandbox, more=None):
    return MARKER + toml.render({'version': version, 'plugins': settings(version, sandbox, more)})


def folder_of(registry):
    """The folder of a registry, by its name with the port; every registry that has none of its own: *."""
    return '%s/%s' % (REGISTRIES, _DEFAULT if registry == '*' else registry)


def hosts(row):
    """hosts.toml of a registry. row: {mirrors: [addresses], ca: file on the node}.

    The last mirror is the server too: without it the registry itself would be asked once every mirror failed.
    """
    reach = {'capabilities': ['pull', 'resolve']}
    if row.get('ca'):
        reach['ca'] = row['ca']
    return MARKER + toml.render({'server': row['mirrors'][-1], 'host': {address: dict(reach) for address in row['mirrors']}})


def files(version, sandbox, registries=None, more=None):
    """{path: text} of all that a node gets. registries: {name: row of hosts()}"""
    found = {ROOT: root(version), DROP_IN: drop_in(version, sandbox, more)}
    found.update(('%s/%s' % (folder_of(name), HOSTS), hosts(row)) for name, row in sorted((registries or {}).items()))
    return found


def _flat(document, path=()):
    for name, one in document.items():
        if isinstance(one, dict):
            yield from _flat(one, path + (name,))
        else:
            yield '/'.join(path + (name,)), toml.value(one).strip('"')


def expected(version, sandbox, more=None):
    """{path of a setting: value as text} that the daemon's own dump has to show, whatever other drop-ins say."""
    return dict(_flat(settings(version, sandbox, more), ('plugins',)))
