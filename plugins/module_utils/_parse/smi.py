# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What nvidia-smi says: `-q -x` of any driver branch, and `-L`, as the gpus of an observation."""

from __future__ import annotations

import re
from xml.etree import ElementTree

# The text decides, not the exit code: nvidia-smi ends 0 in many cases that are none.
STATES = (
    ("mismatch", re.compile(r"version mismatch", re.I)),
    ("no_driver", re.compile(r"couldn't communicate with the NVIDIA driver|driver not loaded", re.I)),
    ("absent", re.compile(r"couldn't find libnvidia-ml", re.I)),
)
NOTHING = ("", "N/A", "[N/A]", "None", "Requested functionality has been deprecated")
NO_DEVICES = re.compile(r"^No devices (were )?found", re.I | re.M)
MIG_LINE = re.compile(r"^\s+MIG\s+(\S+)\s+Device\s+\d+:\s+\(UUID:\s+([^)\s]+)\)")
GPU_LINE = re.compile(r"^GPU\s+\d+:.*\(UUID:\s+([^)\s]+)\)")


def known(text):
    """The text, or None for the many ways in which nvidia-smi says that there is nothing to say."""
    text = (text or "").strip()
    return None if text in NOTHING or text.startswith("[Unknown") else text


def address(bus_id):
    """PCI address as the kernel writes it: four digits of domain, lower case."""
    match = re.match(r"^([0-9a-fA-F]{4,8}):([0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-7])$", (bus_id or "").strip())
    return "%04x:%s" % (int(match.group(1), 16), match.group(2).lower()) if match else None


def _yes(text):
    return {"enabled": True, "disabled": False}.get((known(text) or "").lower())


def _lower(text):
    text = known(text)
    return text.lower().replace(" ", "_") if text else None


def _gpu(index, node):
    broken = [text for text in (node.findtext(key) for key in ("uuid", "product_name", "serial")) if text and "lost" in text.lower()]
    return {
        "index": index,
        "address": address(node.findtext("pci/pci_bus_id") or node.get("id")),
        "uuid": known(node.findtext("uuid")),
        "serial": known(node.findtext("serial")),
        "name": known(node.findtext("product_name")),
        "vbios": known(node.findtext("vbios_version")),
        "persistence": _yes(node.findtext("persistence_mode")),
        "mig": {"current": _lower(node.findtext("mig_mode/current_mig")), "pending": _lower(node.findtext("mig_mode/pending_mig")),
                "devices": [{"profile": None, "uuid": None} for _each in node.findall("mig_devices/mig_device")]},
        "fabric": {"state": _lower(node.findtext("fabric/state")), "status": _lower(node.findtext("fabric/status"))},
        "gsp": known(node.findtext("gsp_firmware_version")),
        "processes": len(node.findall("processes/process_info")),
        "error": broken[0].strip() if broken else None,
    }


def parse_query(text):
    """`nvidia-smi -q -x` -> {driver_version, cuda_version, gpus}; None when it is not such a document."""
    # without its prologue no document declares entities
    start, end = text.find("<nvidia_smi_log"), text.rfind("</nvidia_smi_log>")
    if start < 0 or end < 0:
        return None
    try:
        root = ElementTree.fromstring(text[start:end + len("</nvidia_smi_log>")])
    except ElementTree.ParseError:
        return None
    return {"driver_version": known(root.findtext("driver_version")), "cuda_version": known(root.findtext("cuda_version")),
            "gpus": [_gpu(index, node) for index, node in enumerate(root.findall("gpu"))]}


def parse_list(text):
    """`nvidia-smi -L` -> {GPU uuid: [{profile, uuid}]}: profile and uuid of MIG devices stand nowhere else."""
    found, here = {}, None
    for line in text.splitlines():
        gpu, mig = GPU_LINE.match(line), MIG_LINE.match(line)
        if gpu:
            here = found.setdefault(gpu.group(1), [])
        elif mig and here is not None:
            here.append({"profile": mig.group(1), "uuid": mig.group(2)})
    return found


def state(text):
    """Which of the contract's states this output means; None: it names none."""
    for name, pattern in STATES:
        if pattern.search(text):
            return name
    return None


def no_devices(text):
    """The driver answers and knows no card."""
    return bool(NO_DEVICES.search(text))


def message(text):
    """First line that an operator can read, without the XML."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("<")]
    return lines[0][:500] if lines else None


def unanswered(bus_id):
    """A card that the driver knows and that does not answer: everything about it is unknown."""
    nothing = ("index", "uuid", "serial", "name", "vbios", "persistence", "gsp", "processes", "error")
    return dict(dict.fromkeys(nothing), address=address(bus_id), mig={"current": None, "pending": None, "devices": []},
                fabric={"state": None, "status": None})
