# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Would a kernel that knows these certificates accept this module? Answered by checking the signature at the module's end."""
from __future__ import annotations

import lzma
import struct
import subprocess
import tempfile
from pathlib import Path

MAGIC = b"~Module signature appended~\n"


def _content(path):
    data = Path(path).read_bytes()
    if path.endswith(".xz"):
        return lzma.decompress(data)
    if path.endswith(".zst"):
        return subprocess.run(["zstd", "-dcq", path], capture_output=True, check=True).stdout
    return data


def split(data):
    """(module, PKCS#7 message), the message empty for an unsigned module."""
    if not data.endswith(MAGIC):
        return data, b""
    head = len(data) - len(MAGIC) - 12
    size = struct.unpack(">I", data[head + 8:head + 12])[0]
    return data[:head - size], data[head - size:head]


def trusted(path, certificates):
    """CERTIFICATES: those that are enrolled, as PEM."""
    module, message = split(_content(path))
    if not message or not certificates:
        return False
    with tempfile.TemporaryDirectory() as work:
        Path(work, "module").write_bytes(module)
        Path(work, "message").write_bytes(message)
        Path(work, "known").write_text("\n".join(certificates))
        command = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", work + "/message", "-content", work + "/module",
                   "-certfile", work + "/known", "-nointern", "-noverify", "-out", "/dev/null"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
