# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What a kernel module file says about itself."""

from __future__ import annotations

import gzip
import io
import lzma

from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.run import run, which
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import modinfo

LIMIT = 1 << 28
TAIL = 16384


def _open(path):
    """A seekable stream of the module as the kernel gets it; None: packed in a way that Python cannot read."""
    if path.endswith(".xz"):
        with lzma.open(path) as packed:
            return io.BytesIO(packed.read(LIMIT))
    if path.endswith(".gz"):
        with gzip.open(path) as packed:
            return io.BytesIO(packed.read(LIMIT))
    return None if path.endswith(".zst") else open(path, "rb")  # pylint: disable=consider-using-with


def _read(stream):
    def read(offset, length):
        stream.seek(offset)
        return stream.read(min(length, LIMIT))
    return read


def _of_stream(stream):
    fields = modinfo.fields(modinfo.section(_read(stream)) or b"")
    stream.seek(0, io.SEEK_END)
    stream.seek(max(0, stream.tell() - TAIL))
    return fields, modinfo.signer(stream.read())


def _of_program(root, path):
    """zstd is not in Python's library: the host's own modinfo reads it, in a live root only."""
    if not root.live or not which("modinfo"):
        return {}, None
    answer = run([which("modinfo"), "-0", path], 10)
    fields = dict(pair.split(":", 1) for pair in answer.out.split("\0") if ":" in pair)
    fields = {name.strip(): value.strip() for name, value in fields.items()}
    return fields, fields.get("signer") or None


def describe(root, path):
    """-> {name, version, flavour, signer}; null where the file does not tell."""
    stream = _open(root.at(path))
    if stream is None:
        fields, signer = _of_program(root, path)
        # a name that nothing can confirm is taken from the file's name
        fields.setdefault("name", "nvidia" if path.rsplit("/", 1)[-1].startswith("nvidia") else None)
    else:
        with stream:
            fields, signer = _of_stream(stream)
    return {"name": fields.get("name"), "version": fields.get("version"), "flavour": modinfo.flavour(fields.get("license")), "signer": signer}
