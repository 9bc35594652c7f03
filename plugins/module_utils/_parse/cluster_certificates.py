# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When the certificates of a control plane end, as `kubeadm certs check-expiration --output json` tells."""

from __future__ import annotations

import json

# renewed when less is left (rule K8S-S6)
DAYS = 30
_DAY = 86400


def _rows(text):
    return [one for one in json.loads(text)['certificates'] if not one.get('missing')]


def ends(text):
    """{name: end as ISO text}; ValueError where it says something else."""
    try:
        return {one['name']: one['expirationDate'] for one in _rows(text)}
    except (KeyError, TypeError) as error:
        raise ValueError('no list of certificates: %s' % error)


def ending(text):
    """Names of those that end soon and that kubeadm can renew."""
    try:
        return sorted(one['name'] for one in _rows(text) if one['residualTime'] < DAYS * _DAY and not one.get('externallyManaged'))
    except (KeyError, TypeError) as error:
        raise ValueError('no list of certificates: %s' % error)
