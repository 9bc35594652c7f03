# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""podman, as far as the lab needs it, and the flags that a machine of any kind wants."""
from __future__ import annotations

import contextlib
import fcntl
import json
import os
import resource
import subprocess
import time
from pathlib import Path

CAPABILITIES = "SYS_ADMIN,NET_ADMIN,SYS_PTRACE,AUDIT_WRITE"


class Failed(Exception):
    """A command that ended with an error: what was run and what it said."""


def run(*command, timeout=120, check=True, stdin=None):
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=timeout, input=stdin, check=False)
    except subprocess.TimeoutExpired:
        raise Failed("%s: no end after %d s" % (" ".join(words[:4]), timeout))
    if check and done.returncode:
        raise Failed("%s: exit %d: %s" % (" ".join(words[:4]), done.returncode, (done.stderr or done.stdout).strip()[-500:]))
    return done


def podman(*command, **options):
    return run("podman", *runtime(), *command, **options)


def runtime():
    """crun refuses a machine that mixes cgroup v1 and v2; runc takes it."""
    mixed = Path("/sys/fs/cgroup/unified").exists() or not Path("/sys/fs/cgroup/cgroup.controllers").exists()
    return ("--runtime", "runc") if mixed else ()


def limits():
    """podman's defaults are above what a root without CAP_SYS_RESOURCE may set."""
    files = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1] % (1 << 63), 1048576)
    processes = min(resource.getrlimit(resource.RLIMIT_NPROC)[1] % (1 << 63), 32768)
    return ("--ulimit", "nofile=%d:%d" % (files, files), "--ulimit", "nproc=%d:%d" % (processes, processes))


def containers(lab):
    """{name: {id, running, labels}} of every container of this lab, whoever made it. Its network's name is their label: another lab has another one."""
    listed = podman("ps", "--all", "--filter", "label=" + lab, "--format", "json")
    return {item["Names"][0]: {"id": item["Id"], "running": item["State"] == "running", "labels": item["Labels"]} for item in json.loads(listed.stdout or "[]")}


def image_key(image):
    """What the image says that it was made of."""
    found = podman("image", "inspect", "--format", '{{index .Labels "ai-stack-lab.key"}}', image, check=False)
    return found.stdout.strip() if found.returncode == 0 else None


def prune_images():
    """What lost its name to a newer one and serves no container any more."""
    podman("image", "prune", "--force", "--filter", "label=ai-stack-lab.key", check=False)


def image_id(image):
    found = podman("image", "inspect", "--format", "{{.Id}}", image, check=False)
    return found.stdout.strip() if found.returncode == 0 else None


@contextlib.contextmanager
def alone(path, seconds):
    """Hold a file's lock; who comes second waits, and says after SECONDS whose it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+", encoding="utf-8") as file:
        for _second in range(seconds):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(1)
        else:
            file.seek(0)
            raise Failed("another run holds the lab's %s for more than %d minutes: %s" % (path.name, seconds // 60, file.read().strip()))
        file.truncate(0)
        file.write("process %d\n" % os.getpid())
        file.flush()
        yield
