# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Lead the host back to what a record remembers; run by the rescue, by the next run or at boot. What came of it is read back."""

from __future__ import annotations

import os

import gpus
import host
import journal
import modules
import packages

# The unit that follows a change up: it may be what runs this, and as long as the journal is open the next boot needs it.
WATCH = ("units", journal.CHECK)
WATCH_FILE = ("files", "/etc/systemd/system/" + journal.CHECK)


def restore():
    """Undo the change that is under way."""
    if host.load(journal.OPEN) is None and (host.load(journal.LAST) or {}).get("result") == "restored":
        return {"result": "restored before"}
    record = journal.need_open()
    refuse_one_way(record)
    host.put_back(journal.SERVICE_POLICY, record["service_policy"])
    bring_back(record)
    journal.close(record, "restored")
    retire(record["before"])
    return {"result": "restored"}


def absent():
    """Undo all that this program ever changed here. What it remembers stays, so that a run that is cut off after this is finished by the next."""
    base = host.load(journal.BASE)
    if base is None:
        return False
    under_way = host.load(journal.OPEN)
    refuse_one_way(under_way)
    if under_way:
        host.put_back(journal.SERVICE_POLICY, under_way["service_policy"])
    # What boots by now may need what the image of the first day lacks: a new disk, a new key.
    bring_back(dict(base, kernel=(under_way or {}).get("kernel"), before=dict(base["before"], initramfs=dict.fromkeys(base["before"]["initramfs"]))))
    host.save(journal.BASE, dict(base, taken_back=True))
    for path in (journal.OPEN, journal.GOOD, journal.LAST):
        host.remove(path)
    retire(base["before"])
    return True


def refuse_one_way(record):
    if record and record["irreversible"]:
        raise host.Refused("the change went through a one-way door at step %s; it can only go forward" % record["step"])


def differs():
    """Return what absent would change, or refuse what it would refuse: one line a resource, {before, after} as host and baseline have it."""
    base = host.load(journal.BASE)
    if base is None:
        return {"differs": [], "taken_back": False}
    refuse_one_way(host.load(journal.OPEN))
    packages.way_back(versions(base), base["touches"]["packages"], base["touches"]["roots"], journal.KEPT)
    rows = [{"resource": "%s:%s" % (kind[:-1], name), "before": shown(here), "after": shown(was)}
            for kind, name, here, was in differences(base) if kind != "initramfs"]
    images = [path for path in sorted(base["before"]["initramfs"]) if rows and host.read(path) is not None]
    rows += [{"resource": "initramfs:" + path, "before": "as it is", "after": "made anew"} for path in images]
    return {"differs": rows, "taken_back": base.get("taken_back", False)}


def differences(record):
    """Return (kind, name, what is there, what was there) of all that is not as the record has it."""
    here = journal.seen(record["touches"], keep=False)
    return [(kind, name, here[kind][name], was) for kind, values in sorted(record["before"].items())
            for name, was in sorted(values.items()) if here[kind][name] != was]


def shown(value):
    """The digest of a file that only its owner reads would let a reader try passwords."""
    secret = isinstance(value, dict) and not value["mode"] & 0o077
    return dict(value, sha256="not shown") if secret else value


def versions(record):
    return {name: version for name, version in record["before"]["packages"].items() if version}


def bring_back(record):
    before, touches = record["before"], record["touches"]
    modules.autoinstall()
    back_holds(before["holds"], force=False)
    if packages.manager() == "apt" and packages.half_done():
        # A module build that fails now must not stop the removal.
        host.run(["dpkg", "--configure", "-a"], check=False)
    had = versions(record)
    stay = packages.bring_back(had, touches["packages"], touches["roots"], journal.KEPT)
    back_holds(before["holds"], force=True)
    back_units(before["units"])
    back_files(before["files"])
    back_modules(had, touches["roots"], record.get("kernel"))
    back_initramfs(before["initramfs"])
    back_cards()
    demand(record, stay)


def back_holds(holds, force):
    """Lift every hold of ours for the package manager's sake; then set those that were there before."""
    held = set(packages.held())
    if force:
        packages.hold([name for name, was in holds.items() if was and name not in held])
    else:
        packages.hold([name for name in holds if name in held], keep=False)


def back_units(units):
    for unit, was in sorted(units.items()):
        if journal.unit_enabled(unit) != was and (was or ("units", unit) != WATCH):
            host.run(["systemctl", "enable", unit] if was else ["systemctl", "disable", "--now", unit], check=False)


def back_files(files):
    for path, kept in sorted(files.items()):
        if kept or ("files", path) != WATCH_FILE:
            host.put_back(path, kept)
    host.run(["systemctl", "daemon-reload"], check=False)


def back_modules(had, roots, kernel):
    """A driver that came back is built for the kernel that boots, whatever the package's own script chose."""
    for name in roots:
        if kernel and name in had and any(path.endswith("/dkms.conf") for path in packages.files_of(name)):
            modules.build(name, kernel)


def back_initramfs(kept):
    """One of which there is no copy is made anew, and never taken from under a kernel."""
    for path, copy in sorted(kept.items()):
        if copy:
            host.put_back(path, copy)
        elif os.path.exists(host.at(path)):
            modules.initramfs(modules.kernel_of(path))


def back_cards():
    """Give living cards their settings back; where no driver answers, the unit does it at the next boot."""
    try:
        gpus.query(["uuid"])
    except host.Refused:
        return
    gpus.apply()


def demand(record, stay):
    """What was led back is not believed but read."""
    wrong = [row for row in differences(record) if not expected(row, stay)]
    if wrong:
        raise host.Refused("not as it was before: " + "; ".join(said(row) for row in wrong[:10]))


def expected(row, stay):
    kind, name, _here, was = row
    return (kind, name) in (WATCH, WATCH_FILE) or kind == "packages" and name in stay or kind == "initramfs" and was is None


def said(row):
    kind, name, here, was = row
    if isinstance(here or was, dict):
        return "%s %s" % (kind[:-1] if kind == "files" else kind, name)
    return "%s %s is %s instead of %s" % (kind[:-1], name, here, was)


def retire(before):
    """Last of all, with the journal closed; never with --now."""
    kind, unit = WATCH
    if before[kind].get(unit) is False:
        host.run(["systemctl", "disable", unit], check=False)
    kind, path = WATCH_FILE
    if path in before[kind] and before[kind][path] is None:
        host.remove(path)
    host.run(["systemctl", "daemon-reload"], check=False)
