# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a cluster is told so that pods get cards: documents of its API, of what was decided; source: Kubernetes' API, and the rules K8S-G7, G9 and G11.

pools: {name: {hosts, at, names, image, plugin, mig, tenants, sharing, claims}}; quotas: {tenant: {name by which pods ask: at most how many}}; queued: of
queues.shared, where Kueue is in the cluster; operator: what gpu_operator.py decided of who brings the device plugins; None: they come from here.
"""

from __future__ import annotations

from .._compat import files
from .._parse.cluster_nodes import CONFIG, ISOLATION, MAY_USE, NAMESPACE, POOL, QUEUE, QUEUED, TENANT
from .._parse.cluster_queues import written
from . import claims, daemons, policies, queues
from .daemons import DRIVER, HOOK
from .named import meta
from .policies import LABELS

POLICY = QUOTA = 'ai-stack-accelerators'
KUBELET = '/var/lib/kubelet/device-plugins'
# Debian reaches the driver's library over absolute links, which below another root lead nowhere: then it is looked for by its name alone, here
LIBRARIES = ':'.join('%s/usr/lib/%s-linux-gnu/nvidia/current' % (DRIVER, machine) for machine in ('x86_64', 'aarch64'))
# what a device plugin reads of its sharing, and by which it starts anew when that changes
FOLDER, FILE, DIGEST = '/etc/ai-stack-device-plugin', 'config.yaml', 'ai-stack/config'


def namespace_of_plugins(operator=None):
    """Device plugins need rights that nobody else has in this cluster, so nothing else runs there (rule K8S-G11). That of an operator is not ours to take
    away."""
    level = {'pod-security.kubernetes.io/%s' % mode: 'privileged' for mode in ('enforce', 'audit', 'warn')}
    named = {'name': operator['namespace'], 'labels': level} if operator else meta(NAMESPACE, labels=level)
    return {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': named}


def _variables(mig):
    """Cards come by CDI alone: the runtime stays as it is, and a pod that asks for none sees none."""
    values = {'MIG_STRATEGY': 'mixed' if mig else 'none', 'DEVICE_LIST_STRATEGY': 'cdi-cri', 'DEVICE_ID_STRATEGY': 'uuid', 'FAIL_ON_INIT_ERROR': 'true',
              'NVIDIA_DRIVER_ROOT': '/', 'CONTAINER_DRIVER_ROOT': DRIVER, 'NVIDIA_CDI_HOOK_PATH': HOOK, 'NVIDIA_VISIBLE_DEVICES': 'void',
              'LD_LIBRARY_PATH': LIBRARIES}
    return [{'name': name, 'value': value} for name, value in sorted(values.items())]


def settings(sharing, strategy=None):
    """What a device plugin is told: shares have a name of their own, and a container gets one: two of a card are no more of it. sharing: None for none;
    strategy: of MIG; None: it is told that by other means."""
    text = 'version: v1\n' + ('flags:\n  migStrategy: %s\n' % strategy if strategy else '')
    return text + ('sharing:\n  timeSlicing:\n    renameByDefault: true\n    failRequestsGreaterThanOne: true\n    resources:\n'
                   '      - {name: %s, replicas: %d}\n' % (sharing['resource'], sharing['replicas']) if sharing else '')


def config(name, pool):
    text = settings(pool['sharing'])
    return {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': meta(daemons.named(name, pool), NAMESPACE, {POOL: name}), 'data': {FILE: text}}


def _told(made, told):
    """Have the pods of a DaemonSet read a ConfigMap."""
    template = made['spec']['template']
    template['metadata']['annotations'] = {DIGEST: files.digest(told['data'][FILE])}
    template['spec']['volumes'].append({'name': 'config', 'configMap': {'name': told['metadata']['name']}})
    (container,) = template['spec']['containers']
    container['env'].append({'name': 'CONFIG_FILE', 'value': '%s/%s' % (FOLDER, FILE)})
    container['volumeMounts'].append({'name': 'config', 'mountPath': FOLDER, 'readOnly': True})
    return [told, made]


def plugin(name, pool):
    """A device plugin, and what it reads."""
    made, method = daemon_set(name, pool), (pool.get('sharing') or {}).get('method')
    return _told(made, config(name, pool)) if method == 'time_slicing' else [made]


def daemon_set(name, pool):
    """The device plugin on the nodes of a pool, and on no other (rule K8S-G9)."""
    return daemons.daemon_set(name, pool, _variables(pool['mig']), {'plugins': (KUBELET, 'Directory', {'mountPath': KUBELET})})


def node(name, of_pool, pool, told_by_label=False):
    """The labels of a node: by one its pool is found, another says to whoever looks that pods share a card and nothing keeps them apart. told_by_label: whether
    an operator has its device plugin read there what it is told."""
    labels = dict({POOL: of_pool}, **({ISOLATION: 'none'} if pool.get('sharing') else {}), **({CONFIG: of_pool} if told_by_label else {}))
    return {'apiVersion': 'v1', 'kind': 'Node', 'metadata': {'name': name, 'labels': labels}}


def rights(name, pools):
    """Labels of a namespace by which the policy knows its tenant, and the pools that its pods may use."""
    return dict({TENANT: name}, **{MAY_USE + one: 'true' for one in sorted(pools)})


def tenant(name, pools, queued=None):
    """A namespace of a tenant; what it holds beside this is its own."""
    # what its pods may do is the cluster's default, or what somebody says more strictly
    labels = dict(rights(name, [one for one, pool in pools.items() if name in pool['tenants']]), **({QUEUE: QUEUED} if queued else {}))
    return {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': name, 'labels': labels}}


def quota(name, most, called=QUOTA):
    """At most so many cards of each name."""
    hard = {claims.limited(each): written(count) for each, count in sorted(most.items())}
    return {'apiVersion': 'v1', 'kind': 'ResourceQuota', 'metadata': meta(called, name), 'spec': {'hard': hard}}


def _alike(pools):
    """Whether pools have cards of one name: a pod has to say which pool it means."""
    names = [name for pool in pools.values() for name in pool['names']]
    return len(names) != len(set(names))


def policy(pools, queued=None):
    """Who may ask for cards, and how; judged by the API server itself."""
    prefixes = sorted({name.partition('/')[0] + '/' for pool in pools.values() for name in pool['names']})
    rules = [("'%s' in %s" % (TENANT, LABELS), 'cards are for namespaces of tenants, and this one has no label %s' % TENANT),
             ('!has(object.spec.hostUsers) || object.spec.hostUsers',
              'a pod with a user namespace of its own (hostUsers: false) cannot use cards (rule K8S-G7)')]
    if _alike(pools):
        chosen = "has(object.spec.nodeSelector) && '%s' in object.spec.nodeSelector && ('%s' + object.spec.nodeSelector['%s']) in %s" % (
            POOL, MAY_USE, POOL, LABELS)
        rules.append((chosen, 'several pools have cards of this name: nodeSelector %s says which, and it is one that the namespace may use' % POOL))
    rules += [queues.passed(LABELS)] if queued else []
    return policies.policy(POLICY, policies.PODS, rules, {'asks': policies.asking(prefixes)}, '!variables.asks')


def documents(pools, quotas, queued=None, operator=None):
    """All of it, in the order in which it is made."""
    if not pools:
        return []
    by_claims = any(pool.get('claims') for pool in pools.values())
    made = [namespace_of_plugins(operator)] + [tenant(name, pools, queued) for name in sorted(quotas)]
    made += [quota(name, most) for name, most in sorted(quotas.items())]
    # a queue is there before the policy sends anybody to it
    made += queues.documents(queued or {}) + (claims.documents(pools) if by_claims else policy(pools, queued))
    by_label = bool(operator) and 'config' in operator['values']['devicePlugin']
    made += [node(host, name, pool, by_label) for name, pool in sorted(pools.items()) for host in pool['hosts']]
    brings = claims.plugin if by_claims else plugin
    return made + [one for name, pool in sorted(pools.items()) if not operator for one in brings(name, pool)]
