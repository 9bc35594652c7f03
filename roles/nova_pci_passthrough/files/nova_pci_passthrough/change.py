# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Judge, install, restart, prove; or back to the last good drop-ins.

A request is {plan, host, settings: {service: {section: {key: value}}}, services: {name: row}, units, answers, projects: {name: {file, group}}, now,
later, doors, confirmed, restart, answer, settle, python, identity}; its rows are those of vars/ of the role:
  service: {unit, project, files, dirs, named, url, log}; units, answers: {service: another unit, another url}
  now      [[section, key]] of what is due while hosts still report one by one; empty: everything is, but the sections of later
  identity {file, group, id}: where nova-compute keeps by which id Nova knows it, and that id; empty: nobody knows it
  doors    [[section, key, name]] of what cannot be undone; confirmed: names that the operator said yes to
"""

from __future__ import annotations

import glob
import grp
import json
import os
import shutil
import tempfile
import time

import devices
import ledger
import options
import units
from judge import LISTS

STATE = "/var/lib/ai-stack/nova_pci_passthrough"
SCRATCH, COPY = "/run", "ai-stack-nova-"
MODE = 0o640
COMPUTE = "nova-compute"


class Change:
    """What is asked for, beside what is there."""

    def __init__(self, ground, request):
        self.ground, self.request = ground, request
        self.ledger = ledger.Ledger(ground)
        self.services = {name: dict(row, **self._own(name, row)) for name, row in sorted(request["services"].items())}
        self.here = units.here(ground, self.services)
        self.journal = ground.load(self.ledger.open)
        self.there = {path: self.said(path) for path in self.paths()}
        self.wanted = self._wanted()
        self.texts = {path: options.render(settings) for path, settings in self.wanted.items()}

    def _own(self, name, row):
        """What is otherwise on this host than in the distribution."""
        return {key: self.request[given].get(name, row[key]) for key, given in (("unit", "units"), ("url", "answers"))}

    def paths(self):
        return sorted({self.file_of(name) for name in self.here})

    def file_of(self, name):
        return self.request["projects"][self.services[name]["project"]]["file"]

    def said(self, path):
        """What our file says now; one without our marker is somebody else's."""
        content = self.ground.read(path)
        if content is not None and not content.startswith(options.MARKER.encode("utf-8")):
            raise ledger.Refused("%s is somebody else's: it has the name of our file and not our marker" % path)
        return options.said(content.decode("utf-8", "replace"), LISTS) if content is not None else {}

    def _wanted(self):
        """{path: settings} of our files."""
        found = {}
        for path in self.paths():
            asked = {name: self.request["settings"].get(name, {}) for name in self.here if self.file_of(name) == path}
            settings = options.union({name: options.of_host(one, self.request["host"]) for name, one in asked.items()})
            settings = options.held_back(settings, self.there[path], self._due)
            kept = [tuple(one[:2]) for one in self.request["doors"]] + [key for one in asked.values() for key in options.unnamed(one, self.request["host"])]
            found[path] = options.with_kept(settings, self.there[path], kept)
        return found

    def _due(self, section, key):
        now = self.request["now"]
        return section not in self.request["later"] and (not now or [section, key] in now)

    def lacks_identity(self):
        """Whether nova-compute was installed anew: it does not start until it is who it was."""
        return bool(COMPUTE in self.here and self.request["identity"]["id"] and self.ground.read(self.request["identity"]["file"]) is None)

    def is_another(self):
        """In words, that the compute has another id than the one by which Nova knows it."""
        row = self.request["identity"]
        said = (self.ground.read(row["file"]) or b"").decode("utf-8", "replace").strip() if COMPUTE in self.here and row["id"] else ""
        return ["%s says %s, and Nova knows this compute as %s: what its servers hold is on that one" % (row["file"], said, row["id"])] if said not in (
            "", row["id"]) else []  # fmt: skip

    def differs(self):
        """[{resource, before, after}] a key; a file whose text alone is another one counts as a whole."""
        identity = self.request["identity"]
        rows = [{"resource": "file:" + identity["file"], "before": None, "after": identity["id"]}] if self.lacks_identity() else []
        for path in sorted(self.texts):
            before, after = flat(self.there[path]), flat(self.wanted[path])
            rows += [{"resource": "option:%s in %s" % (key, path), "before": before.get(key), "after": after.get(key)}
                     for key in sorted(set(before) | set(after)) if before.get(key) != after.get(key)]
            if self.changes(path) and before == after:
                rows.append({"resource": "file:" + path, "before": "as it is", "after": "as this version writes it"})
        return rows

    def changes(self, path):
        found, text = self.ground.known(path), self.texts[path].encode("utf-8")
        if not text or found is None:
            return bool(text) != (found is not None)
        return self.ground.read(path) != text or (found["mode"], found["group"]) != (MODE, self.group(path))

    def group(self, path):
        return self.group_of(next(row["group"] for row in self.request["projects"].values() if row["file"] == path), path)

    @staticmethod
    def group_of(name, path):
        try:
            return grp.getgrnam(name).gr_gid
        except KeyError:
            raise ledger.Refused("this host has no group %s, which is to read %s" % (name, path))

    def opened(self):
        """Names of the one-way doors that this change goes through."""
        return [name for section, key, name in self.request["doors"] for path in sorted(self.wanted)
                if on(self.wanted[path].get(section, {}).get(key)) and not on(self.there[path].get(section, {}).get(key))]

    def stays(self):
        """Names of the one-way doors that stand open on this host."""
        return [name for section, key, name in self.request["doors"] if any(on(said.get(section, {}).get(key)) for said in self.there.values())]

    def due(self):
        """Services whose restart waits for whoever owns that, or was cut off: still the process that did not read our file."""
        waits = dict(self.ground.load(STATE + "/awaits.json") or {}, **(self.journal or {}).get("processes", {}))
        return sorted(name for name, pid in waits.items() if name in self.here and self.here[name].get("MainPID") == pid)


def on(value):
    """Whether a door stands open; an option that is no switch is one where it has a value."""
    return value is not None and value.lower() not in ("false", "0", "no", "off")


def flat(settings):
    return {"[%s] %s" % (section, key): value for section, values in settings.items() for key, value in values.items()}


def look(change):
    """What would change, and whether Nova would take it; the host is left as it is."""
    refuse(change)
    rows = change.differs()
    # somebody else's file may have taken ours away since; where nothing is asked for there is nothing to lose
    verdict = judged(change) if rows or change.journal or change.request["settings"] else {"restarts": []}
    return {"differs": rows, "services": sorted(change.here), "restarts": verdict["restarts"], "due": change.due(), "doors": change.opened(),
            "stays": change.stays(), "open": change.ledger.status()["open"]}


def refuse(change):
    """What needs no parser; all of it at once."""
    wrong = ["%s does not run (its unit is %s): mend it first" % (name, one.get("ActiveState")) for name, one in sorted(change.here.items())
             if one.get("ActiveState") not in ("active", "reloading") and not change.journal and not (name == COMPUTE and change.lacks_identity())]
    if not change.here:
        wrong.append("none of %s is on this host" % ", ".join(change.services))
    wrong += change.is_another()
    wrong += ["%s cannot be undone: say yes to it in ai_stack_confirm" % name for name in change.opened() if name not in change.request["confirmed"]]
    if wrong:
        raise ledger.Refused("\n".join(wrong))


def judged(change):
    """Ask Nova's own parser about a copy with our files in it; {restarts: services whose values change}, or every refusal."""
    ground = change.ground
    os.makedirs(ground.at(SCRATCH), exist_ok=True)
    sweep(ground)
    folder = tempfile.mkdtemp(prefix=COPY, dir=ground.at(SCRATCH))
    try:
        asked = {}
        for name, row in change.services.items():
            if name in change.here:
                asked[name] = copied(change, folder, name, row)
        # of now only the values that they have, none of one that cannot be read
        now, then = ask(change, [{"prefix": "", "services": {name: one["now"] for name, one in asked.items()}, "what": "values"},
                                 {"prefix": folder, "services": {name: one["then"] for name, one in asked.items()}, "what": "all"}])
    finally:
        shutil.rmtree(folder)
    if then["refusals"]:
        raise ledger.Refused("\n".join(then["refusals"]))
    return {"restarts": sorted(name for name in asked if then["values"].get(name) != now["values"].get(name))}


def sweep(ground):
    """One that was killed while it asked left its copy, which has passwords in it; none takes that long."""
    for path in glob.glob(ground.at("%s/%s*" % (SCRATCH, COPY))):
        if time.time() - os.lstat(path).st_mtime > ledger.STALE:
            shutil.rmtree(path, ignore_errors=True)


def copied(change, folder, name, row):
    """How the service reads its configuration now, and in the copy."""
    ground, ours = change.ground, change.file_of(name)
    args = [arg.split("=", 1) for arg in units.arguments(ground, change.here[name].get("MainPID"), row)]
    for path in row["dirs"] + [os.path.dirname(ours)] + [path for kind, path in args if kind == "--config-dir"]:
        copy_folder(ground.at(path), folder + path)
    for path in row["files"] + [path for kind, path in args if kind == "--config-file"]:
        copy_file(ground.at(path), folder + path)
    if change.texts[ours]:
        with open(folder + ours, "w", encoding="utf-8") as stream:
            stream.write(change.texts[ours])
    elif os.path.exists(folder + ours):
        os.unlink(folder + ours)
    will, gone = change.wanted[ours], change.there[ours]
    mine = options.of_host(change.request["settings"].get(name, {}), change.request["host"])
    wanted = {section: {key: will[section][key] for key in values if key in will.get(section, {})} for section, values in mine.items()}
    keys = {(section, key) for section, values in wanted.items() for key in values}
    keys |= {(section, key) for section, values in gone.items() for key in values if key not in will.get(section, {})}

    def below(prefix):
        return {"project": row["project"], "args": ["%s=%s" % (kind, prefix + path) for kind, path in args], "keys": sorted(keys), "ours": prefix + ours,
                "files": [prefix + path for path in row["files"]], "dirs": [prefix + path for path in row["dirs"]]}

    return {"now": dict(below(ground.root), wanted={}), "then": dict(below(folder), wanted=wanted)}


def copy_folder(source, target):
    """Passwords are in there: the folder above is root's alone."""
    os.makedirs(target, exist_ok=True)
    for name in sorted(os.listdir(source)) if os.path.isdir(source) else []:
        copy_file(os.path.join(source, name), os.path.join(target, name))


def copy_file(source, target):
    if os.path.isfile(source):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(source, target)


def ask(change, documents):
    """What the judge says of each of these."""
    reported = any(on(settings.get("pci", {}).get("report_in_placement")) for settings in change.there.values())
    host = {"devices": devices.of_host(change.ground), "reported": reported}
    documents = [{**document, **host} for document in documents]
    # the archive or folder that this very program is run from
    command = [change.request["python"], os.path.dirname(__file__), "judge"]
    code, text = change.ground.run(command, check=False, timeout=300, data=json.dumps(documents).encode("utf-8"))
    if code:
        raise ledger.Refused("Nova's own parser cannot be asked with %s: %s" % (change.request["python"], ledger.tail(text, 2)))
    return json.loads(text)


def apply(change, owner):
    """All of it; what cannot be finished is led back here, in this call."""
    refuse(change)
    rows, due = change.differs(), change.due()
    if not rows and not change.journal and not (due and change.request["restart"]):
        return {"changed": False, "restarted": [], "awaits": due}
    restarts = sorted(set(judged(change)["restarts"]) | set(due) | set((change.journal or {}).get("restarts", ())))
    restarts = sorted({COMPUTE, *restarts}) if change.lacks_identity() else restarts
    doors = sorted(set(change.opened()) | set((change.journal or {}).get("doors", ())))
    change.ledger.begin({"plan": change.request["plan"], "owner": owner, "touches": {"files": change.paths()}, "irreversible": bool(doors),
                         "restarts": restarts, "request": kept(change.request), "doors": doors,
                         "processes": {name: change.here[name].get("MainPID") for name in restarts}})
    try:
        change.ledger.step("files")
        install(change)
        if not change.request["restart"]:
            change.ground.save(STATE + "/awaits.json", {name: change.here[name].get("MainPID") for name in restarts})
            change.ledger.commit(renewed=("files",))
            return {"changed": bool(rows), "restarted": [], "awaits": restarts}
        change.ledger.step("restart")
        run_again(change, restarts)
    except (ledger.Refused, OSError) as error:
        raise ledger.Refused("%s\n%s" % (error, back(change)))
    change.ground.remove(STATE + "/awaits.json")
    change.ledger.commit(renewed=("files",))
    return {"changed": True, "restarted": restarts, "awaits": []}


def kept(request):
    """What a later way back needs of the request."""
    return {key: request[key] for key in ("services", "projects", "answer", "settle", "doors")}


def install(change):
    if change.lacks_identity():
        # it stays, whatever becomes of the rest: nothing else is true of this compute
        row = change.request["identity"]
        change.ground.write(row["file"], row["id"].encode("utf-8"), 0o644, change.group_of(row["group"], row["file"]))
    for path in change.paths():
        if not change.texts[path]:
            change.ground.remove(path)
        elif change.changes(path):
            folder = os.path.dirname(change.ground.at(path))
            if not os.path.isdir(folder):
                os.makedirs(folder)
                os.chmod(folder, 0o755)
            change.ground.write(path, change.texts[path].encode("utf-8"), MODE, change.group(path))


def run_again(change, names):
    """Restart these services and wait for each; refuse with the last words of one that does not come back."""
    rows = {name: change.services[name] for name in names}
    since = {name: units.length(change.ground, row) for name, row in rows.items()}
    wrong = {}
    for name, row in rows.items():
        try:
            units.restart(change.ground, row)
        except ledger.Refused as error:
            wrong[name] = str(error)
    started = {name: row for name, row in rows.items() if name not in wrong}
    wrong.update(units.silent(change.ground, started, change.request["answer"], change.request["settle"]))
    lines = []
    for name, why in sorted(wrong.items()):
        told = units.last_words(change.ground, rows[name], since[name])
        lines.append("%s does not run: %s%s" % (name, why, "; it says: " + told if told else ""))
    if lines:
        raise ledger.Refused("\n".join(lines))


def back(change):
    """The files of before the change, and the services with them; a sentence on what came of it.

    Where the change turned a one-way key it may have taken hold: then the service wants that key, and nothing else of ours.
    """
    record = change.ledger.need_open()
    for path, was in sorted(record["before"]["files"].items()):
        change.ground.put_back(path, was)
    names = [name for name in record["restarts"] if name in change.here]
    why = tried(change, names)
    turned = [one for one in record["request"]["doors"] if one[2] in record["doors"]]
    if why and turned:
        behind_the_door(change, record, turned)
        why = tried(change, names)
        said = "%s cannot be taken back, the rest is as before the change" % ", ".join(record["doors"])
    else:
        said = "run with the files of before the change"
    if why:
        raise ledger.Refused("the files of before the change are back, and yet: %s" % why)
    change.ledger.close(record, "restored")
    return "%s: %s" % (", ".join(names) or "the services", said)


def tried(change, names):
    try:
        run_again(change, names)
    except ledger.Refused as error:
        return str(error)
    return ""


def behind_the_door(change, record, turned):
    for path in sorted(record["before"]["files"]):
        there = change.said(path)
        for section, key, _name in turned:
            value = change.wanted.get(path, {}).get(section, {}).get(key)
            if value is not None:
                there.setdefault(section, {})[key] = value
        if there:
            change.ground.write(path, options.render(there).encode("utf-8"), MODE, change.group(path))


def restore(change):
    """Undo by hand what a run left that does not come back."""
    if change.journal is None:
        last = change.ground.load(change.ledger.last) or {}
        return {"result": "restored before" if last.get("result") == "restored" else "nothing is under way"}
    return {"result": back(change)}
