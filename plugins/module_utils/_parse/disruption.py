# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which pods of a node no budget lets go, as `kubectl get pods` and `kubectl get poddisruptionbudgets` tell them; source: policy/v1."""

from __future__ import annotations

_STAYS, _OVER = 'kubernetes.io/config.mirror', ('Succeeded', 'Failed')


def _evicted(pod):
    """Whether a drain asks for this pod: what a node runs by itself, or on every node, stays."""
    owners = {one['kind'] for one in pod['metadata'].get('ownerReferences') or ()}
    return 'DaemonSet' not in owners and _STAYS not in (pod['metadata'].get('annotations') or {}) and pod['status'].get('phase') not in _OVER


def _fits(expression, labels):
    key, values = expression['key'], expression.get('values') or ()
    return {'In': labels.get(key) in values, 'NotIn': labels.get(key) not in values, 'Exists': key in labels,
            'DoesNotExist': key not in labels}[expression['operator']]


def _covers(budget, pod):
    """Whether a budget is about a pod; an empty selector is about every pod of its namespace."""
    selector, labels = budget['spec'].get('selector'), pod['metadata'].get('labels') or {}
    return (selector is not None and budget['metadata']['namespace'] == pod['metadata']['namespace']
            and all(labels.get(key) == value for key, value in (selector.get('matchLabels') or {}).items())
            and all(_fits(one, labels) for one in selector.get('matchExpressions') or ()))


def _name(document):
    return '%s/%s' % (document['metadata']['namespace'], document['metadata']['name'])


def kept(pods, budgets):
    """[(namespace/pod, namespace/budget)] of pods whose budget lets none go now. pods, budgets: items of the lists."""
    shut = [one for one in budgets if not one['status'].get('disruptionsAllowed')]
    return sorted((_name(pod), _name(one)) for pod in pods if _evicted(pod) for one in shut if _covers(one, pod))
