# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What NVIDIA's tool says, replayed by a script that ends with the real exit code."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe import nvml
from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.root import Root

OUTPUTS = Path(__file__).parents[3] / "fixtures" / "outputs" / "nvidia-smi"
CARDS = [
    {"address": address, "vendor": "10de", "class": "030200", "driver": driver}
    for address, driver in (("0000:18:00.0", "nvidia"), ("0000:5d:00.0", "nvidia"), ("0000:9a:00.0", "vfio-pci"))
]


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """tool(shell lines): the nvidia-smi of this test."""

    def make(*lines):
        program = tmp_path / "nvidia-smi"
        program.write_text("#!/bin/sh\ncd %s\n%s\n" % (OUTPUTS, "\n".join(lines)))
        program.chmod(0o755)
        monkeypatch.setattr(nvml, "which", lambda name: str(program))

    return make


def seen(guard, seconds=10):
    return nvml.observe(Root("/"), CARDS, seconds, guard)


@pytest.mark.parametrize(
    "name, code, status",
    [
        ("no-driver.txt", 9, "no_driver"),
        ("mismatch.txt", 18, "mismatch"),
        ("no-library.txt", 12, "absent"),
        ("no-devices.txt", 6, "ok"),
        ("no-devices.txt", 0, "ok"),
        ("smi-qx-h100.xml", 0, "ok"),
        ("list-8.txt", 0, "error"),
    ],
)
def test_the_status_follows_the_text(tool, guard, name, code, status):
    tool("cat %s" % name, "exit %d" % code)
    found = seen(guard)
    assert (found["status"], found["exit"]) == (status, code)


def test_a_driver_that_answers_tells_its_cards(tool, guard):
    tool("cat smi-qx-h100.xml")
    found = seen(guard)
    assert (found["driver_version"], found["cuda_version"], found["message"]) == ("580.105.08", "13.0", None)
    assert found["gpus"][0]["name"] == "NVIDIA H100 80GB HBM3"


def test_mig_devices_get_their_profiles(tool, guard):
    tool('if [ "$1" = -L ]; then cat list-mig.txt; else cat query-mig.xml; fi')
    devices = seen(guard)["gpus"][0]["mig"]["devices"]
    assert sorted(each["profile"] for each in devices) == ["1g.10gb", "1g.10gb", "3g.40gb"]


def test_a_lost_card_does_not_hide_the_others(tool, guard):
    tool('case "$*" in *18:00.0) cat query-other-alone.xml;; *5d:00.0) cat no-devices.txt; exit 6;; *9a*) exit 3;; *) cat query-lost.txt; exit 15;; esac')
    found = seen(guard)
    assert (found["status"], found["driver_version"]) == ("ok", "535.309.01")
    assert [(gpu["address"], gpu["error"]) for gpu in found["gpus"]] == [
        ("0000:18:00.0", None),
        ("0000:5d:00.0", "Unable to determine the device handle for GPU3: GPU is lost.  Reboot the system to recover this GPU"),
    ]


def test_a_tool_that_hangs_is_unknown_in_seconds(tool, guard):
    tool("trap '' TERM", "sleep 600")
    found = seen(guard, 1)
    assert (found["status"], found["gpus"]) == ("hung", [])
    assert guard.errors == [{"what": "nvidia-smi", "message": "no answer in 1 s"}]


def test_without_the_tool_it_is_absent(monkeypatch, guard):
    monkeypatch.setattr(nvml, "which", lambda name: None)
    assert seen(guard)["status"] == "absent"
