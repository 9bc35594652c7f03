#!/usr/bin/env python3
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""machine.py COMMAND [NAME]: an emulated machine with a kernel, GRUB, an IOMMU and two equal cards of its own; no KVM is needed.

    build               the disk, booted once, with a snapshot of the running machine; kept in AI_STACK_CACHE/machine until disk.sh or this file changes
    up NAME             a copy of it, resumed from the snapshot where it fits; waits for ssh
    cut NAME            a power cut: what the guest had not written is gone
    on NAME [SLOT=CARD] power on again, with these cards in slots 1 to 3; does not wait
    keep NAME WORD      a snapshot of it as it runs, beside that of a machine of Intel's that was never touched: clean
    back NAME WORD      what it was in that snapshot: resumed, with every connection lost
    wait NAME           until ssh answers and systemd has finished
    ssh NAME COMMAND    as root
    console NAME        what the serial port said since `up`
    down NAME           gone, with its disk

MACHINE_IOMMU=intel|amd goes with the vendor of the processor. Cards: e1000e (a network card with a driver), pair (two functions, of which the second
has a driver: one group), network (the card by which the machine is reached), none.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PLACE = Path(os.environ.get("AI_STACK_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "sovereign.ai_stack"), "machine")
KEY = PLACE / "id_ed25519"
SSH = ["ssh", "-q", "-i", KEY, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=10", "-o", "BatchMode=yes",
       # a machine that boots answers nothing more of what was asked before
       "-o", "ServerAliveInterval=10"]  # fmt: skip
SLOTS = {"1": "e1000e", "2": "e1000e", "3": "pair"}
CARDS = {
    "e1000e": [["e1000e"]],
    "pair": [["edu", "addr=0.0", "multifunction=on"], ["virtio-rng-pci", "addr=0.1"]],
    "network": [["virtio-net-pci", "netdev=n0"]],
    "none": [],
}
PROCESSOR = {
    "intel": ["-cpu", "qemu64,vendor=GenuineIntel,-svm", "-device", "intel-iommu,intremap=on"],
    "amd": ["-cpu", "qemu64,vendor=AuthenticAMD", "-device", "amd-iommu,intremap=on"],
}
SNAPSHOT = "clean"
PATIENCE = 900  # seconds; a boot takes 100 on a quiet machine of two cores, and several times that on a busy one


class Failed(Exception):
    """What a person has to know."""


def run(*words, **options):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False, **options)
    if done.returncode:
        raise Failed("%s: exit %d: %s" % (" ".join(str(word) for word in words[:3]), done.returncode, (done.stderr or done.stdout).strip()[-2000:]))
    return done.stdout


def cards(slots):
    """QEMU's options for the cards: a root port for each slot, so that each has a group of its own; slot N is bus N."""
    words = [] if "network" in slots.values() else ["-device", "virtio-net-pci,netdev=n0,addr=3,romfile="]
    for slot, card in sorted(slots.items()):
        words += ["-device", "pcie-root-port,id=s%s,chassis=%s,slot=%s,addr=%x" % (slot, slot, slot, 4 + int(slot))]
        for kind, *options in CARDS[card]:
            # a ROM would be tried at each start
            rom = ["romfile="] if kind in ("e1000e", "virtio-net-pci") else []
            words += ["-device", ",".join([kind, "bus=s" + slot, *options, *rom])]
    return words


class Machine:
    def __init__(self, name):
        self.name, self.place = name, PLACE / name
        self.disk, self.monitor, self.serial, self.about = (self.place / part for part in ("disk.qcow2", "monitor", "console", "about.json"))

    def note(self, **values):
        self.about.write_text(json.dumps({**self.noted(), **values}))

    def noted(self):
        return json.loads(self.about.read_text()) if self.about.exists() else {}

    def process(self):
        """The emulator's process, None when it is off."""
        pid = self.noted().get("pid")
        with contextlib.suppress(OSError, TypeError):
            return pid if self.name.encode() in Path("/proc", str(pid), "cmdline").read_bytes().split(b"\0") else None
        return None

    def start(self, slots, iommu, *more):
        self.place.mkdir(parents=True, exist_ok=True)
        if self.process():
            raise Failed("%s runs already" % self.name)
        self.monitor.unlink(missing_ok=True)
        port = self.noted().get("port") or free_port()
        words = ["qemu-system-x86_64", "-name", self.name, "-machine", "q35", "-accel", "tcg,thread=multi", "-smp", "2,sockets=2", "-m", "1024",
                 "-object", "memory-backend-ram,id=m0,size=512M", "-object", "memory-backend-ram,id=m1,size=512M",
                 "-numa", "node,nodeid=0,cpus=0,memdev=m0", "-numa", "node,nodeid=1,cpus=1,memdev=m1",
                 "-nodefaults", "-no-user-config", "-display", "none", "-qmp", "unix:%s,server,nowait" % self.monitor,
                 "-chardev", "file,id=serial,append=on,path=%s" % self.serial, "-serial", "chardev:serial",
                 "-drive", "file=%s,if=none,id=d0,format=qcow2,cache=unsafe,discard=unmap" % self.disk, "-device", "virtio-blk-pci,drive=d0,addr=2",
                 # nothing leaves the machine but the answers to ssh
                 "-netdev", "user,id=n0,restrict=on,hostfwd=tcp:127.0.0.1:%d-:22" % port,
                 # what ends a hang
                 "-device", "i6300esb,addr=0xb", "-action", "watchdog=reset",
                 *PROCESSOR[iommu], *cards(slots), *more]  # fmt: skip
        with open(self.place / "qemu.log", "ab") as log:
            process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.note(pid=process.pid, port=port, iommu=iommu, slots=slots)
        time.sleep(1)
        if process.poll() is not None:
            raise Failed("the emulator ended at once: " + (self.place / "qemu.log").read_text(errors="replace")[-1000:])

    def ask(self, command, **arguments):
        """One command to the emulator's monitor."""
        with socket.socket(socket.AF_UNIX) as there:
            there.settimeout(300)
            there.connect(str(self.monitor))
            lines = there.makefile("r")
            lines.readline()
            for words in ({"execute": "qmp_capabilities"}, {"execute": command, "arguments": arguments}):
                there.sendall(json.dumps(words).encode())
                answer = next((said for said in map(json.loads, lines) if {"return", "error"} & set(said)), {"return": ""})
        if "error" in answer or "rror" in str(answer["return"]):
            raise Failed("%s: %s" % (command, answer))
        return answer["return"]

    def keep(self, word):
        self.ask("human-monitor-command", **{"command-line": "savevm " + word})

    def back(self, word):
        noted = self.noted()
        self.end()
        self.start(noted["slots"], noted["iommu"], "-loadvm", word)
        self.wait()

    def end(self):
        """Power off within an instant: the image is closed, the guest is not asked."""
        process = self.process()
        if process is None:
            return
        with contextlib.suppress(OSError, Failed):
            self.ask("quit")
        for _ in range(100):
            if not self.process():
                return
            time.sleep(0.1)
        os.kill(process, signal.SIGKILL)

    def ssh(self, *command, timeout=600):
        return run(*SSH, "-p", self.noted()["port"], "root@127.0.0.1", *command, timeout=timeout)

    def wait(self, patience=PATIENCE):
        end, why = time.monotonic() + patience, ""
        while time.monotonic() < end:
            if not self.process():
                raise Failed("%s has gone, see %s" % (self.name, self.place))
            try:
                # a resumed machine has the time of its snapshot
                self.ssh("date --set @%d >/dev/null; systemctl is-system-running --wait || true" % time.time(), timeout=120)
                return
            except (Failed, subprocess.TimeoutExpired) as error:
                why = str(error)
                time.sleep(1)
        raise Failed("%s: no ssh within %d s: %s; the end of its console:\n%s" % (self.name, patience, why, self.console()[-2000:]))

    def console(self):
        return self.serial.read_text(errors="replace") if self.serial.exists() else ""

    def gone(self):
        self.end()
        shutil.rmtree(self.place, ignore_errors=True)


def free_port():
    with socket.socket() as there:
        there.bind(("127.0.0.1", 0))
        return there.getsockname()[1]


def stamp(*files):
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def cached(name, files, make):
    """A file that is made of FILES, once; those that were made of other ones go away."""
    path = PLACE / ("%s-%s.qcow2" % (name, stamp(*files)))
    if not path.exists():
        for old in PLACE.glob(name + "-*"):
            old.unlink()
        fresh = PLACE / ("new-%s.qcow2" % name)
        fresh.unlink(missing_ok=True)
        make(fresh)
        fresh.rename(path)
    return path


def build():
    """The snapshot of the booted machine: what `up` copies."""
    PLACE.mkdir(parents=True, exist_ok=True)
    with open(PLACE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not KEY.exists():
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "machine", "-f", KEY)
        public, script = KEY.with_suffix(".pub"), HERE / "disk.sh"
        # from the disk on, so that a changed option of the emulator costs a boot only
        return cached("booted", [public, script, Path(__file__)], lambda fresh: boot_once(cached("disk", [public, script], make_disk), fresh))


def make_disk(fresh):
    run(HERE / "disk.sh", fresh, KEY.with_suffix(".pub"))


def boot_once(disk, fresh):
    machine = Machine("build")
    machine.gone()
    machine.place.mkdir()
    shutil.copy(disk, machine.disk)
    try:
        machine.start(SLOTS, "intel")
        machine.wait()
        machine.ssh("grub-install /dev/vda && update-grub && rm -f /tmp/core.img && sync && echo 3 >/proc/sys/vm/drop_caches && fstrim -a")
        machine.keep(SNAPSHOT)
        machine.end()
        machine.disk.rename(fresh)
    finally:
        machine.gone()


def up(name, iommu):
    machine = Machine(name)
    machine.gone()
    base = build()
    machine.place.mkdir(parents=True)
    run("cp", "--reflink=auto", base, machine.disk)
    # the snapshot is of a machine of Intel's
    machine.start(SLOTS, iommu, *(["-loadvm", SNAPSHOT] if iommu == "intel" else []))
    machine.wait()


def on(name, moved):
    machine = Machine(name)
    noted = machine.noted()
    machine.start({**noted["slots"], **dict(word.split("=") for word in moved)}, noted["iommu"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], usage=__doc__)
    parser.add_argument("command", choices=["build", "up", "cut", "on", "keep", "back", "wait", "ssh", "console", "down"])
    parser.add_argument("name", nargs="?", default="machine-1")
    parser.add_argument("words", nargs="*")
    options = parser.parse_args()
    machine = Machine(options.name)
    try:
        said = {
            "build": build,
            "up": lambda: up(options.name, os.environ.get("MACHINE_IOMMU") or "intel"),
            "cut": machine.end,
            "on": lambda: on(options.name, options.words),
            "keep": lambda: machine.keep(*options.words),
            "back": lambda: machine.back(*options.words),
            "wait": machine.wait,
            "ssh": lambda: machine.ssh(*options.words),
            "console": machine.console,
            "down": machine.gone,
        }[options.command]()
        print(said or "", end="")
    except Failed as error:
        print("machine.py: %s" % error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
