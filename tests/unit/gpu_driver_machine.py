# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A host for the program of the role: a root folder, and the commands it runs, answered from a few dictionaries."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import yaml

ROLE = Path(__file__).resolve().parents[2] / "roles/gpu_driver"
NAMES = ("place", "host", "ledger", "command", "packages", "modules", "journal", "restore", "gpus", "boot", "sources", "components", "cli")


def packed_paths():
    """The files and folders that the role packs into its program."""
    task, = yaml.safe_load((ROLE / "tasks/program.yml").read_text())
    return [ROLE / "files" / path.replace("{{ role_path }}", str(ROLE)) for path in task["sovereign.ai_stack.host_program"]["src"]]


def program():
    """The program's modules, loaded anew, by name."""
    paths = [str(path if path.is_dir() else path.parent) for path in packed_paths()]
    sys.path[:0] = paths
    try:
        for name in NAMES:
            sys.modules.pop(name, None)
        return {name: importlib.import_module(name) for name in NAMES}
    finally:
        del sys.path[:len(paths)]
        for name in NAMES:
            sys.modules.pop(name, None)


class Killed(BaseException):
    """The unit that runs the program was stopped, and the program with it."""


class Machine:
    """dpkg, apt, systemctl and nvidia-smi as far as the program asks them."""

    def __init__(self, root):
        self.root, self.packages, self.held, self.enabled, self.status, self.needed_by = root, {}, set(), set(), {}, {}
        self.cards, self.driver, self.calls, self.mig_room, self.in_use, self.stuck = [], None, [], None, {}, set()
        self.runs_in, self.mute, self.units, self.system = None, False, {}, "running"
        self.gone = set()  # NAME=VERSION that no repository has any more
        self.write("/var/lib/dpkg/status", "")
        self.write("/proc/sys/kernel/random/boot_id", "boot-1\n")

    def write(self, path, text):
        target = Path(self.root + path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def read(self, path):
        target = Path(self.root + path)
        return target.read_text() if target.exists() else None

    def state(self):
        return dict(self.packages), set(self.held), set(self.enabled)

    def run(self, command, check=True, timeout=0, environment=None):
        self.calls.append(command)
        code, out = getattr(self, "_" + command[0].replace("-", "_"))(command[1:])
        if check and code:
            raise self.Refused(f"'{' '.join(command)}' ended with {code}: {out}")
        return code, out

    def _dpkg_query(self, arguments):
        with_version = "Version" in arguments[2]
        rows = [(name, *([version] if with_version else []), self.status.get(name, "installed")) for name, version in sorted(self.packages.items())]
        return 0, "".join(" ".join(row) + "\n" for row in rows)

    def _dpkg(self, arguments):
        if "--configure" in arguments:
            self.status = {}
        return 0, ""

    def _apt_mark(self, arguments):
        verb, names = arguments[0], set(arguments[1:])
        if verb == "showhold":
            return 0, "\n".join(sorted(self.held))
        self.held = self.held | names if verb == "hold" else self.held - names
        return 0, ""

    def _users(self, name):
        """Who needs it: a name, or NAME=VERSION where another version does not."""
        users = (user.partition("=") for user in self.needed_by.get(name, ()) if name in self.packages)
        return {user for user, _is, version in users if user in self.packages and version in ("", self.packages[user])}

    def _with_users(self, gone):
        while True:
            more = {user for name in gone for user in self._users(name)} - gone
            if not more:
                return gone
            gone = gone | more

    def _apt_get(self, arguments):
        simulated, names = "-s" in arguments, arguments[arguments.index("install") + 1:]
        gone = self._with_users({name[:-1] for name in names if name.endswith("-")})
        if simulated:
            return 0, "".join(f"Purg {name} [1]\n" for name in sorted(gone & set(self.packages)))
        # the package manager says 0 whatever came of it
        names, gone = [name for name in names if name.split("=")[0] not in self.stuck], gone - self.stuck
        for name in gone:
            self.packages.pop(name, None)
            self.status.pop(name, None)
        for name in names:
            name, _same, version = name.partition("=")
            if "/" in name:
                name, version = Path(name).name.replace("%3a", ":").split("_")[:2]
            if version and name not in self.stuck:
                self.packages[name] = version
        return 0, ""

    def _env(self, arguments):
        """env -C FOLDER apt-get download NAME=VERSION"""
        folder, what = arguments[1], arguments[-1]
        assert arguments[0] == "-C" and "download" in arguments
        if what in self.gone:
            return 100, f"E: Version for {what} was not found"
        Path(folder, "{}_{}_amd64.deb".format(*what.replace(":", "%3a").split("="))).write_text(what)
        return 0, ""

    def _update_initramfs(self, arguments):
        self.write("/boot/initrd.img-" + arguments[-1], "written anew\n")
        return 0, ""

    def _rpm(self, arguments):
        """As rpm 4.18 answers: who needs what is to go, one step far."""
        if arguments[0] == "-e":
            assert arguments[1:3] == ["--test", "--allmatches"]
            if self.mute:
                return 1, "error: cannot open Packages database in /var/lib/rpm"
            names = arguments[3:]
            lines = [f"\t{name} is needed by (installed) {user}-2:{self.packages[user]}-1.el9.noarch\n"
                     for name in names for user in sorted(self._users(name)) if user not in names]  # fmt: skip
            return len(lines), "error: Failed dependencies:\n" + "".join(lines) if lines else ""
        return 0, "".join(f"{name} {version}\n" for name, version in sorted(self.packages.items()))

    def _dnf(self, arguments):
        """Like the real one: "downgrade" only of what is installed, what no repository has is an error, and who needs what goes is taken along."""
        words = [word for word in arguments if not word.startswith("-")]
        if words[0] == "versionlock":
            return 0, "\n".join(sorted(self.held))
        if words[0] == "remove":
            for name in self._with_users(set(words[1:])):
                self.packages.pop(name, None)
            return 0, ""
        for name in words[1:]:
            name, version = name.rsplit("-", 1)
            if name in self.stuck or (words[0] == "downgrade") != (name in self.packages):
                return 1, f"Error: Unable to find a match: {name}-{version}"
            self.packages[name] = version
        return 0, ""

    def _systemctl(self, arguments):
        verb, unit = arguments[0], arguments[-1]
        if verb == "is-enabled":
            return 0, "enabled\n" if unit in self.enabled else "disabled\n"
        if verb == "is-system-running":
            return 0, self.system + "\n"
        if verb == "is-active":
            return 3, self.units.get(unit, "inactive") + "\n"
        if verb in ("enable", "disable") and unit in self.stuck:
            return 0, ""
        if verb == "enable":
            self.enabled.add(unit)
        if verb == "disable":
            self.enabled.discard(unit)
            if "--now" in arguments and unit == self.runs_in:
                raise Killed(unit)
        return 0, ""

    def _nvidia_smi(self, arguments):
        if self.driver is None:
            return 9, "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver."
        words = list(arguments)
        mine = [card for card in self.cards if "-i" not in words or words[words.index("-i") + 1] == "GPU-" + card["address"]]
        if words[0] == "mig" or "-mig" in words or "-pm" in words:
            return self._set(words, mine)
        if words == ["-L"]:
            return 0, "".join(self._listed(card) for card in self.cards)
        if any(word.startswith("--query-compute-apps") for word in words):
            if self.mute:
                return 255, "Unable to determine the processes: Unknown Error"
            return 0, "".join(f"{pid}\n" for card in mine for pid in self.in_use.get(card["address"], ()))
        fields = next(word for word in words if word.startswith("--query-gpu=")).split("=")[1].split(",")
        return 0, "".join(", ".join(self._field(card, name) for name in fields) + "\n" for card in mine)

    def _field(self, card, name):
        return {"pci.bus_id": "0000" + card["address"].upper(), "driver_version": self.driver, "uuid": "GPU-" + card["address"],
                "persistence_mode": card["persistence"], "mig.mode.current": card["mig"], "mig.mode.pending": card["pending"],
                "fabric.state": card.get("fabric", "N/A")}[name]

    def _listed(self, card):
        head = f"GPU 0: card (UUID: GPU-{card['address']})\n"
        return head + "".join(f"  MIG {profile}     Device  {at}: (UUID: MIG-{at})\n" for at, profile in enumerate(card["devices"]))

    def _set(self, words, cards):
        for card in cards:
            if "-pm" in words:
                card["persistence"] = "Enabled" if words[words.index("-pm") + 1] == "1" else "Disabled"
            elif "-mig" in words:
                card["pending"] = "Enabled" if words[-1] == "1" else "Disabled"
                card["mig"] = card["mig"] if card.get("needs_reset") else card["pending"]
            elif "-dgi" in words:
                card["devices"] = []
            elif "-cgi" in words:
                asked = words[words.index("-cgi") + 1].split(",")
                card["devices"] += asked[:self.mig_room]
        # the tool says 0 whatever came of it
        return 0, ""


def card(address, **values):
    return {"address": address, "persistence": "Disabled", "mig": "Disabled", "pending": "Disabled", "devices": [], **values}
