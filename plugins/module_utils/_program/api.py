# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The API of a cluster, asked on its control plane by the way in that needs no identity provider. For programs of roles."""

from __future__ import annotations

import json
import time

ADMIN = '/etc/kubernetes/admin.conf'
PAUSE = 1
# what kubectl says where the API has no such kind
MISSING = ('NotFound', 'could not find the requested resource')


def kubectl(ground, *words, **how):
    """(exit status, output). how: check: whether an error is one; seconds: until there is an answer; data: what it reads."""
    seconds = how.get('seconds', 60)
    command = ['kubectl', '--kubeconfig', ground.at(ADMIN), '--request-timeout', '%ds' % min(seconds, 30)] + list(words)
    return ground.run(command, check=how.get('check', True), timeout=seconds, data=how.get('data', b''))


def ask(ground, *words, **how):
    """A document of the API; None: there is nothing that was asked for."""
    text = kubectl(ground, *(words + ('--output', 'json')), **how)[1]
    return json.loads(text) if text.strip() else None


def raw(ground, address, unknown, refused):
    """A document of the API by its address; None: it knows no such address. unknown: what is said where it tells neither; refused: the kind of error that is
    one. No answer is no 'no'."""
    code, text = kubectl(ground, 'get', '--raw', address, check=False)
    if code and not any(one in text for one in MISSING):
        raise refused('%s: %s' % (unknown, ' '.join(text.split())[-400:]))
    return None if code else json.loads(text)


def until(seconds, wrong, refused):
    """Wait until nothing is wrong any more; what is, all at once. wrong: () -> sentences; refused: the kind of error that is one."""
    end = time.time() + seconds
    while True:
        try:
            found = wrong()
        except refused as error:
            found = [str(error)]
        if not found:
            return
        if time.time() >= end:
            raise refused('\n'.join(found))
        time.sleep(PAUSE)
