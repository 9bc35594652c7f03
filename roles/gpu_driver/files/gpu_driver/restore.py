# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Lead the host back to what a record remembers; run by the rescue, by the next run or at boot."""

from __future__ import annotations

import host
import journal
import modules
import packages


def restore():
    """Undo the change that is under way."""
    record = journal.need_open()
    if record["irreversible"]:
        raise host.Refused("the change went through a one-way door at step %s; it can only go forward" % record["step"])
    bring_back(record)
    journal.close(record, "restored")


def absent():
    """Undo all that this program ever changed here."""
    base = host.load(journal.BASE)
    if base is None:
        return False
    under_way = host.load(journal.OPEN)
    bring_back(dict(base, kernel=(under_way or {}).get("kernel")))
    for path in (journal.OPEN, journal.GOOD, journal.BASE, journal.LAST):
        host.remove(path)
    host.free_store(set())
    packages.keep_archives({}, journal.KEPT)
    return True


def differs():
    """Return what absent would change: one line a resource, {before, after} as the baseline and the host have it."""
    base = host.load(journal.BASE) or {"before": {}, "touches": {key: [] for key in journal.TOUCHES}}
    here = journal.seen(base["touches"], keep=False)
    found = []
    for kind, values in sorted(base["before"].items()):
        for name, was in sorted(values.items()):
            if kind != "initramfs" and here[kind][name] != was:
                found.append({"resource": "%s:%s" % (kind[:-1], name), "before": here[kind][name], "after": was})
    return {"differs": found}


def bring_back(record):
    before, touches = record["before"], record["touches"]
    modules.autoinstall()
    back_holds(before["holds"], force=False)
    if packages.manager() == "apt" and packages.half_done():
        # A module build that fails now must not stop the removal.
        host.run(["dpkg", "--configure", "-a"], check=False)
    had = {name: version for name, version in before["packages"].items() if version}
    packages.bring_back(had, touches["packages"], touches["roots"], journal.KEPT)
    back_holds(before["holds"], force=True)
    back_units(before["units"])
    for path, kept in sorted(before["files"].items()):
        host.put_back(path, kept)
    host.run(["systemctl", "daemon-reload"], check=False)
    back_modules(had, touches["roots"], record.get("kernel"))
    back_initramfs(before["initramfs"], record.get("kernel"))


def back_holds(holds, force):
    """Lift every hold of ours for the package manager's sake; then set those that were there before."""
    held = set(packages.held())
    if force:
        packages.hold([name for name, was in holds.items() if was and name not in held])
    else:
        packages.hold([name for name in holds if name in held], keep=False)


def back_units(units):
    for unit, was in sorted(units.items()):
        if journal.unit_enabled(unit) != was:
            host.run(["systemctl", "enable", unit] if was else ["systemctl", "disable", "--now", unit], check=False)


def back_modules(had, roots, kernel):
    """A driver that came back is built for the kernel that boots, whatever the package's own script chose."""
    for name in roots:
        if kernel and name in had and any(path.endswith("/dkms.conf") for path in packages.files_of(name)):
            modules.build(name, kernel)


def back_initramfs(kept, kernel):
    for path, copy in sorted(kept.items()):
        if copy:
            host.put_back(path, copy)
        elif kernel and path.endswith(kernel):
            modules.initramfs(kernel)
