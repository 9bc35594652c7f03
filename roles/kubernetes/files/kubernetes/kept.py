# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Where sets are kept: encrypted to the site's public keys on the way to a folder, of which the oldest go, or into a command of the site."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import threading

import archive
import ledger

# seconds for a whole set
LONG = 1800
# where the host and its etcd live: what is lost with a disk of these needs no set beside it
OWN = ("/", "/var", "/var/lib/etcd")


def objections(ground, config):
    """What stands in the way of sets, before one is begun."""
    found = []
    if isinstance(config["to"], str):
        place = ground.at(config["to"])
        if not os.path.isdir(place) or not os.access(place, os.W_OK | os.X_OK):
            found.append("%s is no folder that can be written to" % config["to"])
        elif not config["own_disk"] and os.stat(place).st_dev in {_device(ground, one) for one in OWN}:
            found.append("%s is on a disk of this host, and would be lost with it: mount what is not there, or say own_disk" % config["to"])
    elif shutil.which(config["to"][0]) is None:
        found.append("there is no program %s" % config["to"][0])
    if shutil.which("age"):
        code, said = ground.run(_age(config), check=False, timeout=60, data=b"")
        found += ["age does not encrypt to these recipients: %s" % ledger.tail(said, 1)] if code else []
    return found


def _device(ground, path):
    """The device that a path is on, or will be once it is made."""
    while not os.path.exists(ground.at(path)):
        path = os.path.dirname(path)
    return os.stat(ground.at(path)).st_dev


def _age(config):
    return ["age", "--encrypt", *[word for one in config["recipients"] for word in ("--recipient", one)]]


def keep(ground, config, name, produce):
    """Encrypt what is produced to where the site keeps sets; the digest, where it can be read back."""
    if not isinstance(config["to"], str):
        return _sent([word.replace("{name}", name) for word in config["to"]], config, produce)
    folder = ground.at(config["to"])
    sha256 = _written(folder, config, name, produce)
    ledger.sync_folder(folder)
    pruned(folder, config, name)
    return sha256


def _written(folder, config, name, produce):
    """The whole file or none; the digest of what the folder gives back."""
    beside = "%s/.%s.part" % (folder, name)
    for old in os.listdir(folder):
        # of a run that was ended
        if old.endswith(".part") and _of(config, old[1:-5]):
            os.unlink("%s/%s" % (folder, old))
    try:
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            _encrypted(config, out, produce)
            os.fsync(out.fileno())
        with open(beside, "rb") as again:
            sha256 = archive.digest(again)
        os.rename(beside, "%s/%s" % (folder, name))
    finally:
        with contextlib.suppress(OSError):
            os.unlink(beside)
    return sha256


def _of(config, name):
    """Whether a file is a set of this host and cluster."""
    return re.fullmatch(re.escape("%s-%s-" % (config["cluster"], config["host"])) + r"\d{8}T\d{6}Z\.tar\.gz\.age", name)


def pruned(folder, config, newest):
    """The oldest go, never the one that was just taken, whatever the clock says."""
    old = sorted(one for one in os.listdir(folder) if _of(config, one) and one != newest)
    for one in old[: max(0, len(old) - config["keep"] + 1)]:
        os.unlink("%s/%s" % (folder, one))


def _encrypted(config, out, produce):
    """age authenticates block by block, and needs nothing secret here."""
    with tempfile.TemporaryFile() as said, subprocess.Popen(_age(config), stdin=subprocess.PIPE, stdout=out, stderr=said) as age, _limited(age):
        # who ended says why below
        with contextlib.suppress(BrokenPipeError), age.stdin:
            produce(age.stdin)
        if age.wait():
            raise ledger.Refused("age failed: %s" % _tail(said))


@contextlib.contextmanager
def _limited(process):
    """A share or a command that hangs ends the set, and not the run."""
    watch = threading.Timer(LONG, process.kill)
    watch.daemon = True
    watch.start()
    try:
        yield
    finally:
        watch.cancel()


def _sent(words, config, produce):
    """The same into a command of the site, which gets no end of what is not whole."""
    with tempfile.TemporaryFile() as said, subprocess.Popen(words, stdin=subprocess.PIPE, stdout=said, stderr=subprocess.STDOUT) as command, _limited(command):
        try:
            _encrypted(config, command.stdin, produce)
        except (ledger.Refused, OSError):
            # age fails too where nobody reads it any more
            with contextlib.suppress(subprocess.TimeoutExpired):
                command.wait(1)
            _ended_well(command, words[0], said)
            command.kill()
            raise
        with contextlib.suppress(BrokenPipeError):
            command.stdin.close()
        command.wait()
        _ended_well(command, words[0], said)


def _ended_well(command, name, said):
    if command.returncode:
        raise ledger.Refused("%s ended with %d: %s" % (name, command.returncode, _tail(said)))


def _tail(file):
    file.seek(0)
    return ledger.tail(file.read().decode("utf-8", "replace"), 3)
