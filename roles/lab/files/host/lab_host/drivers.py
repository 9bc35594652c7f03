# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Which driver gets which card: the honest outcome of the modules, blacklists, firmware and signatures that are on this host's disk."""
from __future__ import annotations

import glob

from . import kernel, signature

NVIDIA = "10de"
SWITCH_CLASS = "0680"


def decide(release, functions, secure_boot, overrides=None):
    """-> {drivers: {address: name}, modules: {name: modinfo}, log: [why]}. OVERRIDES is {address: driver}: no other one gets that function."""
    result = {"drivers": {}, "modules": {}, "log": []}
    for address, name in sorted((overrides or {}).items()):
        _override(release, address, name, result)
    functions = [function for function in functions if function["address"] not in (overrides or {})]
    names = {function["address"]: kernel.candidates(release, function["modalias"]) for function in functions}
    cards = [function for function in functions if function["vendor"] == NVIDIA and function["class"].startswith("03")]
    if cards:
        _nvidia(release, functions, cards, names, secure_boot, result)
    _others(release, functions, names, secure_boot, result)
    return result


def _override(release, address, name, result):
    info = kernel.module(release, name)
    if info:
        result["drivers"][address], result["modules"][name] = name, info
        # what it needs comes along
        parts = [part for part in kernel.loads(release, [name]) if part not in result["modules"]]
        result["modules"].update((part, kernel.module(release, part)) for part in parts)
    result["log"].append("%s: driver_override says %s%s" % (address, name, "" if info else ", which this kernel does not have"))


def _nvidia(release, functions, cards, names, secure_boot, result):
    if kernel.early_modules(release)["nouveau"]:
        return _nouveau(release, cards, "its initramfs loads it", result)
    wanted = [name for card in cards for name in names[card["address"]]]
    if "nouveau" in wanted:
        # both would be loaded and the order is chance: the worse case is the one a plan must be ready for
        return _nouveau(release, cards, "no blacklist keeps it away", result)
    found = _loadable(release, wanted, secure_boot, result)
    if not found:
        return result["log"].append("no driver for the NVIDIA cards")
    result["modules"]["nvidia"] = found
    for part in ("nvidia-modeset", "nvidia-uvm", "nvidia-drm"):
        beside = found["stem"].replace("nvidia", part, 1)
        info = kernel.module(release, beside)
        if info:
            result["modules"][part] = info
    for function in functions:
        if function["vendor"] == NVIDIA:
            _take(function, found, result)


def _loadable(release, names, secure_boot, result):
    """The first module that calls itself nvidia and that the kernel would accept."""
    for name in dict.fromkeys(names):
        info = kernel.module(release, name)
        if not info or info.get("name") != "nvidia":
            continue
        if secure_boot["enabled"] and not signature.trusted(info["filename"], secure_boot["enrolled"]):
            result["log"].append("%s: Loading of module with unavailable key is rejected" % info["filename"])
            continue
        info["stem"] = name
        info["flavour"] = "open" if "MIT" in info.get("license", "") else "proprietary"
        return info
    return None


def _take(function, module, result):
    """What the module's own probe does with this silicon."""
    address, silicon = function["address"], function.get("silicon", {})
    branch = int(module["version"].split(".")[0])
    if function["class"].startswith(SWITCH_CLASS):
        result["drivers"][address] = "nvidia-nvswitch"
    elif module["flavour"] not in silicon.get("flavours", []):
        result["log"].append("%s: the %s module does not drive this card" % (address, module["flavour"]))
    elif not silicon.get("first_branch", 0) <= branch <= silicon.get("last_branch", branch):
        result["log"].append("%s: branch %d does not list this card" % (address, branch))
    elif function.get("dead") == "bus":
        result["log"].append("%s: fallen off the bus" % address)
    else:
        result["drivers"][address] = "nvidia"


def _nouveau(release, cards, why, result):
    info = kernel.module(release, "nouveau")
    if info:
        result["modules"]["nouveau"] = info
        result["drivers"].update({card["address"]: "nouveau" for card in cards})
        result["log"].append("nouveau drives the cards: " + why)


def _others(release, functions, names, secure_boot, result):
    for function in functions:
        silicon = function.get("silicon", {})
        driver = silicon.get("driver")
        if not driver or driver not in names[function["address"]]:
            continue
        info = kernel.module(release, driver)
        if not info or secure_boot["enabled"] and not info.get("signer"):
            continue
        result["modules"][driver] = info
        firmware = silicon.get("firmware")
        if function.get("dead") == "bus":
            result["log"].append("%s: fallen off the bus" % function["address"])
        elif firmware and not glob.glob("/lib/firmware/" + firmware):
            result["log"].append("%s: %s finds no firmware %s" % (function["address"], driver, firmware))
        else:
            result["drivers"][function["address"]] = driver
