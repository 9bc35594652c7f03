# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""NVIDIA's GPU operator as the owner of what hands out cards: which release of it, and the values of its Helm chart.

Of each thing there is one owner. Drivers and MIG layouts are the hosts', the files of containerd are the role container_runtime's. So the operator brings no
driver and no MIG manager, and its toolkit works by NRI: so it changes no file of the runtime, restarts nothing, and needs no class of runtimes.
Source: values.yaml and the code of the releases in kubernetes_operators.yml.
"""

from __future__ import annotations

from .._parse.cluster_nodes import OPERATORS_PLUGIN, POOL
from . import accelerators, numbers, policies

# where its documentation puts it, and everything that it brings
SPACE = 'gpu-operator'
CONFIGS = 'ai-stack-device-plugin'
# by an annotation of this domain its way in gives a container any device that has a description, whoever counts
DOMAIN = 'nvidia.cdi.k8s.io'


def row_of(cluster):
    """The row of the release that a cluster gets: of that which the site names, else the newest for its minor, else the newest; None: no table has one."""
    vendors, wanted = {vendor for pool in cluster.pools for vendor in pool.vendors}, cluster.of_accelerators.get('release')
    rows = [row for row in cluster.index.operators if row['vendor'] in vendors and wanted in (None, row['version'])]
    fits = [row for row in rows if cluster.minor in row['kubernetes']]
    return max(fits or rows, key=lambda row: numbers.numbers(row['version']), default=None)


def decided(row, pools):
    """{operator, version, chart: {name, version, repository}, namespace, values} of a release. pools: as cards.served() gives them"""
    chart = {'name': row['chart'], 'version': row['tag'], 'repository': row['repository']}
    return {'operator': row['operator'], 'version': row['version'], 'chart': chart, 'namespace': SPACE, 'values': values(pools, row['dra'])}


def values(pools, dra):
    """The values of its chart that are not the site's to choose. dra: whether the chart can bring DRA in place of the device plugin."""
    found = {
        # the role gpu_driver brings the driver; nothing of the operator's would change one by itself (rules K8S-U6 and U8)
        'driver': {'enabled': False, 'upgradePolicy': {'autoUpgrade': False}},
        'cdi': {'enabled': True, 'nriPluginEnabled': True},
        'toolkit': {'enabled': True},
        'devicePlugin': {'enabled': True, **_configs(pools)},
        # the layout is the host's: who would change it would do so under pods, and could stop a kubelet (rules K8S-G3 and G5)
        'migManager': {'enabled': False},
        'mig': {'strategy': _strategy(pools)},
        'sandboxWorkloads': {'enabled': False},
        # a node is the operator's once it has the labels of feature discovery: none but those of pools get them (rules K8S-G9 and G10)
        'nfd': {'enabled': True},
        'node-feature-discovery': {'worker': {'affinity': _of_pools()}},
    }
    # one of both hands out the cards of a cluster (rule K8S-G1)
    return {**found, 'clusterPolicy': {'deployCR': True}, 'gpuCluster': {'deployCR': False}} if dra else found


def _strategy(pools):
    return 'mixed' if any(pool['mig'] for pool in pools.values()) else 'none'


def _of_pools():
    term = {'matchExpressions': [{'key': POOL, 'operator': 'Exists'}]}
    return {'nodeAffinity': {'requiredDuringSchedulingIgnoredDuringExecution': {'nodeSelectorTerms': [term]}}}


def _configs(pools):
    """What device plugins are told of sharing, by pool: a node has a label with its own. Without a key of its own a node would get that of another pool."""
    shares = {name: pool['sharing'] for name, pool in pools.items() if (pool['sharing'] or {}).get('method') == 'time_slicing'}
    if not shares:
        return {}
    data = {name: accelerators.settings(shares.get(name), _strategy(pools)) for name in sorted(pools)}
    return {'config': {'create': True, 'name': CONFIGS, 'default': '', 'data': data}}


def policy(operator):
    """Devices by annotation are for what the operator itself runs. A pod that had them before goes on, since whoever ends it has to change it."""
    names = "(k == '%s' || k.startsWith('%s/'))" % (DOMAIN, DOMAIN)
    had = "(has(oldObject.metadata.annotations) && k in oldObject.metadata.annotations && oldObject.metadata.annotations[k] == object.metadata.annotations[k])"
    rule = "request.operation == 'UPDATE' && object.metadata.annotations.all(k, !%s || %s)" % (names, had)
    asked = {'by-annotation': 'has(object.metadata.annotations) && object.metadata.annotations.exists(k, %s)' % names,
             'not-its-own': "object.metadata.namespace != '%s'" % operator['namespace']}
    message = 'cards are asked for by their names and counted: annotations of %s are for pods of the GPU operator' % DOMAIN
    return policies.policy('ai-stack-accelerators-annotations', dict(policies.PODS, operations=['CREATE', 'UPDATE']), [(rule, message)], conditions=asked)


def plugin(operator):
    """Where its device plugins are, and what is said where none is on a node."""
    chart = operator['chart']
    lacks = 'the GPU operator has brought no device plugin to it: its chart %s %s, with the values that the plan writes, is for the site to apply' % (
        chart['name'], chart['version'])
    return {'namespace': operator['namespace'], 'selector': OPERATORS_PLUGIN, 'called': 'device plugin', 'lacks': lacks}
