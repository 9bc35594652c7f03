# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Who gets a card: decided by what lies on the disk, as the kernel and the modules themselves would."""

from __future__ import annotations

import pytest
from lab_host import drivers, kernel, signature

EITHER = {"flavours": ["open", "proprietary"], "first_branch": 525}
CARD = {"address": "0000:17:00.0", "vendor": "10de", "class": "030200", "modalias": "card", "silicon": EITHER}
OLD = {**CARD, "address": "0000:ca:00.0", "silicon": {"flavours": ["proprietary"], "last_branch": 470}}
SWITCH = {"address": "0000:05:00.0", "vendor": "10de", "class": "068000", "modalias": "switch"}
AMD = {"address": "0000:0c:00.0", "vendor": "1002", "class": "120000", "modalias": "amd", "silicon": {"driver": "amdgpu", "firmware": "amdgpu/none.bin"}}
MODULES = {
    "nouveau": {"filename": "/nouveau.ko", "name": "nouveau"},
    "nvidia-current": {"filename": "/nvidia-current.ko", "name": "nvidia", "version": "535.309.01", "license": "NVIDIA"},
    "nvidia-current-open": {"filename": "/nvidia-current-open.ko", "name": "nvidia", "version": "535.309.01", "license": "Dual MIT/GPL"},
    "amdgpu": {"filename": "/amdgpu.ko", "name": "amdgpu"},
    "vfio-pci": {"filename": "/vfio-pci.ko", "name": "vfio_pci"},
}
OFF, ON = {"enabled": False, "enrolled": []}, {"enabled": True, "enrolled": ["pem"]}


@pytest.fixture
def decide(monkeypatch):
    def run(functions, loads, secure_boot=OFF, early=False, trusted=False, overrides=None):
        monkeypatch.setattr(kernel, "candidates", lambda release, modalias: loads)
        monkeypatch.setattr(kernel, "loads", lambda release, wanted: wanted)
        monkeypatch.setattr(kernel, "module", lambda release, name: dict(MODULES[name]) if name in MODULES else None)
        monkeypatch.setattr(kernel, "early_modules", lambda release: {"nouveau": early})
        monkeypatch.setattr(signature, "trusted", lambda path, certificates: trusted)
        return drivers.decide("6.1.0", functions, secure_boot, overrides)["drivers"]

    return run


@pytest.mark.parametrize(
    ("what", "functions", "loads", "options", "held"),
    [
        ("a blacklisted nouveau leaves the card to nvidia", [CARD], ["nvidia-current"], {}, {"0000:17:00.0": "nvidia"}),
        ("nouveau without a blacklist wins", [CARD], ["nouveau", "nvidia-current"], {}, {"0000:17:00.0": "nouveau"}),
        ("nouveau of the initramfs comes first", [CARD], ["nvidia-current"], {"early": True}, {"0000:17:00.0": "nouveau"}),
        ("no module, no driver", [CARD], [], {}, {}),
        ("a switch goes with the module", [CARD, SWITCH], ["nvidia-current"], {}, {"0000:17:00.0": "nvidia", "0000:05:00.0": "nvidia-nvswitch"}),
        ("a branch leaves out the card that it dropped", [CARD, OLD], ["nvidia-current"], {}, {"0000:17:00.0": "nvidia"}),
        ("an open module leaves out a card without GSP", [OLD], ["nvidia-current-open"], {}, {}),
        ("secure boot refuses an unknown signature", [CARD], ["nvidia-current"], {"secure_boot": ON}, {}),
        ("secure boot takes a known signature", [CARD], ["nvidia-current"], {"secure_boot": ON, "trusted": True}, {"0000:17:00.0": "nvidia"}),
        ("a card off the bus is not held", [{**CARD, "dead": "bus"}], ["nvidia-current"], {}, {}),
        ("an override wins, and only for its card", [CARD, OLD], ["nouveau"], {"overrides": {"0000:17:00.0": "vfio-pci"}},
         {"0000:17:00.0": "vfio-pci", "0000:ca:00.0": "nouveau"}),
        ("an override without its module leaves the card alone", [CARD], ["nouveau"], {"overrides": {"0000:17:00.0": "none"}}, {}),
        ("amdgpu wants its firmware", [AMD], ["amdgpu"], {}, {}),
    ],
)  # fmt: skip
def test_the_honest_outcome(decide, what, functions, loads, options, held):
    assert decide(functions, loads, **options) == held, what
