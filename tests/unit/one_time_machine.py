# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""For the role pci_one_time_use: a host below a root, a cloud whose Nova forgets servers as the real one does, and the two programs between them."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import cloud as small
import yaml

ROLE = Path(__file__).resolve().parents[2] / "roles/pci_one_time_use"
NAMES = {"host": ("ledger", "checks", "card", "scrub", "cli"), "releaser": ("ledger", "checks", "clouds", "memory", "rounds", "cli")}
ONCE = "HW_PCI_ONE_TIME_USE"
ADDRESS = "0000:17:00.0"
OTHER = "0000:3d:00.0"
EXPECTED = {
    "vendor": "10de",
    "device": "2331",
    "subsystem_vendor": "10de",
    "subsystem_device": "1626",
    "link_width": 16,
    "link_speed": "32.0 GT/s PCIe",
    "firmware": {"rom": None, "vpd": None},
}
START = "2026-11-01T00:00:00Z"


class Killed(BaseException):
    """The program is gone in the middle."""


def program(part):
    """The modules of one of the two programs, loaded anew from what the role packs."""
    tasks = yaml.safe_load((ROLE / f"tasks/install_{part}.yml").read_text())
    (sources,) = [task["sovereign.ai_stack.host_program"]["src"] for task in tasks if "sovereign.ai_stack.host_program" in task]
    found = [ROLE / "files" / path.replace("{{ role_path }}", str(ROLE)) for path in sources]
    paths = [str(path if path.is_dir() else path.parent) for path in found]
    sys.path[:0] = paths
    try:
        for name in NAMES[part]:
            sys.modules.pop(name, None)
        return SimpleNamespace(**{name: importlib.import_module(name) for name in NAMES[part]})
    finally:
        del sys.path[: len(paths)]
        for name in NAMES[part]:
            sys.modules.pop(name, None)


class Host:
    """A compute with cards; resets: addresses in the order in which they were reset."""

    def __init__(self, folder, *addresses, **settings):
        self.modules, self.resets = program("host"), []
        self.ground = self.modules.ledger.Ground(self.modules.scrub.STATE, str(folder))
        self.write("/proc/sys/kernel/random/boot_id", "one\n")
        for number, address in enumerate(addresses):
            self.card(address, str(number))
        self.settings = {"cards": list(addresses), "scrub": [], "scrub_timeout": 60, "methods": ["flr", "bus"], **settings}
        self.write(self.modules.scrub.SETTINGS, json.dumps(self.settings))
        told = self.modules.card.Card.tell
        host = self

        def tell(card, name, text):
            if name == "reset":
                host.resets.append(card.address)
            told(card, name, text)

        self.modules.card.Card.tell = tell

    def write(self, path, text):
        target = Path(self.ground.at(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def remove(self, path):
        Path(self.ground.at(path)).unlink(missing_ok=True)

    def link(self, path, target):
        link = Path(self.ground.at(path))
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(target)

    def card(self, address, group):
        path = self.modules.card.DEVICES + address
        for name in self.modules.card.NUMBERS:
            self.write(f"{path}/{name}", f"0x{EXPECTED[name]}\n")
        for name, text in (("current_link_width", "16"), ("current_link_speed", "32.0 GT/s PCIe"), ("reset_method", "flr bus"), ("reset", "")):
            self.write(f"{path}/{name}", text + "\n")
        self.link(path + "/driver", "../../../bus/pci/drivers/vfio-pci")
        self.link(path + "/iommu_group", "../../../kernel/iommu_groups/" + group)
        self.write("/dev/vfio/" + group, "")

    def ask(self, **question):
        request = {"verb": "scrub", "nonce": "0" * 32, "address": ADDRESS, "expected": EXPECTED, **question}
        return json.loads(json.dumps(self.modules.scrub.answer(self.ground, json.loads(json.dumps(request)))))


class Cloud(small.Cloud):
    """What Nova does with a card that is used once, and how it shows servers that are gone. gone: rows of deleted servers."""

    def __init__(self):
        super().__init__()
        self.gone, self.puts = [], 0

    def once(self, host, address):
        return self.card(host, address.upper(), traits=(ONCE,))

    def takes(self, identity, host, card, wants="h100:1"):
        self.server(identity, host, wants=wants, card=card)
        self.servers[-1]["OS-EXT-SRV-ATTR:hypervisor_hostname"] = host
        self.inventories[card]["CUSTOM_H100"]["reserved"] = 1
        self.generations[card] += 2

    def ends(self, identity, at=START):
        """As the end of a server looks from outside: no allocation, and the card stays reserved."""
        row = next(row for row in self.servers if row["id"] == identity)
        self.servers.remove(row)
        self.gone.append(dict(row, status="DELETED", updated=at))
        for card, rows in self.allocations.items():
            if rows.pop(identity, None):
                self.generations[card] += 1

    def request(self, service, path, method, body, system):
        if service == "compute":
            found = self.nova(path)
            if found is not None:
                return found
        if service == "placement" and path.endswith("HW_PCI_ONE_TIME_USE") and "?required=" in path:
            rows = [row for row in self.providers.values() if ONCE in self.traits[row["uuid"]]]
            return 200, {"resource_providers": rows}
        status, document = super().request(service, path, method, body, system)
        if method == "PUT" and status == 200:
            self.puts += 1
        return status, document

    def nova(self, path):
        parts = path.partition("?")[0].split("/")[1:]
        if "deleted=true" in path:
            since = path.partition("changes-since=")[2]
            return 200, {"servers": [row for row in self.gone if row["updated"] >= since]}
        if parts[0] == "os-migrations":
            return 200, {"migrations": self.migrations}
        if parts[0] != "servers" or parts[1] == "detail":
            return None
        there, gone = [[row for row in rows if row["id"] == parts[1]] for rows in (self.servers, self.gone)]
        if parts[2:] == ["os-instance-actions"]:
            names = gone[0].get("actions", ["delete", "create"]) if gone else []
            return (200, {"instanceActions": [{"action": name} for name in names]}) if gone else (404, {})
        return (200, {"server": there[0]}) if there else (404, {})


class Site:
    """The releaser of a cloud with one compute. asks: questions that reached the host."""

    def __init__(self, folder, key, *addresses, **settings):
        self.folder, self.modules, self.cloud, self.asks, self.minutes, self.cut = folder, program("releaser"), Cloud(), 0, 0, None
        self.host = Host(folder / "compute1", *addresses)
        self.cards = [self.cloud.once("compute1", address) for address in addresses]
        self.settings = {
            "cloud": "main",
            "clouds_file": "/etc/openstack/clouds.yaml",
            "region": None,
            "computes": {"compute1": "192.0.2.11"},
            "cards": {"compute1": {address: dict(EXPECTED, serial=f"S{address[5:7]}") for address in addresses}},
            "aliases": {"h100": "CUSTOM_H100"},
            "out": [],
            "out_trait": "CUSTOM_AI_STACK_OUT_OF_SERVICE",
            "ask": ["ssh", "wiper@ADDRESS"],
            "ask_timeout": 60,
            "settle": 120,
            "key": str(key),
            **settings,
        }
        self.ground = self.modules.ledger.Ground(self.modules.memory.STATE, str(folder / "releaser"))
        self.modules.cli.GROUND = self.ground
        self.modules.clouds.connect = lambda cloud, region: small.connection(self.cloud)
        self.modules.rounds.ask = self.ask
        self.configure()
        self.ground.write = self.cutting(self.ground.write)
        self.cloud.request = self.cutting(self.cloud.request, lambda words: words[2] == "PUT")

    def configure(self, **settings):
        self.settings.update(settings)
        self.modules.ledger.Ground.save(self.ground, self.modules.cli.SETTINGS, self.settings)

    def cutting(self, function, counts=lambda words: True):
        """Around whatever changes something: the program may be gone before it, and after it."""

        def wrapped(*words, **more):
            if not counts(words):
                return function(*words, **more)
            self.cuts()
            found = function(*words, **more)
            self.cuts()
            return found

        return wrapped

    def cuts(self):
        if self.cut is not None:
            self.cut -= 1
            if self.cut < 0:
                self.cut = None
                raise Killed()

    def ask(self, ground, command, question, timeout):
        assert command == ["ssh", "wiper@192.0.2.11"]
        self.cuts()
        self.asks += 1
        found = self.host.ask(**question)
        self.cuts()
        return found

    def now(self):
        return f"2026-11-02T{self.minutes // 60:02d}:{self.minutes % 60:02d}:00Z"

    def round(self, later=0):
        """{address: (state, why)} of a round that is so many minutes later."""
        self.minutes += later
        memory = self.modules.memory.Memory(self.ground, self.now)
        rows = self.modules.rounds.Round(self.settings, self.modules.clouds.Cloud(small.connection(self.cloud)), memory).run()
        return {row["address"]: (row["state"], row["why"]) for row in rows}

    def card(self, number=0):
        return self.ground.load(f"{self.modules.memory.STATE}/cards/{self.cards[number]}.json")

    def reserved(self, number=0):
        return self.cloud.inventories[self.cards[number]]["CUSTOM_H100"]["reserved"]

    def evidence(self):
        return sorted(Path(self.ground.at(self.modules.memory.STATE + "/evidence")).glob("*.json"))

    def verified(self, path, key):
        allowed = self.folder / "allowed"
        allowed.write_text("releaser " + Path(f"{key}.pub").read_text())
        words = ["ssh-keygen", "-Y", "verify", "-f", str(allowed), "-I", "releaser", "-n", self.modules.memory.NAMESPACE, "-s", f"{path}.sig"]
        return subprocess.run(words, input=path.read_bytes(), capture_output=True, check=False).returncode == 0
