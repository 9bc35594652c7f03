# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Small formats: the firmware's key list, a module file without code, the facts of the stand-in NVML, the machine's mirrors."""

from __future__ import annotations

import base64
import shutil
import struct
import subprocess

import pytest
from lab import mirrors
from lab_host import driver_view, firmware, signature, stand_in

PEM = "-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n" % base64.b64encode(b"certificate").decode()


def test_firmware_says_whether_secure_boot_is_on_and_which_keys_it_knows(tmp_path):
    firmware.write(tmp_path, {"enabled": True, "enrolled": [PEM]})
    assert (tmp_path / "efivars" / ("SecureBoot-" + firmware.EFI_GLOBAL)).read_bytes() == b"\x07\0\0\0\x01"
    keys = (tmp_path / "efivars" / ("MokListRT-" + firmware.SHIM)).read_bytes()[4:]
    assert keys[:16] == firmware.CERT_X509.bytes_le
    size, header, entry = struct.unpack("<III", keys[16:28])
    assert (size, header, entry) == (len(keys), 0, 16 + len(b"certificate"))
    assert keys.endswith(b"certificate")


def test_module_without_code_says_what_it_was_told(tmp_path):
    template = tmp_path / "module.ko"
    template.write_bytes(b"version=V%s\0license=L%s\0vermagic=K%s SMP \0end" % (b"#" * 64, b"#" * 64, b"#" * 64))
    data = stand_in.module(template, "6.1.0-56-amd64", "550.90.07", "open")
    assert len(data) == template.stat().st_size
    assert [text for text in data.split(b"\0") if text] == [b"version=550.90.07", b"license=Dual MIT/GPL", b"vermagic=6.1.0-56-amd64 SMP ", b"end"]


def test_signature_is_cut_off_the_end_of_a_module():
    message = b"pkcs7"
    signed = b"code" + message + b"\0" * 8 + struct.pack(">I", len(message)) + signature.MAGIC
    assert signature.split(signed) == (b"code", message)
    assert signature.split(b"code") == (b"code", b"")


@pytest.mark.skipif(not shutil.which("openssl"), reason="signs with openssl")
def test_a_module_is_trusted_when_an_enrolled_key_signed_exactly_it(tmp_path):
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=tmp_path, check=True, capture_output=True)

    for name in ("ours", "theirs"):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", name + ".key", "-out", name + ".pem", "-subj", "/CN=" + name)
    (tmp_path / "code").write_bytes(b"code")
    openssl("cms", "-sign", "-binary", "-noattr", "-outform", "DER", "-signer", "ours.pem", "-inkey", "ours.key", "-in", "code", "-out", "message")
    ours, theirs = ((tmp_path / (name + ".pem")).read_text() for name in ("ours", "theirs"))
    message = (tmp_path / "message").read_bytes()
    tail = message + b"\0" * 8 + struct.pack(">I", len(message)) + signature.MAGIC
    module = tmp_path / "nvidia.ko"
    module.write_bytes(b"code" + tail)
    assert signature.trusted(str(module), [theirs, ours])
    assert not signature.trusted(str(module), [theirs])
    assert not signature.trusted(str(module), [])
    module.write_bytes(b"evil" + tail)
    assert not signature.trusted(str(module), [ours])
    module.write_bytes(b"code")
    assert not signature.trusted(str(module), [ours])


def test_nvml_lists_the_cards_that_the_driver_holds_in_address_order():
    ids = {"vendor": "10de", "device": "2331", "subsystem_vendor": "10de", "subsystem_device": "1626"}
    cards = [{"address": "0000:%s:00.0" % bus, **ids, "nvml": {"name": bus}, "dead": "driver" if bus == "65" else None} for bus in ("65", "17", "ca")]
    held = {"0000:65:00.0": "nvidia", "0000:17:00.0": "nvidia", "0000:ca:00.0": "nouveau"}
    lines = driver_view.config({"functions": cards, "faults": {"nvml": {"gpu0.xid": 79}}, "cuda": {"535": 12020}}, held).splitlines()
    assert "gpu_count: 2" in lines
    assert 'gpu0.bus_id: "00000000:17:00.0"' in lines
    assert 'gpu1.fault: "15"' in lines
    assert "gpu0.xid: 79" in lines
    assert "cuda.535: 12020" in lines


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"sources.list": "deb [arch=amd64] http://mirror.example.org/debian bookworm main\ndeb http://mirror.example.org/sec bookworm-security main\n"},
         {"debian": "http://mirror.example.org/debian", "security": "http://mirror.example.org/sec"}),
        ({"sources.list.d/debian.sources": "Types: deb\nURIs: http://a.example.org/debian/\nSuites: bookworm bookworm-updates\n\nTypes: deb\n"
                                           "URIs: http://a.example.org/security\nSuites: bookworm-security\n"},
         {"debian": "http://a.example.org/debian", "security": "http://a.example.org/security"}),
        ({"sources.list.d/debian.sources": "Types: deb\nURIs: mirror+file:/etc/apt/mirrors/debian.list\nSuites: bookworm\n",
          "mirrors/debian.list": "http://b.example.org/debian priority:1\n"}, {"debian": "http://b.example.org/debian"}),
        ({"sources.list.d/other.list": "deb http://c.example.org stable main\n"}, {}),
        ({"sources.list.d/off.sources": "Enabled: no\nTypes: deb\nURIs: http://d.example.org/debian\nSuites: bookworm\n"}, {}),
    ],
)  # fmt: skip
def test_mirrors_are_those_of_the_machine(tmp_path, files, found):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text('ID=debian\nVERSION_CODENAME=bookworm\n')
    for name, text in files.items():
        path = tmp_path / "etc/apt" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert mirrors.own(tmp_path) == found
