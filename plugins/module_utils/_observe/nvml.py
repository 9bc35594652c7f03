# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What NVIDIA's own tool says about the cards. Its exit code proves little, so its text is read."""

from __future__ import annotations

from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.run import run, which
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import smi


def _empty(status, code=None, message=None):
    return {"status": status, "exit": code, "message": message, "driver_version": None, "cuda_version": None, "gpus": []}


def _with_mig(document, program, seconds):
    if not any(gpu["mig"]["devices"] for gpu in document["gpus"]):
        return document
    listed = smi.parse_list(run([program, "-L"], seconds).out)
    for gpu in document["gpus"]:
        gpu["mig"]["devices"] = listed.get(gpu["uuid"], gpu["mig"]["devices"])
    return document


def _one_by_one(program, addresses, seconds, complaint):
    """A lost card ends the whole query; asked alone, the others still answer."""
    gpus, versions = [], {}
    for address in addresses:
        answer = run([program, "-q", "-x", "-i", address], seconds)
        if answer.late:
            return None
        document = smi.parse_query(answer.out)
        if document and document["gpus"]:
            versions = document
            gpus += [dict(gpu, index=None) for gpu in document["gpus"][:1]]
        else:
            gpus.append(dict(smi.unanswered(address), error=complaint or "exit %s" % answer.code))
    return dict(versions, gpus=gpus) if versions else None


def _driven(functions):
    return [each["address"] for each in functions if each["vendor"] == "10de" and (each["class"] or "").startswith("03") and each["driver"] == "nvidia"]


def _read(program, answer, functions, seconds):
    """-> (state or None, document or None) of the whole answer, else of one question a card."""
    text = answer.out + "\n" + answer.err
    document, state = smi.parse_query(answer.out), smi.state(text)
    if state is None and document is None and not smi.no_devices(text):
        document = _one_by_one(program, _driven(functions), seconds, smi.message(text))
    if state is None and document is None and smi.no_devices(text):
        document = {"driver_version": None, "cuda_version": None, "gpus": []}
    return state, document


def observe(root, functions, seconds, guard):
    """The nvml part of an observation; in a recorded tree nothing runs, so nothing is known."""
    if not root.live:
        return None
    program = which("nvidia-smi")
    if not program:
        return _empty("absent", None, "no nvidia-smi")
    answer = run([program, "-q", "-x"], seconds)
    if answer.late:
        guard.note("nvidia-smi", "no answer in %d s" % seconds)
        return _empty("hung", None, "no answer in %d s" % seconds)
    state, document = _read(program, answer, functions, seconds)
    message = smi.message(answer.out + "\n" + answer.err)
    if state or document is None:
        return _empty(state or "error", answer.code, message)
    return dict(_empty("ok", answer.code, message if answer.code else None), **_with_mig(document, program, seconds))
