# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The build host signs modules and packs them; the package has the modules where modprobe looks, and neither key nor compiler."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).resolve().parents[4] / "roles/gpu_driver/files/pack_modules.py"
SIGN_FILE = '#!/bin/sh\n[ -r "$2" ] || exit 3\nprintf "%s~Module signature appended~\\n" signature >>"$4"\n'

pytestmark = pytest.mark.skipif(not all(map(shutil.which, ("dpkg-deb", "strip"))), reason="needs dpkg-deb and binutils")


@pytest.fixture
def request_of(tmp_path):
    folder = tmp_path / "modules"
    folder.mkdir()
    for name in ("nvidia.ko", "nvidia-uvm.ko"):
        shutil.copy(shutil.which("true"), folder / name)
    sign_file = tmp_path / "sign-file"
    sign_file.write_text(SIGN_FILE)
    sign_file.chmod(0o755)
    key = tmp_path / "key.pem"
    key.write_text("secret")
    paths = {"folder": folder, "out": tmp_path / "p.deb", "sign_file": sign_file, "key": key, "certificate": key}
    names = {"name": "modules-6", "version": "1.2.3", "release": "1~open+ab12cd34ef56", "flavour": "open", "kernel": "6", "modules_as": "nvidia-current"}
    return {**names, **{name: str(path) for name, path in paths.items()}}


def pack(request, *words):
    return subprocess.run([sys.executable, PROGRAM, *words], input=json.dumps(request), capture_output=True, text=True, check=False)


def unpacked(request, tmp_path):
    root = tmp_path / "root"
    subprocess.run(["dpkg-deb", "-R", request["out"], root], check=True)
    return root


def test_the_package_holds_signed_modules_under_the_distributions_names(request_of, tmp_path):
    assert pack(request_of).returncode == 0
    root = unpacked(request_of, tmp_path)
    folder = root / "lib/modules/6/updates/ai-stack"
    assert sorted(path.name for path in folder.iterdir()) == ["nvidia-current-uvm.ko", "nvidia-current.ko"]
    assert all(path.read_bytes().endswith(b"~Module signature appended~\n") for path in folder.iterdir())
    control = (root / "DEBIAN/control").read_text()
    assert "Version: 1.2.3-1~open+ab12cd34ef56\n" in control and "Provides: nvidia-kernel-1.2.3" in control and "Depends" not in control


NO_SIGN_FILE = pytest.mark.skipif(bool(list(Path("/usr/lib").glob("linux-kbuild-*"))), reason="this machine has the kernel's program that signs")


@pytest.mark.parametrize(
    ("missing", "said"), [(None, ""), ("key", "no key at"), pytest.param("sign_file", "no sign-file on this host", marks=NO_SIGN_FILE)]
)
def test_what_the_build_host_lacks_is_said_before_it_compiles(request_of, missing, said):
    if missing:
        Path(request_of[missing]).unlink()
    done = pack(request_of, "check")
    assert (done.returncode, said in done.stderr, Path(request_of["out"]).exists()) == (int(bool(missing)), True, False)


def test_no_key_is_in_the_package_and_no_folder_stays_behind(request_of, tmp_path):
    pack(request_of)
    assert not [path for path in unpacked(request_of, tmp_path).rglob("*") if path.is_file() and b"secret" in path.read_bytes()]
    assert not list(tmp_path.glob("ai-stack-pack-*")) and not list(tmp_path.glob("*.new"))


def test_without_a_key_the_modules_are_packed_unsigned(request_of, tmp_path):
    assert pack(dict(request_of, key="", certificate="")).returncode == 0
    module = unpacked(request_of, tmp_path) / "lib/modules/6/updates/ai-stack/nvidia-current.ko"
    assert b"signature appended" not in module.read_bytes()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"key": "/nowhere/key.pem"}, "ended with 3"),
        ({"folder": "empty"}, "no modules in"),
        ({"sign_file": "true"}, "carries no signature"),
    ],
)
def test_what_cannot_be_signed_is_not_packed(request_of, tmp_path, change, said):
    (tmp_path / "empty").mkdir()
    change = {key: str(tmp_path / value) if value == "empty" else shutil.which(value) or value for key, value in change.items()}
    done = pack(dict(request_of, **change))
    assert done.returncode and said in done.stderr and "Traceback" not in done.stderr and "secret" not in done.stderr
    assert not Path(request_of["out"]).exists()


def test_the_operators_sign_file_may_name_the_kernel(request_of, tmp_path):
    spec = importlib.util.spec_from_file_location("pack_modules", PROGRAM)
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    (tmp_path / "6").mkdir()
    shutil.copy(tmp_path / "sign-file", tmp_path / "6/sign-file")
    assert program.sign_file(dict(request_of, sign_file=str(tmp_path / "{kernel}/sign-file"))) == str(tmp_path / "6/sign-file")
