# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policies that the API server itself judges by, and that let nothing through where they cannot be judged."""

from __future__ import annotations

from .named import meta

# labels of the namespace that something is made in
LABELS = '(has(namespaceObject.metadata.labels) ? namespaceObject.metadata.labels : {})'


def policy(name, resources, rules, variables=None, unless='', conditions=None):
    """[policy, binding]. resources: one row of resourceRules; rules: [(what has to be so, what is said where it is not)]; variables: {name: expression};
    unless: where this is so no rule counts; conditions: {name: expression} without which nobody asks."""
    before = '%s || ' % unless if unless else ''
    spec = {'failurePolicy': 'Fail', 'matchConstraints': {'resourceRules': [resources]},
            'validations': [{'expression': '%s(%s)' % (before, expression), 'message': message, 'reason': 'Forbidden'} for expression, message in rules]}
    if variables:
        spec['variables'] = [{'name': key, 'expression': expression} for key, expression in variables.items()]
    if conditions:
        spec['matchConditions'] = [{'name': key, 'expression': expression} for key, expression in conditions.items()]
    bound = {'policyName': name, 'validationActions': ['Deny']}
    return [{'apiVersion': 'admissionregistration.k8s.io/v1', 'kind': 'ValidatingAdmissionPolicy', 'metadata': meta(name), 'spec': spec},
            {'apiVersion': 'admissionregistration.k8s.io/v1', 'kind': 'ValidatingAdmissionPolicyBinding', 'metadata': meta(name), 'spec': bound}]


def asking(prefixes):
    """Whether a container of a pod asks for a resource whose name begins so."""
    asks = ' || '.join("k.startsWith('%s')" % one for one in prefixes)
    every = "object.spec.containers + (has(object.spec.initContainers) ? object.spec.initContainers : [])"
    of_one = "has(c.resources) && ((has(c.resources.limits) && c.resources.limits.exists(k, %s)) || (has(c.resources.requests) && " \
             "c.resources.requests.exists(k, %s)))" % (asks, asks)
    return '(%s).exists(c, %s)' % (every, of_one)


# a pod that is made
PODS = {'apiGroups': [''], 'apiVersions': ['v1'], 'operations': ['CREATE'], 'resources': ['pods']}
