# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Persistence and MIG geometry by PCI address. Exit codes of the tool prove little: every change is read back.

Settings name addresses, since a slot stays when its card is changed; the tool is given the UUID of the card that is there.
"""

from __future__ import annotations

import re

import host

SETTINGS = "/etc/ai-stack/gpu-driver.json"


def smi(*arguments, **options):
    return host.run(["nvidia-smi"] + list(arguments), check=False, timeout=options.get("timeout", 120))


def query(fields, uuid=None):
    """Return one {field: text} per card, or refuse with what the tool said."""
    where = ["-i", uuid] if uuid else []
    code, out = smi("--query-gpu=" + ",".join(fields), "--format=csv,noheader", *where)
    if code:
        raise host.Refused("nvidia-smi: %s" % host.tail(out, 2))
    return [dict(zip(fields, [cell.strip() for cell in line.split(",")])) for line in out.splitlines() if line.strip()]


def short(address):
    """nvidia-smi prints a domain of eight digits, the kernel of four."""
    domain, rest = address.lower().split(":", 1)
    return "%s:%s" % (domain[-4:].rjust(4, "0"), rest)


def identity(address):
    """Return the UUID of the card at this address."""
    for row in query(["pci.bus_id", "uuid"]):
        if short(row["pci.bus_id"]) == short(address):
            return row["uuid"]
    raise host.Refused("the driver knows no card at %s" % address)


def proven(driver, cards):
    """Say whether the driver of this version answers for each of these addresses."""
    if not driver:
        return True
    try:
        rows = query(["pci.bus_id", "driver_version"])
    except host.Refused:
        return False
    answers = {short(row["pci.bus_id"]) for row in rows if row["driver_version"] == driver}
    return set(cards) <= answers


def building_fabric():
    """Say whether a card is still on its way into its fabric; a driver that knows no fabric has none."""
    try:
        return any(row["fabric.state"] in ("Not Started", "In Progress") for row in query(["fabric.state"]))
    except host.Refused:
        return False


def apply():
    """Bring back what a reboot loses; return what was changed."""
    settings = host.load(SETTINGS)
    if settings is None:
        return []
    layouts = settings["mig"]
    if not layouts and not host.which("nvidia-smi"):
        return []
    changed = persistence(settings["persistence"])
    for address, layout in sorted(layouts.items()):
        if mig(address, layout):
            changed.append("mig:" + address)
    return changed


def persistence(wanted):
    """Where the vendor's daemon holds the cards there is nothing to do; it is not believed, the cards are asked."""
    late = others("uuid", wanted)
    for uuid in late:
        smi("-i", uuid, "-pm", "1" if wanted else "0")
    left = others("pci.bus_id", wanted) if late else []
    if left:
        raise host.Refused("persistence stays %s on %s" % ("off" if wanted else "on", ", ".join(left)))
    return ["persistence"] if late else []


def others(name, wanted):
    """Return this field of every card that is in the other persistence mode."""
    return [row[name] for row in query([name, "persistence_mode"]) if row["persistence_mode"] == ("Disabled" if wanted else "Enabled")]


def mig(address, layout):
    """Give the card this layout, {} turns MIG off. Return whether anything was changed."""
    wanted = {name: count for name, count in layout.items() if count}
    uuid = identity(address)
    on = query(["mig.mode.current"], uuid)[0]["mig.mode.current"] == "Enabled"
    if on == bool(wanted) and devices(uuid) == wanted:
        return False
    refuse_in_use(address, uuid)
    if on:
        clear(address, uuid)
    if on != bool(wanted):
        switch(address, uuid, bool(wanted))
    if wanted:
        create(address, uuid, wanted)
    return True


def devices(uuid):
    """Return {profile: count} of the compute instances that -L lists below the card."""
    found, mine = {}, False
    for line in smi("-L")[1].splitlines():
        if line.startswith("GPU "):
            mine = uuid in line
            continue
        profile = re.match(r"\s+MIG (\S+)\s+Device", line)
        if mine and profile:
            found[profile.group(1)] = found.get(profile.group(1), 0) + 1
    return found


def refuse_in_use(address, uuid):
    code, out = smi("-i", uuid, "--query-compute-apps=pid", "--format=csv,noheader")
    if code:
        raise host.Refused("nvidia-smi does not say whether %s is in use: %s" % (address, host.tail(out, 2)))
    pids = re.findall(r"^\d+$", out, re.M)
    if pids:
        raise host.Refused("%s is in use by process %s: drain the host before its MIG geometry changes" % (address, ", ".join(pids[:5])))


def clear(address, uuid):
    for what in ("-dci", "-dgi"):
        smi("mig", "-i", uuid, what)
    left = devices(uuid)
    if left:
        raise host.Refused("%s keeps its MIG devices (%s): in use by another client" % (address, count_text(left)))


def switch(address, uuid, enable):
    smi("-i", uuid, "-mig", "1" if enable else "0")
    row = query(["mig.mode.current", "mig.mode.pending"], uuid)[0]
    wanted = "Enabled" if enable else "Disabled"
    if row["mig.mode.current"] != wanted:
        raise host.Refused("MIG mode of %s is %s, pending %s: the card has to be reset or the host rebooted"
                           % (address, row["mig.mode.current"], row["mig.mode.pending"]))


def create(address, uuid, wanted):
    """Largest first: the other order leaves holes that the large ones do not fit in."""
    order = sorted(wanted, key=lambda name: (-int(re.match(r"(\d+)", name).group(1)), name))
    names = [name for name in order for unused in range(wanted[name])]
    out = smi("mig", "-i", uuid, "-cgi", ",".join(names), "-C")[1]
    made = devices(uuid)
    if made != wanted:
        raise host.Refused("%s has %s instead of %s: %s" % (address, count_text(made), count_text(wanted), host.tail(out, 2)))


def count_text(found):
    return ", ".join("%d x %s" % (found[name], name) for name in sorted(found)) or "no MIG device"
