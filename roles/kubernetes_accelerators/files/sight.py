# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""sight.py CONTAINER NAME ADDRESS...: which cards a container sees, from outside of it, and whether it keeps them when systemd reads its units anew.

Runs on the node, as root; nothing of it runs in the container's image. NAME: by which its pod asked for one card; ADDRESS...: where the cards are that it may
be given. Prints {card, failed: [sentences]}; card: the address of the one that it sees.

A device is told by its number and by nothing else, as the kernel does it: names in a container are whatever somebody called them. Whether it can be opened is
asked by a process that enters the container's group: who may use a device, the kernel decides by the group alone.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
import time

ROOT = os.environ.get("SIGHT_ROOT", "")
CRICTL = ["crictl", "--runtime-endpoint", "unix:///run/containerd/containerd.sock", "inspect", "--output", "json"]
RELOAD = ["systemctl", "daemon-reload"]
# systemd answers first and gives devices anew a moment later
PAUSE = 2
REFUSED = (errno.EPERM, errno.EACCES)


def text(path):
    try:
        with open(ROOT + path, encoding="utf-8") as handle:
            return handle.read()
    except OSError:
        return ""


def run(command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=True).stdout.decode("utf-8", "replace")


def number(path):
    """The number of a character device; None: there is none."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_rdev if stat.S_ISCHR(status.st_mode) else None


def cards():
    """{number: {address, uuid, minor, path}} of the cards that the driver of the host has."""
    found, folder = {}, "/proc/driver/nvidia/gpus"
    for address in sorted(os.listdir(ROOT + folder) if os.path.isdir(ROOT + folder) else ()):
        told = dict(line.partition(":")[::2] for line in text("%s/%s/information" % (folder, address)).splitlines())
        told = {key.strip(): value.strip() for key, value in told.items()}
        path = "/dev/nvidia%s" % told.get("Device Minor")
        found[number(ROOT + path)] = {"address": address, "uuid": told.get("GPU UUID"), "minor": told.get("Device Minor"), "path": path}
    return {one: card for one, card in found.items() if one is not None}


def instances():
    """{number: what it opens} of parts of cards, such as gpu0/gi1/access."""
    rows = [line.split() for line in text("/proc/driver/nvidia-caps/mig-minors").splitlines()]
    found = {number("%s/dev/nvidia-caps/nvidia-cap%s" % (ROOT, minor)): name for name, minor in (row for row in rows if len(row) == 2)}
    return {one: name for one, name in found.items() if one is not None and name.endswith("/access")}


def inside(pid):
    """{number: path by which the host comes to it} of all devices of a container."""
    found = {}
    for folder, _folders, names in os.walk("%s/proc/%d/root/dev" % (ROOT, pid)):
        for path in (os.path.join(folder, name) for name in names):
            if number(path) is not None:
                found[number(path)] = path
    return found


def group(pid):
    """The file that takes processes into the group of devices of another one; each kind of groups is mounted at a place of its own."""
    rows = [line.split(":", 2) for line in text("/proc/%d/cgroup" % pid).splitlines()]
    old = next((row[2] for row in rows if "devices" in row[1].split(",")), None)
    path = next((row[2] for row in rows if not row[1]), None) if old is None else old
    for line in text("/proc/self/mountinfo").splitlines():
        words, _dash, kind = line.partition(" - ")
        top, place = words.split()[3:5]
        kind = kind.split()
        if path is not None and (kind[0] == "cgroup2" if old is None else kind[0] == "cgroup" and "devices" in kind[2].split(",")):
            below = path[len(top):] if top != "/" and (path + "/").startswith(top + "/") else path
            return "%s%s%s/cgroup.procs" % (ROOT, place, below.rstrip("/"))
    raise OSError("nothing tells in which group of devices process %d is" % pid)


def opened(path):
    """What opening it says: 0 or an error; no driver has to start for it."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError as error:
        return error.errno
    return 0


def tried(procs, paths):
    """{path: 0 or an error} of a child that enters the group; whoever asks stays where it is."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            with open(procs, "w", encoding="ascii") as handle:
                handle.write(str(os.getpid()))
            answer = {path: opened(path) for path in paths}
        except OSError as error:
            answer = {"": "cannot enter %s: %s" % (procs, error.strerror)}
        os.write(writing, json.dumps(answer).encode("utf-8"))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as handle:
        answer = json.loads(handle.read().decode("utf-8") or '{"": "the process that entered the group ended"}')
    os.waitpid(child, 0)
    if "" in answer:
        raise OSError(answer[""])
    return answer


def is_named(one, card):
    """Whether CDI calls a card so: a device plugin by its UUID, a claim by its own and the number of the card."""
    return one == card["uuid"] or one.endswith("-gpu-%s" % card["minor"])


def given(name, seen, parts, allowed, named):
    """What is wrong with the cards and the parts of cards that a container sees. named: by CDI."""
    addresses = [card["address"] for card in seen]
    if len(seen) != 1:
        yield "it asked for one %s, and sees %s" % (name, "cards %s" % ", ".join(addresses) if seen else "no card")
        return
    (card,) = seen
    if card["address"] not in allowed:
        yield "it sees card %s, which is none of its pool" % card["address"]
    if not named:
        yield "its card came by something else than CDI, and goes when units are read anew"
    access = "gpu%s/gi" % card["minor"]
    computes = [part for part in parts if "/ci" in part]
    whole = [part for part in parts if part not in computes]
    if "/mig-" not in name:
        if parts:
            yield "it asked for a whole card, and sees parts: %s" % ", ".join(parts)
        if named and not any(is_named(one.partition("=")[2], card) for one in named):
            yield "it was given %s, and sees card %s, which is %s" % (", ".join(named), card["address"], card["uuid"])
    elif len(whole) != 1 or len(computes) != 1 or not whole[0].startswith(access) or not computes[0].startswith(whole[0][: -len("access")]):
        yield "it asked for one part of card %s, and sees %s" % (card["address"], ", ".join(parts) or "none")


def gates(devices, mine, others, procs, when):
    """What is wrong with what the kernel lets a container open. mine: numbers of what it was given; others: paths of cards that it was not."""
    asked = {devices[one]: one for one in mine}
    answers = tried(procs, sorted(asked) + sorted(others))
    for path in sorted(asked):
        if answers[path] in REFUSED:
            yield "%s it may not open %s: %s" % (when, path.rpartition("/root")[2], os.strerror(answers[path]))
    for path in sorted(others):
        if answers[path] not in REFUSED:
            yield "%s it may open %s, which is another card" % (when, path[len(ROOT):])


def look(pid, name, allowed, named, when):
    """(address of its card, what is wrong)"""
    devices, every, parts = inside(pid), cards(), instances()
    mine = [one for one in devices if one in every or one in parts]
    seen = [every[one] for one in sorted(mine) if one in every]
    wrong = list(given(name, seen, sorted(parts[one] for one in mine if one in parts), allowed, named))
    others = [ROOT + card["path"] for one, card in every.items() if one not in devices]
    wrong += gates(devices, mine, others, group(pid), when)
    return seen[0]["address"] if len(seen) == 1 else None, wrong


def main(container, name, *allowed):
    try:
        told = json.loads(run(CRICTL + [container]))["info"]
        named = [one["name"] for one in told["config"].get("CDI_devices") or ()]
        card, wrong = look(told["pid"], name, allowed, named, "before units were read anew")
        if not wrong:
            run(RELOAD)
            time.sleep(PAUSE)
            card, wrong = look(told["pid"], name, allowed, named, "after units were read anew")
    except subprocess.CalledProcessError as error:
        card, wrong = None, ["%s ended with %d: %s" % (error.cmd[0], error.returncode, error.stderr.decode("utf-8", "replace").strip()[-300:])]
    except (OSError, KeyError, TypeError, ValueError, subprocess.SubprocessError) as error:
        card, wrong = None, ["it cannot be looked at: %s" % (error or type(error).__name__)]
    sys.stdout.write(json.dumps({"card": card, "failed": wrong}, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
