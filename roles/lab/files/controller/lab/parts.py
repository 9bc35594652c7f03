# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What the hosts are made of: the compiled layers, the programs of process 1, the images, the key to reach them."""
from __future__ import annotations

import filecmp
import hashlib
import os
import shutil
import sys
import tempfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import engine

FILES = Path(__file__).resolve().parents[2]


def digest(*paths, extra=""):
    total = hashlib.sha256(extra.encode())
    for path in sorted(file for path in paths for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file() and "__pycache__" not in str(file)):
        total.update(path.read_bytes())
    return total.hexdigest()[:12]


def key(folder):
    """The pair of keys of this lab; it lives in the cache folder only."""
    private = folder / "id_ed25519"
    if private.exists():
        return []
    engine.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ai-stack-lab", "-f", private)
    return ["key %s" % private]


def header(folder, requirement):
    """NVIDIA's nvml.h out of its package of headers, fetched once."""
    kept = folder / ("nvml-%s.h" % requirement.replace("=", "-"))
    if not kept.exists():
        with tempfile.TemporaryDirectory() as work:
            engine.run(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", work, requirement, timeout=300)
            wheel = next(Path(work).glob("*.whl"))
            with zipfile.ZipFile(wheel) as archive:
                name = next(name for name in archive.namelist() if name.endswith("/nvml.h"))
                kept.write_bytes(archive.read(name))
    return kept


def library(folder, requirement):
    """FOLDER/lib, which every host mounts: compiled and copied in place, so that a mounted folder follows."""
    lib, silicon = folder / "lib", folder / "silicon"
    stamp = digest(FILES / "silicon", extra=requirement)
    if not (silicon / stamp).exists():
        shutil.rmtree(silicon, ignore_errors=True)
        engine.run("sh", FILES / "silicon/build.sh", silicon, header(folder, requirement), timeout=300)
        (silicon / stamp).touch()
    wanted = {path.relative_to(FILES / "host"): path for path in (FILES / "host").rglob("*") if path.is_file() and "__pycache__" not in str(path)}
    wanted.update({Path(path.name): path for path in silicon.glob("*.so")})
    done = []
    for name, source in sorted(wanted.items()):
        target = lib / name
        if target.exists() and filecmp.cmp(source, target, shallow=False):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(target.name + ".new")
        shutil.copyfile(source, fresh)
        fresh.chmod(0o755)
        os.replace(fresh, target)
        done.append("lib %s" % name)
    return done


def images(folder, kinds, mirrors, days):
    """Build what is missing, kinds in parallel. An image older than DAYS is made anew, because kernels and their headers leave the archive."""
    recipe = digest(FILES / "image", extra="%s %d" % (sorted(mirrors.items()), int(time.time()) // (days * 86400)))
    environment = dict(os.environ, LAB_MIRROR=mirrors["debian"], LAB_SECURITY_MIRROR=mirrors["security"], LAB_DEBS=str(folder / "debs"), LAB_IMAGE_KEY=recipe)

    def build(kind):
        words = ["env", *["%s=%s" % item for item in environment.items() if item[0].startswith("LAB_")], "sh", FILES / "image/build.sh", *kind]
        return engine.run(*words, timeout=900).stdout.strip().splitlines()[-1]

    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(build, sorted(kinds)))
    return ["image " + line.split()[1] for line in said if line.startswith("made")]


def image_name(suite, kernel):
    return "localhost/ai-stack-lab:%s%s" % (suite, "" if kernel == "amd64" else "-" + kernel)
