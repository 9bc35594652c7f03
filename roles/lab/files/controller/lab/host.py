# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""One host: its container, its description, and the wait until it answers."""
from __future__ import annotations

import json
import socket
import time

from . import describe, engine, parts

# containers in a container: all rights, and layers that do not lie on layers
NODE = ("--privileged", *(word for folder in ("containerd", "kubelet", "etcd") for word in ("--volume", "/var/lib/" + folder)))


def folder(cache, name):
    return cache / "hosts" / name


def write_description(cache, machine):
    """-> None, "faults" or "machine": what differs from the description that is there."""
    here = folder(cache, machine["name"])
    here.mkdir(parents=True, exist_ok=True)
    (here / "authorized_keys").write_bytes((cache / "id_ed25519.pub").read_bytes())
    if machine["archive"]:
        (here / "archive.asc").write_bytes((cache / "repository/key.asc").read_bytes())
    file = here / "host.json"
    before = json.loads(file.read_text()) if file.exists() else None
    if before == machine:
        return None
    file.write_text(json.dumps(machine, indent=1, sort_keys=True))
    return "faults" if before and dict(before, faults=0) == dict(machine, faults=0) else "machine"


def arguments(cache, name, host, network):
    return [
        "--name", name, "--hostname", name, "--network", "%s:ip=%s" % (network, host["address"]),
        "--systemd", "always", "--cgroupns", "private", "--cap-add", engine.CAPABILITIES,
        "--security-opt", "apparmor=unconfined", "--security-opt", "label=disable", *engine.limits(),
        "--volume", "%s/lib:/usr/lib/ai-stack-lab:ro" % cache, "--volume", "%s:/lab" % folder(cache, name),
        *(NODE if host["suite"] == describe.NODE else ()), host["image"],
    ]


def wanted(cache, name, host, network):
    words = arguments(cache, name, host, network)
    return words, parts.text_digest("%s %s" % (words, engine.image_id(words[-1])))


def as_described(cache, name, host, network, machine, there):
    file = folder(cache, name) / "host.json"
    return bool(there and there["running"] and there["labels"].get(network) == wanted(cache, name, host, network)[1]
                and file.exists() and json.loads(file.read_text()) == machine)


def wrong(cache, name, machine, address):
    """What is not as it should be on a running host, in one sentence, or None."""
    file = folder(cache, name) / "outcome.json"
    if not file.exists():
        log = engine.podman("exec", name, "tail", "-n", "3", "/run/ai-stack-lab/boot.log", check=False)
        return "%s: its start failed: %s" % (name, (log.stdout or log.stderr).strip())
    shown, described = json.loads(file.read_text())["shown"], [function["address"] for function in machine["functions"]]
    if shown != described:
        return "%s shows the cards %s and not %s" % (name, shown, described)
    return None if speaks(address) else "%s: no ssh on %s" % (name, address)


def up(cache, name, host, network, machine, there):
    """Create, start, restart or leave alone; -> what was done."""
    difference = write_description(cache, machine)
    words, label = wanted(cache, name, host, network)
    if there and there["labels"].get(network) != label:
        engine.podman("rm", "--force", "--volumes", "--time", "0", name)
        there = None
    if not there:
        # a name that somebody else's container holds is not ours to take
        engine.podman("run", "--detach", "--label", "%s=%s" % (network, label), *words)
        done = "created"
    elif not there["running"]:
        engine.podman("start", name)
        done = "started"
    elif difference == "machine":
        engine.podman("restart", "--time", "20", name)
        done = "restarted"
    else:
        done = "faults" if difference else None
    if done:
        wait(name, host["address"])
        engine.podman("exec", name, "python3", "/usr/lib/ai-stack-lab/lab-host.py", "apply")
    return ["host %s %s" % (name, done)] if done else []


def speaks(address):
    """Whether ssh says who it is."""
    try:
        with socket.create_connection((address, 22), 2) as connection:
            connection.settimeout(5)
            return connection.recv(64).startswith(b"SSH-")
    except OSError:
        return False


def wait(name, address, seconds=180):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if speaks(address):
            return
        time.sleep(0.5)
    raise engine.Failed("%s: no ssh on %s in %d s; look at: podman logs %s" % (name, address, seconds, name))
