# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a cluster is told so that pods get cards: documents of its API, of what was decided; source: Kubernetes' API, and the rules K8S-G7, G9 and G11.

pools: {name: {hosts, at, names, image, plugin, mig, tenants, sharing}}; quotas: {tenant: {name by which pods ask: at most how many}}.
"""

from __future__ import annotations

from .._compat import files
from .._parse.cluster_nodes import ISOLATION, MAY_USE, NAMESPACE, OURS, POOL, TENANT

POLICY = QUOTA = 'ai-stack-accelerators'
KUBELET, CDI, DRIVER, HOOK = '/var/lib/kubelet/device-plugins', '/var/run/cdi', '/driver-root', '/usr/bin/nvidia-cdi-hook'
# Debian reaches the driver's library over absolute links, which below another root lead nowhere: then it is looked for by its name alone, here
LIBRARIES = ':'.join('%s/usr/lib/%s-linux-gnu/nvidia/current' % (DRIVER, machine) for machine in ('x86_64', 'aarch64'))
# what a device plugin reads of its sharing, and by which it starts anew when that changes
FOLDER, FILE, DIGEST = '/etc/ai-stack-device-plugin', 'config.yaml', 'ai-stack/config'


def meta(name, namespace=None, labels=None):
    where = {'namespace': namespace} if namespace else {}
    return dict({'name': name, 'labels': dict(OURS, **(labels or {}))}, **where)


def namespace_of_plugins():
    """Device plugins need rights that nobody else has in this cluster, so nothing else runs there (rule K8S-G11)."""
    level = {'pod-security.kubernetes.io/%s' % mode: 'privileged' for mode in ('enforce', 'audit', 'warn')}
    return {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': meta(NAMESPACE, labels=level)}


def _variables(mig):
    """Cards come by CDI alone: the runtime stays as it is, and a pod that asks for none sees none."""
    values = {'MIG_STRATEGY': 'mixed' if mig else 'none', 'DEVICE_LIST_STRATEGY': 'cdi-cri', 'DEVICE_ID_STRATEGY': 'uuid', 'FAIL_ON_INIT_ERROR': 'true',
              'NVIDIA_DRIVER_ROOT': '/', 'CONTAINER_DRIVER_ROOT': DRIVER, 'NVIDIA_CDI_HOOK_PATH': HOOK, 'NVIDIA_VISIBLE_DEVICES': 'void',
              'LD_LIBRARY_PATH': LIBRARIES}
    return [{'name': name, 'value': value} for name, value in sorted(values.items())]


def _named(name, pool):
    return '%s-%s' % (pool['plugin'], name)


def config(name, pool):
    """What a device plugin is told of sharing: shares have a name of their own, and a container gets one: two of a card are no more of it."""
    how = pool['sharing']
    text = ('version: v1\nsharing:\n  timeSlicing:\n    renameByDefault: true\n    failRequestsGreaterThanOne: true\n    resources:\n'
            '      - {name: %s, replicas: %d}\n' % (how['resource'], how['replicas']))
    return {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': meta(_named(name, pool), NAMESPACE, {POOL: name}), 'data': {FILE: text}}


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
    mine = {'app.kubernetes.io/name': pool['plugin'], POOL: name}
    volumes = {'plugins': (KUBELET, 'Directory'), 'cdi': (CDI, 'DirectoryOrCreate'), 'driver': ('/', 'Directory')}
    mounts = [{'name': 'plugins', 'mountPath': KUBELET}, {'name': 'cdi', 'mountPath': CDI},
              {'name': 'driver', 'mountPath': DRIVER, 'readOnly': True, 'mountPropagation': 'HostToContainer'}]
    container = {'name': pool['plugin'], 'image': pool['image'], 'imagePullPolicy': 'IfNotPresent', 'command': [pool['plugin']],
                 'env': _variables(pool['mig']), 'securityContext': {'privileged': True}, 'volumeMounts': mounts}
    pod = {'nodeSelector': {POOL: name}, 'priorityClassName': 'system-node-critical', 'automountServiceAccountToken': False, 'containers': [container],
           'tolerations': [{'operator': 'Exists'}],
           'volumes': [{'name': each, 'hostPath': {'path': path, 'type': kind}} for each, (path, kind) in sorted(volumes.items())]}
    return {'apiVersion': 'apps/v1', 'kind': 'DaemonSet', 'metadata': meta(_named(name, pool), NAMESPACE, {POOL: name}),
            'spec': {'selector': {'matchLabels': mine}, 'updateStrategy': {'type': 'RollingUpdate', 'rollingUpdate': {'maxUnavailable': 1}},
                     'template': {'metadata': {'labels': mine}, 'spec': pod}}}


def node(name, of_pool, pool):
    """The labels of a node: by one its pool is found, the other says to whoever looks that pods share a card and nothing keeps them apart."""
    labels = dict({POOL: of_pool}, **({ISOLATION: 'none'} if pool.get('sharing') else {}))
    return {'apiVersion': 'v1', 'kind': 'Node', 'metadata': {'name': name, 'labels': labels}}


def rights(name, pools):
    """Labels of a namespace by which the policy knows its tenant, and the pools that its pods may use."""
    return dict({TENANT: name}, **{MAY_USE + one: 'true' for one in sorted(pools)})


def tenant(name, pools):
    """A namespace of a tenant; what it holds beside this is its own."""
    # what its pods may do is the cluster's default, or what somebody says more strictly
    labels = rights(name, [one for one, pool in pools.items() if name in pool['tenants']])
    return {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': name, 'labels': labels}}


def quota(name, most, called=QUOTA):
    """At most so many cards of each name."""
    hard = {'requests.' + each: str(count) for each, count in sorted(most.items())}
    return {'apiVersion': 'v1', 'kind': 'ResourceQuota', 'metadata': meta(called, name), 'spec': {'hard': hard}}


def _alike(pools):
    """Whether pools have cards of one name: a pod has to say which pool it means."""
    names = [name for pool in pools.values() for name in pool['names']]
    return len(names) != len(set(names))


def policy(pools):
    """Who may ask for cards, and how; judged by the API server itself."""
    prefixes = sorted({name.partition('/')[0] + '/' for pool in pools.values() for name in pool['names']})
    asks = ' || '.join("k.startsWith('%s')" % one for one in prefixes)
    every = "object.spec.containers + (has(object.spec.initContainers) ? object.spec.initContainers : [])"
    of_one = "has(c.resources) && ((has(c.resources.limits) && c.resources.limits.exists(k, %s)) || (has(c.resources.requests) && " \
             "c.resources.requests.exists(k, %s)))" % (asks, asks)
    labels = '(has(namespaceObject.metadata.labels) ? namespaceObject.metadata.labels : {})'
    rules = [("'%s' in %s" % (TENANT, labels), 'cards are for namespaces of tenants, and this one has no label %s' % TENANT),
             ('!has(object.spec.hostUsers) || object.spec.hostUsers',
              'a pod with a user namespace of its own (hostUsers: false) cannot use cards (rule K8S-G7)')]
    if _alike(pools):
        chosen = "has(object.spec.nodeSelector) && '%s' in object.spec.nodeSelector && ('%s' + object.spec.nodeSelector['%s']) in %s" % (
            POOL, MAY_USE, POOL, labels)
        rules.append((chosen, 'several pools have cards of this name: nodeSelector %s says which, and it is one that the namespace may use' % POOL))
    spec = {'failurePolicy': 'Fail', 'matchConstraints': {
        'resourceRules': [{'apiGroups': [''], 'apiVersions': ['v1'], 'operations': ['CREATE'], 'resources': ['pods']}]},
        'variables': [{'name': 'asks', 'expression': '(%s).exists(c, %s)' % (every, of_one)}],
        'validations': [{'expression': '!variables.asks || (%s)' % expression, 'message': message, 'reason': 'Forbidden'} for expression, message in rules]}
    return {'apiVersion': 'admissionregistration.k8s.io/v1', 'kind': 'ValidatingAdmissionPolicy', 'metadata': meta(POLICY), 'spec': spec}


def binding():
    spec = {'policyName': POLICY, 'validationActions': ['Deny']}
    return {'apiVersion': 'admissionregistration.k8s.io/v1', 'kind': 'ValidatingAdmissionPolicyBinding', 'metadata': meta(POLICY), 'spec': spec}


def documents(pools, quotas):
    """All of it, in the order in which it is made."""
    if not pools:
        return []
    made = [namespace_of_plugins()] + [tenant(name, pools) for name in sorted(quotas)] + [quota(name, most) for name, most in sorted(quotas.items())]
    made += [policy(pools), binding()]
    made += [node(host, name, pool) for name, pool in sorted(pools.items()) for host in pool['hosts']]
    return made + [one for name, pool in sorted(pools.items()) for one in plugin(name, pool)]
