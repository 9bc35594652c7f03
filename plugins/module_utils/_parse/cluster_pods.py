# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pods of a cluster that hold cards, as `kubectl get pods` tells of them in columns: all of every pod would be too much of a large cluster."""

from __future__ import annotations

import re

ASKED = ('get', 'pods', '--all-namespaces', '--no-headers', '--output', 'custom-columns=NODE:.spec.nodeName,NAMESPACE:.metadata.namespace,'
         'NAME:.metadata.name,PHASE:.status.phase,LIMITS:.spec.containers[*].resources.limits,INIT:.spec.initContainers[*].resources.limits')
# one that came to its end holds nothing
_OVER = ('Succeeded', 'Failed')
_CARD = re.compile(r'(?:nvidia\.com|amd\.com|gpu\.intel\.com|habana\.ai)/[^\s:\]]+(?=:)')


def held(text, but=''):
    """{node: {name by which they asked: [namespace/pod]}} of pods that hold cards; but: a namespace whose pods give them to whoever needs them."""
    found = {}
    for line in text.splitlines():
        words = line.split(None, 4)
        if len(words) == 5 and words[3] not in _OVER and words[0] != '<none>' and words[1] != but:
            for name in sorted(set(_CARD.findall(words[4]))):
                found.setdefault(words[0], {}).setdefault(name, []).append('%s/%s' % (words[1], words[2]))
    return {node: {name: sorted(pods) for name, pods in sorted(names.items())} for node, names in sorted(found.items())}
