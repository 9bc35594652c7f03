# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A host for the program of the role nova_pci_passthrough: a root folder, units, and a Nova that reads files and has opinions."""

from __future__ import annotations

import grp
import json
import os
from pathlib import Path

import packed
import yaml

ROOT = Path(__file__).resolve().parents[2]
ROLE = ROOT / "roles/nova_pci_passthrough"
NAMES = ("ledger", "verbs", "options", "devices", "units", "judge", "change", "cli")
SYSTEM = yaml.safe_load((ROLE / "vars/Debian_13.yml").read_text())
UNITS = SYSTEM["__nova_pci_passthrough_units"]
DOORS = [["pci", "report_in_placement", "report_in_placement on main"], ["quota", "driver", "unified limits on main"]]
REPORT = [["pci", "device_spec"], ["pci", "report_in_placement"]]
NOVA = "/etc/nova/nova.conf.d/50-ai-stack-pci.conf"
PLACEMENT = "/etc/placement/placement.conf.d/50-ai-stack-pci.conf"


def packed_paths():
    """The files and folders that the role packs into its program."""
    return packed.packed_paths("nova_pci_passthrough", "install.yml")


def program():
    """The program's modules, loaded anew, by name."""
    return packed.program("nova_pci_passthrough", "install.yml", NAMES)


class Killed(BaseException):
    """Whoever ran the program is gone."""


class Machine:
    """breaks: {service: function(text of our file) -> whether it does not start with it}; refuses: function(document) -> sentences of the judge."""

    def __init__(self, modules, folder, services=("nova-compute",)):
        self.modules, self.clock = modules, 0.0
        self.ground = modules.ledger.Ground(modules.change.STATE, str(folder))
        self.ground.run = self.run
        self.units = {UNITS[name]["unit"]: {"LoadState": "loaded", "ActiveState": "active", "UnitFileState": "enabled", "MainPID": "7"} for name in services}
        self.breaks, self.refuses, self.told, self.deaf, self.dies = {}, lambda document: [], [], set(), None
        for name in services:
            for path in UNITS[name]["files"]:
                self.write(path, "[DEFAULT]\n")
        self.write("/proc/sys/kernel/random/boot_id", "one\n")
        self.card("0000:17:00.0")

    def write(self, path, text):
        target = Path(self.ground.at(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def card(self, address):
        for name, text in (("vendor", "0x10de\n"), ("device", "0x2331\n"), ("sriov_totalvfs", "16\n")):
            self.write(f"/sys/bus/pci/devices/{address}/{name}", text)

    def text(self, path):
        content = self.ground.read(path)
        return None if content is None else content.decode()

    def service(self, unit):
        return next(name for name, row in UNITS.items() if row["unit"] == unit)

    def run(self, command, check=True, timeout=0, data=None):
        if command[0] != "systemctl":
            return 0, json.dumps([self.judge(document) for document in json.loads(data)])
        verb, unit = command[1], command[-1]
        if verb == "show":
            return 0, "".join(f"{key}={value}\n" for key, value in self.units.get(unit, {"LoadState": "not-found"}).items())
        if verb == "restart":
            self.start(unit)
        return 0, ""

    def start(self, unit):
        name, seen = self.service(unit), self.units[unit]
        self.told.append(name)
        if self.dies == name:
            raise Killed(name)
        path = PLACEMENT if name.startswith("placement") else NOVA
        seen["MainPID"] = str(int(seen["MainPID"]) + 1)
        seen["ActiveState"] = "failed" if self.breaks.get(name, lambda text: False)(self.text(path) or "") else "active"
        if seen["ActiveState"] == "failed":
            self.write(UNITS[name]["log"], "x ERROR nova PciConfigInvalidSpec: no such card\n")

    def judge(self, document):
        """Nova as far as these tests need it: it reads what it was told to read."""
        refusals = self.refuses(document) if document["what"] == "all" else []
        values = {}
        for name, given in document["services"].items():
            rows = [row for path in self.modules.judge.read_by(given) for row in self.modules.options.places(Path(path).read_text())]
            values[name] = {f"{section}.{key}": [row[3] for row in rows if row[1:3] == (section, key)] for section, key in given["keys"]}
        return {"refusals": refusals, "values": values}

    def request(self, settings, **changed):
        return {
            "plan": "p",
            "host": "compute1",
            "settings": settings,
            "services": UNITS,
            "units": {},
            "answers": {},
            "projects": {name: dict(row, group=grp.getgrgid(os.getgid()).gr_name) for name, row in SYSTEM["__nova_pci_passthrough_projects"].items()},
            "identity": {**SYSTEM["__nova_pci_passthrough_identity"], "group": grp.getgrgid(os.getgid()).gr_name, "id": ""},
            "now": [],
            "later": [],
            "doors": DOORS,
            "confirmed": [door[2] for door in DOORS],
            "restart": True,
            "answer": 60,
            "settle": 5,
            "python": "python-of-nova",
            **changed,
        }

    def change(self, settings, **changed):
        return self.modules.change.Change(self.ground, self.request(settings, **changed))

    def apply(self, settings, **changed):
        return self.modules.change.apply(self.change(settings, **changed), "me")

    def look(self, settings, **changed):
        return self.modules.change.look(self.change(settings, **changed))
