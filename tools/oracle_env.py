# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""oracle_env.py [RELEASE...]: environments with published releases of Nova and Placement, for tests/oracle; all of them where none is named.

Each is AI_STACK_CACHE/oracle/<release>, made by plain pip from the pins of its series, whole: pip resolves nothing and builds nothing. It stays until
its pins change.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
ORACLE = ROOT / "tests" / "oracle"


class Unproven(Exception):
    """Why a release cannot be asked on this machine."""


def releases() -> list:
    return yaml.safe_load((ORACLE / "releases.yml").read_text())["releases"]


def folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("AI_STACK_CACHE") or Path(base, "sovereign.ai_stack")) / "oracle"


def version_of(python: str) -> str:
    """Major and minor version of an interpreter that can make environments; pyenv's shims exist and only print an error: hence the trial run."""
    try:
        done = subprocess.run([python, "-c", "import sys, venv; print('%d.%d' % sys.version_info[:2])"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def interpreter(wanted: list) -> tuple:
    """(Python, version) of one of these versions: the system's, one on PATH, or one of pyenv."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv", "versions")
    others = [one for version in wanted for one in (f"python{version}", *sorted(map(str, pyenv.glob(f"{version}.*/bin/python3"))))]
    for python in ["/usr/bin/python3", *others]:
        version = version_of(python)
        if version in wanted:
            return python, version
    raise Unproven(f"this machine has no Python {' or '.join(wanted)}")


def stamp(row: dict, version: str) -> str:
    text = (ORACLE / "pins" / f"{row['pins']}.txt").read_text() + row["release"] + row["placement"] + version
    return hashlib.sha256(text.encode()).hexdigest()


def make(row: dict, place: Path, python: str) -> None:
    shutil.rmtree(place, ignore_errors=True)
    subprocess.run([python, "-m", "venv", "--without-pip", place], check=True)
    # the pip of the tools installs into it: an environment of its own would bring a pip and its bytecode each time
    pip = [sys.executable, "-m", "pip", "--python", place / "bin/python", "install", "-q", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:"]
    wanted = [f"nova=={row['release']}", f"openstack-placement=={row['placement']}", "-r", ORACLE / "pins" / f"{row['pins']}.txt"]
    done = subprocess.run([*pip, *wanted], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        shutil.rmtree(place, ignore_errors=True)
        raise RuntimeError(f"pip cannot install Nova {row['release']}:\n{done.stdout[-2000:]}")


def python_of(row: dict) -> Path:
    """The Python of a release, made where it is not there; Unproven where this machine cannot have it."""
    if row.get("unproven"):
        raise Unproven(row["unproven"])
    python, version = interpreter(row["python"])
    place = folder() / row["release"]
    place.parent.mkdir(parents=True, exist_ok=True)
    with open(place.parent / f"{row['release']}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs of one machine share the environments
        mark, wanted = place / ".stamp", stamp(row, version)
        if not mark.exists() or mark.read_text() != wanted:
            make(row, place, python)
            mark.write_text(wanted)
    return place / "bin/python"


def main(*names: str) -> int:
    for row in releases():
        if not names or row.get("release") in names:
            try:
                print(row["series"], row.get("release", "-"), python_of(row), flush=True)
            except Unproven as why:
                print(row["series"], row.get("release", "-"), "unproven:", why, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
