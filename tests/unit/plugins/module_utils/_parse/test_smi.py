# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""nvidia-smi of every driver branch that there is a capture of."""

from __future__ import annotations

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import smi

UUID = "GPU-00000000-0000-0000-0000-000000000000"
# file, driver, CUDA, address, name, VBIOS, persistence, MIG, fabric state
REAL = [
    ("smi-qx-a100-mig.xml", "535.54.03", "12.2", "0000:01:00.0", "NVIDIA A100-SXM4-80GB", "92.00.36.00.02", False, "enabled", None),
    ("smi-qx-a100.xml", "570.148.08", "12.8", "0000:06:00.0", "NVIDIA A100-SXM4-40GB", "92.00.45.00.03", True, "disabled", None),
    ("smi-qx-h100.xml", "580.105.08", "13.0", "0000:53:00.0", "NVIDIA H100 80GB HBM3", "96.00.99.00.01", True, "disabled", "completed"),
    ("smi-qx-h100-in-vm.xml", "580.159.04", "13.0", "0000:00:06.0", "NVIDIA H100 80GB HBM3", "96.00.DA.00.0C", True, "disabled", None),
    ("smi-qx-b200.xml", "580.105.08", "13.0", "0000:8f:00.0", "NVIDIA B200", "97.00.FA.00.09", False, "disabled", "completed"),
    ("smi-qx-gb200.xml", "580.173.02", "13.0", "0000:29:00.0", "NVIDIA GB200", "97.00.B9.00.69", True, "disabled", "completed"),
    ("smi-qx-l40s.xml", "595.91.07", "13.2", "0000:30:00.0", "NVIDIA L40S", "95.02.66.00.15", True, None, None),
]


@pytest.mark.parametrize("name, driver, cuda, address, model, vbios, persistence, mig, fabric", REAL, ids=[row[0] for row in REAL])
def test_every_branch_is_read(output, name, driver, cuda, address, model, vbios, persistence, mig, fabric):
    found = smi.parse_query(output("nvidia-smi/" + name))
    gpu = found["gpus"][0]
    assert (found["driver_version"], found["cuda_version"]) == (driver, cuda)
    assert (gpu["address"], gpu["name"], gpu["vbios"], gpu["uuid"], gpu["serial"]) == (address, model, vbios, UUID, "1650000000001")
    assert (gpu["persistence"], gpu["mig"]["current"], gpu["mig"]["pending"], gpu["fabric"]["state"]) == (persistence, mig, mig, fabric)
    assert gpu["error"] is None


def test_a_real_mig_card_shows_its_devices_without_names(output):
    gpu = smi.parse_query(output("nvidia-smi/smi-qx-a100-mig.xml"))["gpus"][0]
    assert gpu["mig"]["devices"] == [{"profile": None, "uuid": None}] * 4


def test_processes_are_counted_not_named(output):
    document = output("nvidia-smi/smi-qx-a100.xml").replace("<processes>", "<processes><process_info><pid>7</pid></process_info>", 1)
    assert smi.parse_query(document)["gpus"][0]["processes"] == 1


def test_mig_profiles_come_from_the_list(output):
    listed = smi.parse_list(output("nvidia-smi/list-mig.txt"))
    profiles = [sorted(device["profile"] for device in devices) for devices in listed.values()]
    assert profiles[0] == ["1g.10gb", "1g.10gb", "3g.40gb"]
    assert profiles[1:] == [[]] * 7
    assert all(device["uuid"].startswith("MIG-") for devices in listed.values() for device in devices)


def test_the_list_and_the_query_name_the_same_cards(output):
    query = smi.parse_query(output("nvidia-smi/query-mig.xml"))
    assert [gpu["uuid"] for gpu in query["gpus"]] == list(smi.parse_list(output("nvidia-smi/list-mig.txt")))


@pytest.mark.parametrize("name, state", [
    ("no-driver.txt", "no_driver"), ("mismatch.txt", "mismatch"), ("no-library.txt", "absent"),
    ("no-devices.txt", None), ("query-lost.txt", None), ("list-8.txt", None),
])
def test_the_text_names_the_state_not_the_exit_code(output, name, state):
    assert smi.state(output("nvidia-smi/" + name)) == state


def test_a_driver_without_cards_is_no_error(output):
    assert smi.no_devices(output("nvidia-smi/no-devices.txt"))
    assert not smi.no_devices(output("nvidia-smi/query-lost.txt"))


def test_a_lost_card_leaves_no_document_but_a_message(output):
    text = output("nvidia-smi/query-lost.txt")
    assert smi.parse_query(text) is None
    assert smi.message(text) == "Unable to determine the device handle for GPU3: GPU is lost.  Reboot the system to recover this GPU"


@pytest.mark.parametrize("text", [
    "", "no xml", "<nvidia_smi_log><gpu></nvidia_smi_log>", "<nvidia_smi_log>",
    "<!DOCTYPE x [<!ENTITY a 'aaaa'>]><nvidia_smi_log><driver_version>&a;</driver_version></nvidia_smi_log>",
], ids=["empty", "prose", "torn", "cut", "entities"])
def test_what_is_no_answer_is_none(text):
    assert smi.parse_query(text) is None


@pytest.mark.parametrize("bus_id, address", [
    ("00000000:17:00.0", "0000:17:00.0"), ("00010000:8F:00.0", "10000:8f:00.0"), ("0009:01:00.0", "0009:01:00.0"), ("N/A", None), ("", None), (None, None),
])
def test_addresses_are_written_as_the_kernel_does(bus_id, address):
    assert smi.address(bus_id) == address


@pytest.mark.parametrize("text", ["N/A", "[N/A]", "None", "", " ", "Requested functionality has been deprecated", None, "[Unknown Error]"])
def test_the_many_words_for_nothing_are_null(text):
    assert smi.known(text) is None
