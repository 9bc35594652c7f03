# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions that a member of a cluster has, as its programs say them and as the manifests of kubeadm name them."""

from __future__ import annotations

import re

_IMAGE = re.compile(r'^\s+image: \S+?:([^:\s/@]+)\s*$', re.M)
_KUBELET = re.compile(r'^Kubernetes (v\S+)')


def tag(manifest):
    """Tag of the image that a manifest of kubeadm names; None: it names none."""
    found = _IMAGE.search(manifest or '')
    return found.group(1) if found else None


def kubelet(text):
    """v1.37.2 of what `kubelet --version` prints; None: it does not say."""
    found = _KUBELET.match(text or '')
    return found.group(1) if found else None
