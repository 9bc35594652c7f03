# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cards that pods get by claims (Dynamic Resource Allocation) and not by a device plugin; source: Kubernetes' API resource.k8s.io/v1, the DaemonSet of
NVIDIA's DRA driver (its chart, see kubernetes_plugins.yml), and the rules K8S-G1 and V10.

A pool is a class of devices, and a tenant may have so many of a class. A class tells devices by what their driver says of them.
"""

from __future__ import annotations

from .._parse.cluster_claims import API, CLASSES, VENDORS_CLASSES
from .._parse.cluster_nodes import MAY_USE, NAMESPACE, TENANT
from . import daemons, policies
from .daemons import CDI, HOOK
from .named import meta
from .policies import LABELS

NAME, ACCOUNT = 'ai-stack-accelerators', 'ai-stack-accelerators-claims'
PLUGINS, REGISTRY = '/var/lib/kubelet/plugins', '/var/lib/kubelet/plugins_registry'
# how the quota of a namespace calls devices of a class, and a pod that asks for one without a claim
LIMITED, IMPLIED = '.deviceclass.resource.k8s.io/devices', 'deviceclass.resource.kubernetes.io/'
# by this label of a namespace Kubernetes itself knows where claims may see devices that others hold
ADMIN = 'resource.kubernetes.io/admin-access'
# claims cannot be changed, and what only adds or takes a finalizer has to go through whatever became of a tenant
_MADE = {'apiGroups': ['resource.k8s.io'], 'apiVersions': ['v1'], 'operations': ['CREATE']}


def class_of(pool):
    return CLASSES + pool


def counted(pool):
    """Names by which nodes have the cards of a pool."""
    return [pool['claims']['driver']] if pool.get('claims') else pool['names']


def limited(name):
    """How a quota calls what pods ask for: by a name of a vendor, or by a class."""
    return 'requests.' + name if '/' in name else name + LIMITED


def device_class(pool):
    driver = pool['claims']['driver']
    # whole cards: a driver has parts of cards beside them
    chosen = "device.driver == '%s' && device.attributes['%s'].type == 'gpu'" % (driver, driver)
    return {'apiVersion': API, 'kind': 'DeviceClass', 'metadata': meta(pool['claims']['class']), 'spec': {'selectors': [{'cel': {'expression': chosen}}]}}


def template(pool, namespace):
    """A claim of one card for each pod that names it."""
    (name,) = pool['names']
    requests = [{'name': 'card', 'exactly': {'deviceClassName': name, 'allocationMode': 'ExactCount', 'count': 1}}]
    return {'apiVersion': API, 'kind': 'ResourceClaimTemplate', 'metadata': meta(name, namespace), 'spec': {'spec': {'devices': {'requests': requests}}}}


def _of_claims(kind, spec):
    """Who may ask for which class. spec: expression for what is asked for in one of KIND."""
    allowed = "(!%%s.deviceClassName.startsWith('%s') || ('%s' + %%s.deviceClassName.substring(%d)) in %s)" % (CLASSES, MAY_USE, len(CLASSES), LABELS)
    own = "!(%%s.deviceClassName in [%s])" % ', '.join("'%s'" % one for one in VENDORS_CLASSES)
    admin = "(!has(r.exactly.adminAccess) || !r.exactly.adminAccess || (!('%s' in %s) && '%s' in %s && %s['%s'] == 'true'))" % (
        TENANT, LABELS, ADMIN, LABELS, LABELS, ADMIN)
    rules = [(_each(allowed), 'cards of a class are for namespaces of tenants of its pool, which have the label %s and its name' % MAY_USE),
             (_each(own), 'a class of the vendor is of no pool: claims name %s and a pool' % CLASSES),
             ('variables.requests.all(r, !has(r.exactly) || %s)' % admin,
              'adminAccess is for namespaces with the label %s: "true" that are no tenant\'s' % ADMIN)]
    requests = '(has(%s.devices) && has(%s.devices.requests) ? %s.devices.requests : [])' % (spec, spec, spec)
    return policies.policy('%s-%s' % (NAME, kind), dict(_MADE, resources=[kind]), rules, {'requests': requests})


def _each(so):
    """That it is so of each class that may be given. so: expression with the one place or more for what names it."""
    exactly, other = (so.replace('%s', name) for name in ('r.exactly', 's'))
    return 'variables.requests.all(r, (!has(r.exactly) || %s) && (!has(r.firstAvailable) || r.firstAvailable.all(s, %s)))' % (exactly, other)


def _of_pods(pools):
    """Pods ask by claims, and by nothing that the scheduler would make claims of."""
    prefixes = sorted({pool['claims']['resource'] for pool in pools.values()}) + [IMPLIED + CLASSES]
    plain = ('!variables.asks', 'cards of this cluster are asked for by claims: resourceClaims of the pod (rule K8S-G1)')
    shut = "!('%s' in %s) || !has(object.spec.resourceClaims) || !has(object.spec.hostUsers) || object.spec.hostUsers" % (TENANT, LABELS)
    return policies.policy(NAME, policies.PODS, [plain, (shut, 'a pod with a user namespace of its own (hostUsers: false) cannot use cards (rule K8S-G7)')],
                           {'asks': policies.asking(prefixes)})


def _of_slices():
    """Who has the account of a driver says what is on the node that it runs on, and on no other."""
    node = "'authentication.kubernetes.io/node-name'"
    told = "(has(request.userInfo.extra) && %s in request.userInfo.extra ? request.userInfo.extra[%s][0] : '')" % (node, node)
    there = "(request.operation == 'DELETE' ? oldObject : object).spec"
    return policies.policy(NAME + '-slices', dict(_MADE, operations=['CREATE', 'UPDATE', 'DELETE'], resources=['resourceslices']),
                           [("variables.told != '' && has(%s.nodeName) && %s.nodeName == variables.told" % (there, there),
                             'a driver tells of the devices of its own node')],
                           {'told': told}, conditions={'by-a-driver': "request.userInfo.username == 'system:serviceaccount:%s:%s'" % (NAMESPACE, ACCOUNT)})


def _account():
    """What a driver may do: read claims, and tell of its node."""
    rules = [{'apiGroups': ['resource.k8s.io'], 'resources': ['resourceclaims'], 'verbs': ['get', 'list', 'watch']},
             {'apiGroups': ['resource.k8s.io'], 'resources': ['resourceslices'], 'verbs': ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete']},
             {'apiGroups': [''], 'resources': ['nodes'], 'verbs': ['get']}]
    rbac = 'rbac.authorization.k8s.io'
    return [{'apiVersion': 'v1', 'kind': 'ServiceAccount', 'metadata': meta(ACCOUNT, NAMESPACE)},
            {'apiVersion': rbac + '/v1', 'kind': 'ClusterRole', 'metadata': meta(ACCOUNT), 'rules': rules},
            {'apiVersion': rbac + '/v1', 'kind': 'ClusterRoleBinding', 'metadata': meta(ACCOUNT),
             'roleRef': {'apiGroup': rbac, 'kind': 'ClusterRole', 'name': ACCOUNT},
             'subjects': [{'kind': 'ServiceAccount', 'name': ACCOUNT, 'namespace': NAMESPACE}]}]


def documents(pools):
    """All but what runs on nodes: the policies before what they are about."""
    of_claims = _of_claims('resourceclaims', 'object.spec') + _of_claims('resourceclaimtemplates', 'object.spec.spec')
    return _of_pods(pools) + of_claims + _of_slices() + _account() + [device_class(pool) for dummy, pool in sorted(pools.items())]


def plugin(name, pool):
    """The DRA driver on the nodes of a pool, and on no other. It needs no MPS, no passthrough and no domains, so none of their variables."""
    values = {'CDI_ROOT': CDI, 'IMAGE_NAME': pool['image'], 'KUBELET_PLUGINS_DIRECTORY_PATH': PLUGINS, 'KUBELET_REGISTRAR_DIRECTORY_PATH': REGISTRY,
              'NVIDIA_CDI_HOOK_PATH': HOOK, 'NVIDIA_DRIVER_ROOT': '/', 'NVIDIA_MIG_CONFIG_DEVICES': 'all', 'NVIDIA_VISIBLE_DEVICES': 'void'}
    told = [{'name': key, 'valueFrom': {'fieldRef': {'apiVersion': 'v1', 'fieldPath': path}}}
            for key, path in (('NAMESPACE', 'metadata.namespace'), ('NODE_NAME', 'spec.nodeName'))]
    folders = {'plugins': (PLUGINS, 'Directory', {'mountPath': PLUGINS, 'mountPropagation': 'Bidirectional'}),
               'registry': (REGISTRY, 'Directory', {'mountPath': REGISTRY})}
    return [daemons.daemon_set(name, pool, [{'name': key, 'value': value} for key, value in sorted(values.items())] + told, folders, ACCOUNT)]
