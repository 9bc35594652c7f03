# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Sets of etcd: a snapshot that was verified, with the authorities and the key of secrets, encrypted so that this host cannot read it again, and off it.

What is told of them is what module_utils/_cluster/sets.py writes. taken(member, reason) is for whoever changes a control plane; the timer asks take().
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil

import archive
import cluster_versions
import kept
import ledger

CONFIG, UNIT = "/etc/ai-stack/kubernetes/sets.json", "ai-stack-kubernetes-set"
RUN = "/run/ai-stack-kubernetes"
SERVER_POD = "/etc/kubernetes/manifests/kube-apiserver.yaml"
ETCD_POD, DATABASE = "/etc/kubernetes/manifests/etcd.yaml", "/var/lib/etcd/member/snap/db"
MADE = "/etc/ai-stack/kubernetes/cluster.json"
# where programs of the image of etcd are seen; the host has none of its own
TOOLS = RUN + "/etcd"
CTR = ["ctr", "--namespace", "k8s.io", "images"]
# room beside a snapshot
SPARE = 32 << 20
LONG = 1800
_IMAGE = re.compile(r"^\s+image: (\S+)\s*$", re.M)


class Tools:
    """etcdctl and etcdutl of an image that is there, mounted to read: no container of a running member could have put another program in their place."""

    def __init__(self, ground, image, place=TOOLS):
        self.ground, self.image, self.place = ground, image, place

    def __enter__(self):
        self.away()
        os.makedirs(self.ground.at(self.place), mode=0o700)
        self.ground.run([*CTR, "mount", self.image, self.ground.at(self.place)], timeout=300)
        return self

    def __exit__(self, *_dummy):
        self.away()

    def away(self):
        """What a run that was ended left goes too."""
        self.ground.run([*CTR, "unmount", "--rm", self.ground.at(self.place)], check=False, timeout=120)
        with contextlib.suppress(FileNotFoundError):
            os.rmdir(self.ground.at(self.place))

    def ask(self, program, *words, seconds=LONG):
        return self.ground.run([self._at(program), *words], timeout=seconds, data=b"")[1]

    def works(self, program, *words):
        """Whether a question has an answer at all."""
        return self.ground.run([self._at(program), *words], check=False, timeout=60)[0] == 0

    def _at(self, program):
        return self.ground.at("%s/usr/local/bin/%s" % (self.place, program))


def state(ground):
    """{last: {at, name, sha256, reason, revision} or None, failed: {at, why} or None}"""
    return ground.load(ground.state + "/sets/state.json") or {"last": None, "failed": None}


def config_of(member):
    """What is to be told of sets; None: nothing."""
    text = member.request["files"].get(CONFIG)
    return json.loads(text) if text else None


def taken(member, reason):
    """Take one before a change, which is refused where that fails; nothing where the site has no sets."""
    config = config_of(member)
    if config is None:
        return None
    try:
        return take(member.ground, config, reason)
    except ledger.Refused as error:
        raise ledger.Refused("no set of etcd can be taken (%s), and without one nothing is changed: %s" % (reason, error))


def take(ground, config, reason):
    """Take a set now, as the only one; how it went is remembered."""
    if config is None:
        raise ledger.Refused("nothing is told of sets here: kubernetes_sets")
    # a lock of its own: the timer does not wait for a change that takes a set
    return ledger.Ground(ground.state + "/sets", ground.root).lock(_remembered, ground, config, reason)


def _remembered(ground, config, reason):
    was = state(ground)
    try:
        wrong = kept.objections(ground, config)
        if wrong:
            raise ledger.Refused("; ".join(wrong))
        row = _take(ground, config, reason)
    except (ledger.Refused, OSError) as error:
        ground.save(ground.state + "/sets/state.json", dict(was, failed={"at": ledger.now(), "why": str(error)}))
        raise ledger.Refused(str(error))
    ground.save(ground.state + "/sets/state.json", {"last": row, "failed": None})
    return row


@contextlib.contextmanager
def _scratch(ground, place):
    """A folder for what is in clear; it goes in every case."""
    folder = ground.at(place + "/set")
    os.makedirs(ground.at(place), mode=0o700, exist_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder, 0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _take(ground, config, reason):
    of_etcd = image(ground)
    if not of_etcd:
        raise ledger.Refused("no etcd of kubeadm is on this host (%s)" % ETCD_POD)
    with _scratch(ground, config["scratch"]) as folder:
        _room(ground, folder)
        snapshot = folder + "/snapshot.db"
        with Tools(ground, of_etcd) as tools:
            tools.ask("etcdctl", *login(ground), "snapshot", "save", snapshot)
            seen = json.loads(tools.ask("etcdutl", "snapshot", "status", snapshot, "--write-out", "json"))
        at = ledger.now()
        manifest = {**{key: config[key] for key in ("cluster", "endpoint", "host", "address")}, "kubernetes": _runs(ground, config), "at": at, "reason": reason,
                    "etcd": of_etcd.rpartition(":")[2], "revision": seen["revision"], "keys": seen["totalKey"], "settings": ground.load(MADE)}  # fmt: skip
        name = "%s-%s-%s.tar.gz.age" % (config["cluster"], config["host"], re.sub("[-:]", "", at))
        sha256 = kept.keep(ground, config, name, lambda stream: archive.write(stream, manifest, _small(ground), snapshot))
    return {"at": at, "name": name, "sha256": sha256, "reason": reason, "revision": seen["revision"]}


def _runs(ground, config):
    """Version of the API server that is there: what is asked for may be the one that it moves to."""
    return (cluster_versions.tag(ground.text(SERVER_POD) or "") or config["version"]).lstrip("v")


def image(ground):
    """The image of etcd that runs here, or None."""
    found = _IMAGE.search(ground.text(ETCD_POD) or "")
    return found[1] if found else None


def login(ground, endpoints="https://127.0.0.1:2379"):
    at = ground.at
    return ["--endpoints", endpoints, "--cacert", at(archive.PKI + "/etcd/ca.crt"), "--cert", at(archive.PKI + "/apiserver-etcd-client.crt"),
            "--key", at(archive.PKI + "/apiserver-etcd-client.key")]  # fmt: skip


def _small(ground):
    """{name: bytes} of what goes along; all authorities have to be here."""
    found = {name: ground.read(path) for name, path in archive.PLACES.items()}
    lacks = sorted(archive.PLACES[name] for name in found if found[name] is None and (name.startswith("pki/") or "encryption" in name))
    if lacks:
        raise ledger.Refused("a set without %s could not be restored" % ", ".join(lacks))
    return {name: content for name, content in found.items() if content is not None}


def _room(ground, folder):
    """A snapshot that does not fit would fill a folder that others live in."""
    needed = os.path.getsize(ground.at(DATABASE)) + SPARE
    space = os.statvfs(folder)
    if space.f_bavail * space.f_frsize < needed:
        raise ledger.Refused("the snapshot needs %d MiB in %s, and %d are free there: scratch names a folder that has them, and that no disk keeps"
                             % (needed >> 20, folder, space.f_bavail * space.f_frsize >> 20))  # fmt: skip


# what the change of a member asks


def differs(member):
    """Rows of what is not as the site wants it."""
    rows = [{"resource": "file:" + path, "before": "there", "after": None} for path in member.request["gone"] if member.ground.known(path)]
    if config_of(member) is None:
        return rows
    if shutil.which("age") is None:
        rows.append({"resource": "program:age", "before": None, "after": "there"})
    return rows + ([] if state(member.ground)["last"] else [{"resource": "set:" + member.name, "before": None, "after": "taken"}])


def refusals(member):
    """What is wrong with what is told, before anything is changed."""
    config = config_of(member)
    if config is None:
        return []
    found = ["kubernetes_sets: " + one for one in kept.objections(member.ground, config)]
    timer = "/etc/systemd/system/%s.timer" % UNIT
    if member.changed({timer: member.request["files"][timer]}, 0o644):
        schedule = re.search(r"^OnCalendar=(.*)$", member.request["files"][timer], re.M)[1]
        code, dummy = member.ground.run(["systemd-analyze", "calendar", schedule], check=False, timeout=60, data=b"")
        found += ["kubernetes_sets: systemd does not know the schedule '%s': see man systemd.time" % schedule] if code else []
    return found


def withdrawn(member):
    """The timer and its files go where nobody wants sets any more; the sets stay where they are."""
    gone = [path for path in member.request["gone"] if member.ground.known(path)]
    if gone:
        member.ground.run(["systemctl", "disable", "--now", UNIT + ".timer"], check=False, timeout=120)
        for path in gone:
            member.ground.remove(path)
        member.ground.run(["systemctl", "daemon-reload"], timeout=120)


def before(member, rows):
    """Take one where a control plane that is there is about to change."""
    touched = [one["resource"] for one in rows if one["resource"].startswith("certificates:") or one["resource"][5:] in member.request["policies"]]
    if member.joined and touched:
        taken(member, "before a change of " + ", ".join(touched))
