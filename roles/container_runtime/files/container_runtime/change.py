# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Judge, write, restart, prove; or back to the files of before.

A request is {plan, files: {path: text}, root, folder, marker, unit, program, expected: {path of a setting: value}, dumps, answer}: the files that are to
be there, none where all of ours is to go; the root file and the folder that it takes in; settings that the daemon's dump has to show, by their path
with / between; whether the daemon that is here is the one that will read them; seconds in which a restarted daemon has to answer.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time

import containerd
import ledger

STATE = "/var/lib/ai-stack/container_runtime"
SCRATCH, COPY = "/run", "ai-stack-containerd-"
MODE = 0o644
PAUSE = 0.5
RUNS = ["active", "enabled"]
KUBELET = "/etc/kubernetes/kubelet.conf"
# what packages install until somebody writes settings: the part that a kubelet asks switched off, or nothing
STOCK = re.compile(r'disabled_plugins\s*=\s*\[\s*["\']cri["\']\s*\]')


class Change:
    """What is asked for, beside what is there."""

    def __init__(self, ground, request):
        self.ground, self.request, self.ledger = ground, request, ledger.Ledger(ground)
        self.root, self.journal = request["root"], ground.load(self.ledger.open)
        self.texts = dict(request["files"])
        self.adopted = bool(self.texts) and self._is_foreign(self.root)
        if self.adopted:
            self.texts.pop(self.root)
        self.gone = [path for path in self._ours() if path not in self.texts]

    def _text(self, path):
        return (self.ground.read(path) or b"").decode("utf-8", "replace")

    def _is_ours(self, path):
        return self._text(path).startswith(self.request["marker"])

    def _is_foreign(self, path):
        """Whether somebody wrote the root file: it stays, if it takes our folder in."""
        said = [line.strip() for line in self._text(path).splitlines()]
        return not self._is_ours(path) and any(line and not line.startswith("#") and not STOCK.fullmatch(line) for line in said)

    def _ours(self):
        """Files of ours that are there, wherever an earlier run put them."""
        known = (self.ground.load(self.ledger.base) or {}).get("touches", {}).get("files", ())
        return sorted(path for path in set(known) | set(self.texts) if self._is_ours(path))

    def paths(self):
        return sorted({*self.texts, *self.gone})

    def changes(self, path):
        wanted = self.texts.get(path)
        found = self.ground.known(path)
        if wanted is None or found is None:
            return (wanted is None) == (found is not None)
        return self.ground.read(path) != wanted.encode("utf-8") or found["mode"] != MODE

    def differs(self):
        """[{resource, before, after}] a file, and the unit where it does not run and is not to."""
        rows = [{"resource": "file:" + path, "before": "there" if self.ground.known(path) else None, "after": "as wanted" if path in self.texts else None}
                for path in self.paths() if self.changes(path)]
        state = unit_of(self.ground, self.request["unit"])
        if self.texts and state != RUNS and (self.request["dumps"] or state):
            rows.append({"resource": "unit:" + self.request["unit"], "before": " ".join(state) or None, "after": " ".join(RUNS)})
        return rows

    def refusals(self):
        """What needs no daemon; all of it at once."""
        if not self.request["files"] and self.ground.known(KUBELET):
            return ["this host is a node of a cluster (%s): a kubelet could not ask containerd any more; take the node out first" % KUBELET]
        found = ["%s is somebody else's: it has the name of our file and not our marker" % path
                 for path in self.texts if path != self.root and self.ground.known(path) and not self._is_ours(path)]
        if self.adopted:
            told = containerd.file(self._text(self.root), self.request["marker"])
            if not any(pattern.startswith(self.request["folder"] + "/") for pattern in told["imports"]):
                found.append("%s is somebody else's and does not take in %s: add imports = [\"%s/*.toml\"] to it, or move it away"
                             % (self.root, self.request["folder"], self.request["folder"]))
        return found + (self._newer() if self.texts else [])

    def _newer(self):
        root = containerd.file(self.texts.get(self.root) or self._text(self.root), "")
        rows = [dict(containerd.file(text, ""), path=path) for path, text in sorted(self.taken_in().items())]
        return ["K8S-N3: %s has version %d, and %s takes it in with version %d: some patches of containerd end at this"
                % (one["path"], one["version"], self.root, root["version"] or containerd.UNSAID) for one in containerd.newer(root, rows)]

    def taken_in(self):
        """{path: text} of the drop-ins that will be there."""
        folder, there = self.request["folder"], self.ground.at(self.request["folder"])
        found = {path: text for path, text in self.texts.items() if os.path.dirname(path) == folder}
        for name in sorted(os.listdir(there)) if os.path.isdir(there) else []:
            path = "%s/%s" % (folder, name)
            if name.endswith(".toml") and path not in self.gone:
                found.setdefault(path, self._text(path))
        return found


def unit_of(ground, unit):
    """[ActiveState, UnitFileState]; empty: there is no such unit."""
    text = ground.run(["systemctl", "show", "--property", "LoadState,ActiveState,UnitFileState", unit], check=False, timeout=60)[1]
    seen = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    return [seen.get("ActiveState", ""), seen.get("UnitFileState", "")] if seen.get("LoadState") not in (None, "not-found") else []


def judged(change):
    """Whether the daemon takes a copy with our files in it, and has what we want of it; every refusal at once."""
    ground, request = change.ground, change.request
    os.makedirs(ground.at(SCRATCH), exist_ok=True)
    folder = tempfile.mkdtemp(prefix=COPY, dir=ground.at(SCRATCH))
    try:
        inside = os.path.join(folder, "conf.d")
        os.mkdir(inside)
        for path, text in change.taken_in().items():
            write(os.path.join(inside, os.path.basename(path)), text)
        root = change.texts.get(change.root) or change._text(change.root)
        write(os.path.join(folder, "config.toml"), root.replace(request["folder"] + "/", inside + "/"))
        refused = unlike(dump_of(ground, request["program"], os.path.join(folder, "config.toml")), request["expected"])
    finally:
        shutil.rmtree(folder)
    if refused:
        raise ledger.Refused("\n".join(refused))


def dump_of(ground, program, path):
    code, text = ground.run([program, "--config", path, "config", "dump"], check=False, timeout=60)
    if code:
        raise ledger.Refused("containerd does not take its settings: %s" % ledger.tail(text, 2))
    return text


def write(path, text):
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)


def unlike(text, expected):
    """Settings that the daemon would not have as they are wanted: another drop-in beats them, or it does not know them."""
    return ["containerd would have %s = %s, and not %s: another drop-in says so, or it does not know the setting" % (path, seen, value)
            for path, value in sorted(expected.items()) for seen in [containerd.setting(text, path)] if seen != value]


def look(change):
    """What would change, and whether containerd would take it; the host is left as it is."""
    refused = change.refusals()
    if refused:
        raise ledger.Refused("\n".join(refused))
    rows = change.differs()
    if change.texts and change.request["dumps"]:
        judged(change)
    return {"differs": rows, "adopted": change.adopted, "open": change.ledger.status()["open"]}


def apply(change, owner):
    """All of it; what does not come back is led back here, in this call."""
    refused = change.refusals()
    if refused:
        raise ledger.Refused("\n".join(refused))
    rows = change.differs()
    if not rows and not change.journal:
        return {"changed": False, "restarted": False}
    if change.texts:
        judged(change)
    change.ledger.begin({"plan": change.request["plan"], "owner": owner, "touches": {"files": change.paths()}, "irreversible": False})
    try:
        change.ledger.step("files")
        was = (change.ground.load(change.ledger.base) or {}).get("before", {}).get("files", {})
        for path in change.paths():
            if path not in change.texts:
                # what was there before this role came: the root file of the package
                change.ground.put_back(path, was.get(path))
            elif change.changes(path):
                change.ground.write(path, change.texts[path].encode("utf-8"), MODE)
        change.ledger.step("restart")
        run_again(change, serves=bool(change.texts))
    except (ledger.Refused, OSError) as error:
        raise ledger.Refused("%s\n%s" % (error, led_back(change)))
    if change.request["files"]:
        change.ledger.commit()
    else:
        change.ledger.close(change.ledger.need_open(), "taken back")
    return {"changed": True, "restarted": True}


def run_again(change, serves):
    """Restart the daemon and wait until it answers; pods run on meanwhile, under shims of their own.

    serves: whether a kubelet has to be able to ask it; with the files that its package brings none can.
    """
    ground, unit = change.ground, change.request["unit"]
    ground.run(["systemctl", "reset-failed", unit], check=False, timeout=60)
    if serves:
        ground.run(["systemctl", "--quiet", "enable", unit], check=False, timeout=120)
    code, text = ground.run(["systemctl", "restart", unit], check=False, timeout=300)
    if code:
        raise ledger.Refused("%s does not start: %s" % (unit, last_words(ground, unit) or ledger.tail(text, 2)))
    end = time.monotonic() + change.request["answer"]
    while True:
        why = silent(ground, serves)
        if not why:
            return
        if time.monotonic() >= end:
            raise ledger.Refused("%s: %s within %d s: %s" % (unit, why, change.request["answer"], last_words(ground, unit) or "it says nothing"))
        time.sleep(PAUSE)


def silent(ground, serves):
    """Why the daemon is not as it should be; "" where it is. It runs on without a part that did not like its settings."""
    code, text = ground.run(["ctr", "plugins", "ls"], check=False, timeout=30)
    if code:
        return "it does not answer"
    found = [line.split()[-1] for line in text.splitlines() if line.split()[1:2] == ["cri"]]
    return "" if found == ["ok"] or not serves else "the part that a kubelet asks does not serve"


def last_words(ground, unit):
    text = ground.run(["journalctl", "--unit", unit, "--lines", "30", "--output", "cat", "--no-pager"], check=False, timeout=60)[1]
    lines = [line for line in text.splitlines() if re.search(r"level=(error|fatal)|containerd: ", line)]
    return lines[-1].strip()[-300:] if lines else ""


def led_back(change):
    """What came of the way back, be it that it failed too."""
    try:
        return back(change)
    except ledger.Refused as error:
        return str(error)


def back(change):
    """The files of before the change, and the daemon with them; a sentence on what came of it."""
    record = change.ledger.need_open()
    for path, was in sorted(record["before"]["files"].items()):
        change.ground.put_back(path, was)
    try:
        run_again(change, serves=False)
    except ledger.Refused as error:
        raise ledger.Refused("the files of before the change are back, and yet: %s" % error)
    change.ledger.close(record, "restored")
    return "containerd runs with the files of before the change"


def restore(change):
    """Undo by hand what a run left that does not come back."""
    if change.journal is None:
        last = change.ground.load(change.ledger.last) or {}
        return {"result": "restored before" if last.get("result") == "restored" else "nothing is under way"}
    return {"result": back(change)}
