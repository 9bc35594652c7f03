# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A change from its request to its end: what is prepared, tried once, kept, or taken back.

The journal holds beside what every ledger has: want {cards, arguments, modules, keep_off}, ports, limit, may_reboot, kernel, words, before,
doubts (what the trial boot lacked when it was looked at last) and reason (why it was given up). Steps: begin, trial, armed, booted, commit.
"""

from __future__ import annotations

import json
import os

import grub
import host
import initramfs
import ledger
import pci

SETTINGS = "/etc/ai-stack/pci-passthrough.json"
MODPROBE = "/etc/modprobe.d/ai-stack-pci-passthrough.conf"
MODULES = "/etc/modules-load.d/ai-stack-pci-passthrough.conf"
HOOK = initramfs.FOLDER + initramfs.HOOK
BINDER = initramfs.FOLDER + initramfs.BINDER
CHECK = "ai-stack-pci-passthrough-check.service"
UNIT = "/etc/systemd/system/" + CHECK
PROGRAM = "/usr/local/sbin/ai-stack-pci-passthrough"
# {cards, words, done}: what "absent" takes away, there from its beginning on
LEAVING = host.STATE + "/leaving"
# files of ours that stay after a change; the settings go last: they say what the host was made to be
OURS = (grub.DROP_IN, MODPROBE, MODULES, HOOK, BINDER, SETTINGS)
# Seconds beyond the proof's own until the timer of the initramfs ends a boot in which nobody came to proving anything.
GRACE = 180
# Unknown to the kernel's own options on purpose: a name with a dot is a module's, and is handed to nobody.
TRIED = "panic=30 " + grub.TRIAL + "%d"
UNIT_TEXT = """# %s
[Unit]
Description=Prove a boot that is tried once, or lead the host back to its old entry
ConditionPathExists=%s

[Service]
# It waits for the proof; the boot does not wait for it.
Type=exec
ExecStart=/usr/bin/python3 %s boot-check
TimeoutStopSec=30
KillMode=process

[Install]
WantedBy=multi-user.target
"""


def settings():
    return host.load(SETTINGS) or {}


def refusals(request):
    """Yield everything that speaks against the change, so that a second run finds nothing that the first could have said."""
    want = request["want"]
    cards = want["cards"]
    yield from pci.strange(cards)
    yield from pci.shared(cards)
    yield from pci.in_use(cards)
    # a card that is given away no more, too: its guest would lose it
    yield from pci.users({**settings().get("cards", {}), **cards})
    yield from pci.kept_off_in_vain(want["keep_off"], cards)
    yield from ("the argument %s has a character that GRUB or its configuration reads" % word for word in want["arguments"] if not grub.WORD.match(word))
    yield from ("nothing listens on port %d, and a trial boot would be judged by it" % port for port in request["ports"] if not pci.listens(port))
    yield from grub.refusals()
    yield from ("%s is somebody else's" % path for path in OURS if grub.MARKER not in (host.text(path) or grub.MARKER))


def begin(request):
    """Open the journal, or go on with the one that an interrupted run left open."""
    journal = host.load(ledger.OPEN) or {"before": {}, "steps": []}
    found = list(refusals(request))
    entry = grub.entry() if not found else None
    found += initramfs.room(entry["kernel"]) if entry else []
    if found:
        raise host.Refused("; ".join(found))
    if host.load(ledger.OPEN):
        # a boot of what an older request prepared must not count for this one
        clear_trial()
    if not journal["before"]:
        journal["before"] = {"drivers": pci.drivers(), "routes": pci.routes()}
    if host.load(ledger.BASE) is None:
        host.save(ledger.BASE, {"at": ledger.now(), "drivers": journal["before"]["drivers"]})
    host.save(ledger.OPEN, {
        **{key: request[key] for key in ("plan", "owner", "want", "ports", "limit", "may_reboot")}, "kernel": entry["kernel"],
        "words": added(entry["words"], request["want"]["arguments"]), "reason": None, "doubts": None, "boot_id": host.boot_id(), "before": journal["before"],
        "step": "begin", "at": ledger.now(), "steps": [*journal["steps"], {"name": "begin", "at": ledger.now()}],
    })


def ours():
    """Return the words that this program put into GRUB's configuration; where a removal was cut off, the settings went first."""
    leaving = host.load(LEAVING) or {"done": True}
    return settings().get("added", ()) if leaving["done"] else leaving["words"]


def added(there, arguments):
    """Return the arguments that have to be added, in their order: those that somebody else says already are not said twice."""
    theirs = grub.without(there, ours())
    pages = [word for word in arguments if word.startswith("hugepages")]
    return [word for word in arguments if word not in theirs or word in pages]


def prepare():
    """Write what is tried, beside what the host boots from, and have the next boot take it."""
    journal = ledger.need_open()
    ledger.step("trial")
    follow_up()
    entry, want = grub.entry(), journal["want"]
    initramfs.try_once(entry["kernel"], want["cards"], journal["limit"] + GRACE)
    words = grub.without(entry["words"], ours()) + journal["words"]
    words += [name + ",".join(said) for name, said in (("modprobe.blacklist=", want["keep_off"]), ("modules_load=", want["modules"])) if said]
    host.write(grub.CUSTOM, grub.trial_entry(entry, words + (TRIED % (journal["limit"] + GRACE)).split()).encode(), 0o644)
    ledger.step("armed")
    grub.arm()


def follow_up():
    """Before anything else: whatever is cut off from here on, the next boot finds somebody who follows it up."""
    host.write(UNIT, (UNIT_TEXT % (grub.MARKER, ledger.OPEN, PROGRAM)).encode(), 0o644)
    host.run(["systemctl", "daemon-reload"])
    host.run(["systemctl", "enable", CHECK])


def contents(want, words):
    """Return {path: (text or None, mode)} of what stays on the host."""
    lines = ["# " + grub.MARKER]
    blacklist = ["blacklist " + name for name in want["keep_off"]]
    return {
        grub.DROP_IN: (grub.drop_in(words), 0o644),
        MODPROBE: ("\n".join(lines + blacklist) + "\n" if blacklist else None, 0o644),
        MODULES: ("\n".join(lines + want["modules"]) + "\n" if want["modules"] else None, 0o644),
        HOOK: (initramfs.HOOK_TEXT, 0o755),
        BINDER: (initramfs.binder(want["cards"]), 0o755),
        SETTINGS: (json.dumps(dict(want, managed_by=grub.MARKER, added=words), indent=1, sort_keys=True) + "\n", 0o644),
    }


def commit():
    """The trial boot was proven: what it had is what the host boots from now on."""
    journal = ledger.need_open()
    if journal["step"] not in ("booted", "commit"):
        raise host.Refused("the trial boot is not proven (step %s)" % journal["step"])
    kernel = grub.entry()["kernel"]
    if kernel != journal["kernel"]:
        raise host.Refused("%s boots by now, and it was %s that was tried" % (kernel, journal["kernel"]))
    kept = (*OURS, grub.CONFIG, initramfs.of(journal["kernel"]))
    journal["before"].setdefault("files", {path: host.keep(path) for path in kept})
    host.save(ledger.OPEN, journal)
    ledger.step("commit")
    initramfs.stop_timer()
    clear_trial()
    for path, (text, mode) in contents(journal["want"], journal["words"]).items():
        if text is None:
            host.remove(path)
        else:
            host.write(path, text.encode(), mode)
    initramfs.update(journal["kernel"])
    grub.update(journal["words"])
    host.remove(LEAVING)
    end("committed")


def clear_trial():
    grub.disarm()
    for path in (grub.CUSTOM, grub.IMAGE, grub.IMAGE + ".new"):
        if path != grub.CUSTOM or grub.MARKER in (host.text(path) or ""):
            host.remove(path)
    # half a file among the hooks would be run, and half an initramfs takes room
    for path in (*OURS, UNIT, grub.CUSTOM, grub.CONFIG, initramfs.of("*")):
        host.sweep(path)


def restore(*reason):
    """Undo the change that is under way; reason: in words, why."""
    last = host.load(ledger.LAST) or {}
    if host.load(ledger.OPEN) is None and last.get("result") == "restored":
        return {"result": "restored before", "reboot": last["trial"] == host.boot_id()}
    if host.load(ledger.OPEN) is None and last.get("result") == "committed":
        raise host.Refused("the change was kept before that; 'absent' takes it back")
    journal = ledger.need_open()
    trial = host.boot_id() if in_trial(journal) else None
    clear_trial()
    put_back(journal["before"].get("files", {}))
    # of an update-initramfs that was killed
    host.remove(initramfs.of(journal["kernel"]) + ".new")
    end("restored", reason=" ".join(reason) or journal["reason"], trial=trial)
    return {"result": "restored", "reboot": trial is not None}


def put_back(files):
    """What a commit changed becomes what it was; where kernels came or went since, GRUB and the initramfs follow those of now, not those of then."""
    then = host.copy_of(grub.CONFIG, files[grub.CONFIG]).decode("utf-8", "replace") if files else None
    moved = bool(files) and grub.releases(host.text(grub.CONFIG) or "") != grub.releases(then)
    for path, kept in sorted(files.items()):
        if path in OURS or not moved:
            host.put_back(path, kept)
    if moved:
        make_anew()


def make_anew():
    host.run(["update-initramfs", "-u", "-k", "all"])
    host.run(["update-grub"])


def in_trial(journal):
    """Say whether this boot is the trial of this change: one that was kept since its own trial goes on running in that."""
    return grub.in_trial() and (journal["step"] in ("booted", "commit") or journal["boot_id"] != host.boot_id())


def end(how, **more):
    """Close the journal; what follows a change up goes with it."""
    journal = ledger.need_open()
    ledger.close(journal, how, **{"reason": None, "trial": None, **more})
    host.free_store(())
    retire()


def retire():
    host.run(["systemctl", "disable", CHECK], check=False)
    host.remove(UNIT)
    host.run(["systemctl", "daemon-reload"], check=False)


def absent():
    """Take away all that this program ever brought; what it remembers stays, so that a run that is cut off after this is finished by the next."""
    leaving = going()
    used = list(pci.users(leaving["cards"]))
    if used:
        raise host.Refused("; ".join(used))
    if host.load(ledger.OPEN):
        restore("taken away")
    mine = there()
    changed = bool(mine) or not leaving["done"]
    if changed:
        host.save(LEAVING, leaving)
        for path in mine:
            host.remove(path)
        make_anew()
        host.save(ledger.LAST, {"result": "absent", "reason": None, "trial": None, "at": ledger.now(), "steps": []})
    # of a change whose end was cut off
    clear_trial()
    retire()
    remove_empty(*{os.path.dirname(path) for path in (grub.DROP_IN, SETTINGS)})
    host.save(LEAVING, dict(leaving, done=True))
    return {"changed": changed, "reboot": needs_boot(leaving)}


def remove_empty(*folders):
    for folder in folders:
        try:
            os.rmdir(host.at(folder))
        except OSError:
            pass


def going():
    """Return what is to be taken away: that of now, or of a removal that was cut off."""
    there_now = bool(there())
    want = (host.load(ledger.OPEN) or {"want": {"cards": {}}})["want"]
    fresh = {"cards": {**settings().get("cards", {}), **want["cards"]}, "words": settings().get("added", []), "done": not there_now}
    return host.load(LEAVING) or fresh


def needs_boot(leaving):
    """Say whether a boot has to give the cards back to the drivers of the host."""
    words = (host.text("/proc/cmdline") or "").split()
    return grub.in_trial() or any(pci.driver(address) == pci.VFIO for address in leaving["cards"]) or any(word in words for word in leaving["words"])


def there():
    """Return the files of ours that are there, in the order in which they go: the settings first, so that they never speak for what is gone."""
    return [path for path in reversed(OURS) if host.read(path) is not None and grub.MARKER in host.text(path)]


def differs():
    """Return what "absent" would take away, whether a boot follows it, and who speaks against it."""
    leaving = going()
    rows = [{"resource": "file:" + path, "before": "there", "after": None} for path in there()]
    if rows or not leaving["done"]:
        rows += [{"resource": what, "before": "as it is", "after": "made anew"} for what in (grub.CONFIG, "initramfs")]
    return {"differs": rows, "reboot": needs_boot(leaving), "used": list(pci.users(leaving["cards"]))}


def status():
    journal, last = host.load(ledger.OPEN), host.load(ledger.LAST) or {}
    return {
        "state": "open" if journal else last.get("result", "nothing"), "step": journal["step"] if journal else None,
        "reason": (journal or last).get("reason"), "trial": grub.in_trial(), "settings": settings() or None,
        "open": {key: journal[key] for key in ("plan", "owner", "step", "at")} if journal else None, "last_change": last or None,
    }
