# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Sets of etcd that a control plane takes: what is in them, where they go, what stands in the way, and who takes one first."""

from __future__ import annotations

import io
import json
import os
import stat
import tarfile
from pathlib import Path

import pytest

from .conftest import POLICIES, SETTINGS
from .test_member import ENCRYPTION, refused, resources

KEY = "age1u5mxjrddh5w5fexwyxfm6hyv7wdqjdcedrgpmyjnmthwa26hvueszqlfr3"
CONFIG = "/etc/ai-stack/kubernetes/sets.json"
TIMER = "/etc/systemd/system/ai-stack-kubernetes-set.timer"
WANTED = {"recipients": [KEY], "to": "/srv/sets", "own_disk": True, "scratch": "/run/scratch"}


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """A folder of programs: an age that shifts letters, so that what it wrote can be read here."""
    folder = tmp_path / "programs"
    folder.mkdir()

    def program(name, text):
        (folder / name).write_text("#!/bin/sh\n" + text)
        (folder / name).chmod(0o755)

    program("age", 'echo "$@" >"$0.said"; printf "of age: "; exec cat')
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return program


@pytest.fixture
def kept(host, programs):
    """A control plane that takes sets; (the machine, the changed parts of its request)"""
    Path(host.ground.at("/srv/sets")).mkdir(parents=True)
    return host, host.with_sets(**WANTED)


def sets_of(host):
    return sorted(os.listdir(host.ground.at("/srv/sets")))


def opened(path):
    """{name: content} of a set by the age of these tests."""
    data = Path(path).read_bytes()
    assert data.startswith(b"of age: ")
    with tarfile.open(fileobj=io.BytesIO(data[len(b"of age: "):])) as tar:
        return {one.name: tar.extractfile(one).read() for one in tar}


def test_a_set_has_the_snapshot_the_authorities_and_the_key_of_secrets(kept):
    host, wanted = kept
    assert "set:cp1" in resources(host.look(**wanted)["differs"]) and host.apply(**wanted) == {"changed": True}
    (name,) = sets_of(host)
    assert name.startswith("ai-cp1-2") and name.endswith("Z.tar.gz.age")
    found = opened(host.ground.at("/srv/sets/" + name))
    assert found["etcd/snapshot.db"] == b"snapshot of the data" and found["pki/etcd/ca.key"] == b"etcd/ca.key\n"
    assert found["policy/encryption.yaml"].decode() == host.text(ENCRYPTION)
    manifest = json.loads(found["manifest.json"])
    wants = {"cluster": "ai", "host": "cp1", "endpoint": "192.0.2.11:6443", "kubernetes": "1.37.2", "etcd": "3.7.3-0", "revision": 77}
    assert {key: manifest[key] for key in wants} == wants
    assert set(manifest["parts"]) == set(found) - {"manifest.json"}
    assert host.look(**wanted)["differs"] == [] and host.apply(**wanted) == {"changed": False}


def test_a_set_before_a_move_says_the_version_that_runs(kept):
    """By it a restore tells whether the set is for this cluster; what is asked for is the version that it moves to."""
    host, wanted = kept
    host.apply(**wanted)
    host.pods_of_kubeadm("v1.36.4")
    config = json.loads(host.text("/etc/ai-stack/kubernetes/sets.json"))
    row = host.modules.sets.take(host.ground, config, "before a move")
    assert json.loads(opened(host.ground.at("/srv/sets/" + row["name"]))["manifest.json"])["kubernetes"] == "1.36.4"


def test_nobody_else_reads_a_set_and_nothing_in_clear_is_left(kept):
    host, wanted = kept
    host.apply(**wanted)
    path = host.ground.at("/srv/sets/" + sets_of(host)[0])
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert not [one for one in host.files() if "snapshot" in one or one.startswith(("/run/scratch", "/run/ai-stack-kubernetes/etcd"))]
    assert [one[4] for one in host.calls if one[:1] == ["ctr"]].count("mount") in (0, 1) and host.ran("ctr", "--namespace", "k8s.io", "images", "unmount")
    # by public keys alone: nothing secret is on a command line
    said = (Path(host.ground.root) / "programs/age.said").read_text().split()
    assert said == ["--encrypt", "--recipient", KEY]


@pytest.mark.parametrize(("program", "said"), [("etcdctl", "no leader"), ("etcdutl", "integrity check failed")])
def test_a_snapshot_that_is_none_or_not_whole_is_no_set(kept, program, said):
    host, wanted = kept
    host.apply(**wanted)
    before, host.etcd = sets_of(host), {program: (1, said)}
    assert said in refused(host.take, wanted) and sets_of(host) == before
    known = host.modules.sets.state(host.ground)
    assert said in known["failed"]["why"] and known["last"]["name"] == before[0] and "/run/scratch/set" not in str(host.files())
    host.etcd = {}
    host.take(wanted)
    assert host.modules.sets.state(host.ground)["failed"] is None


def test_an_age_that_fails_leaves_no_set(kept, programs):
    host, wanted = kept
    host.apply(**wanted)
    before = sets_of(host)
    programs("age", 'head -c 10 >/dev/null; echo "no such key" >&2; exit 1')
    assert "age failed: no such key" in refused(host.take, wanted) and sets_of(host) == before


def test_as_many_as_wanted_are_kept_and_never_is_the_new_one_dropped(kept):
    host, wanted = kept
    mine = [f"ai-cp1-20260101T00000{number}Z.tar.gz.age" for number in range(4)]
    for name in [*mine, "ai-cp2-20260101T000000Z.tar.gz.age", "notes", ".ai-cp1-20260101T000009Z.tar.gz.age.part", "ai-cp1-29990101T000000Z.tar.gz.age"]:
        host.write("/srv/sets/" + name, "x")
    host.apply(**host.with_sets(**WANTED, keep=2))
    left = sets_of(host)
    new = host.modules.sets.state(host.ground)["last"]["name"]
    # a clock that was wrong once does not cost the one that was just taken
    assert left == sorted(["ai-cp1-29990101T000000Z.tar.gz.age", new, "ai-cp2-20260101T000000Z.tar.gz.age", "notes"])


def test_a_command_of_the_site_gets_the_whole_set_and_its_name(host, programs):
    programs("keep-it", 'cat >"$0.$1"')
    wanted = host.with_sets(recipients=[KEY], to=["keep-it", "{name}"])
    host.apply(**wanted)
    name = host.modules.sets.state(host.ground)["last"]["name"]
    assert opened(Path(host.ground.root) / f"programs/keep-it.{name}")["etcd/snapshot.db"] == b"snapshot of the data"
    programs("keep-it", 'echo "bucket is full"; exit 3')
    assert "keep-it ended with 3: bucket is full" in refused(host.take, wanted)


def test_a_command_gets_no_end_of_what_is_not_whole(host, programs):
    programs("keep-it", 'cat >"$0.part"; mv "$0.part" "$0.whole"')
    programs("age", 'head -c 10; case "$*" in *--recipient*) exit 1 ;; esac')
    wanted = host.with_sets(recipients=[KEY], to=["keep-it"])
    assert "age failed" in refused(host.apply, **wanted) and not (Path(host.ground.root) / "programs/keep-it.whole").exists()


@pytest.mark.parametrize(
    ("changed", "why"),
    [({"to": "/srv/none"}, "/srv/none is no folder that can be written to"), ({"own_disk": False}, "/srv/sets is on a disk of this host"),
     ({"to": ["no-such-program"]}, "there is no program no-such-program")],
    ids=range(3),
)  # fmt: skip
def test_a_place_that_is_none_is_refused_before_anything_changes(kept, changed, why):
    host, before = kept[0], kept[0].files()
    wanted = host.with_sets(**{**WANTED, **changed})
    assert why in refused(host.look, **wanted) == refused(host.apply, **wanted)
    assert host.files() == before and not host.ran("kubeadm")


@pytest.mark.parametrize(
    ("disks", "made", "taken"),
    [({"/srv/sets": 1}, True, True), ({"/srv/sets": 1, "/var/lib/etcd": 1}, True, False), ({"/srv/sets": 1, "/var/lib/etcd": 2}, True, True),
     ({"/srv/sets": 1, "/var/lib": 1}, False, False), ({"/var/lib/etcd": 1}, True, False)],
    ids=str,
)  # fmt: skip
def test_a_disk_of_the_host_or_of_its_etcd_is_no_place_for_sets(kept, monkeypatch, disks, made, taken):
    host, wanted = kept[0], kept[0].with_sets(**{**WANTED, "own_disk": False})
    for path in ("/var/lib", *["/var/lib/etcd"] * made):
        Path(host.ground.at(path)).mkdir(parents=True, exist_ok=True)
    stat = os.stat

    def on_disks(path, **how):
        seen = stat(path, **how)
        # the disk that is mounted nearest above it; that of the root is 0
        at = max((one for one in ["", *disks] if f"{path}/".startswith(host.ground.at(one or "/").rstrip("/") + "/")), key=len, default="")
        return os.stat_result([*seen[:2], disks.get(at, 0), *seen[3:]])

    monkeypatch.setattr(host.modules.kept.os, "stat", on_disks)
    if taken:
        host.look(**wanted)
    else:
        assert "/srv/sets is on a disk of this host" in refused(host.look, **wanted)


@pytest.mark.parametrize(("command", "why"), [("age", "age does not encrypt"), ("systemd-analyze", "systemd does not know the schedule")])
def test_what_a_tool_does_not_take_is_refused_before_anything_changes(kept, command, why):
    host, wanted = kept
    answer = host.answer
    host.answer = lambda words: (1, "malformed recipient") if words[0] == command else answer(words)
    assert why in refused(host.apply, **wanted) and not host.ran("kubeadm")


def test_a_host_without_age_is_to_get_it_first(kept, monkeypatch):
    host, wanted = kept
    monkeypatch.setattr(host.modules.sets.shutil, "which", lambda name: None)
    assert {"program:age", "set:cp1"} <= set(resources(host.look(**wanted)["differs"]))


def test_a_snapshot_that_does_not_fit_is_not_begun(kept, monkeypatch):
    host, wanted = kept
    host.apply(**wanted)
    monkeypatch.setattr(host.modules.sets, "SPARE", 1 << 60)
    calls = len(host.calls)
    assert "scratch names a folder" in refused(host.take, wanted) and not [one for one in host.calls[calls:] if one[0] == "ctr"]


def test_a_change_of_a_control_plane_takes_a_set_first(kept):
    host, wanted = kept
    host.apply(**wanted)
    calls, host.left = len(host.calls), 29
    host.write(POLICIES[0], "{}")
    assert host.apply(**wanted) == {"changed": True}
    reason = host.modules.sets.state(host.ground)["last"]["reason"]
    assert reason == f"before a change of file:{POLICIES[0]}, certificates:cp1"
    names = [one[0].rpartition("/")[2] if "etcd" in one[0] else " ".join(one[:3]) for one in host.calls[calls:]]
    assert names.index("etcdctl") < names.index("kubeadm certs renew")


def test_a_change_without_a_set_is_refused(kept):
    host, wanted = kept
    host.apply(**wanted)
    host.write(POLICIES[0], "{}")
    host.etcd = {"etcdctl": (1, "no leader")}
    said = refused(host.apply, **wanted)
    assert said.startswith("no set of etcd can be taken (before a change of") and "without one nothing is changed" in said and "no leader" in said
    assert host.text(POLICIES[0]) == "{}" and host.look(**wanted)["open"] is None
    # a site without sets changes without them
    assert host.apply(gone=[]) == {"changed": True}


def test_a_cluster_that_was_just_made_stays_where_its_first_set_fails(kept):
    host, wanted = kept
    host.etcd = {"etcdctl": (1, "no leader")}
    assert "no leader" in refused(host.apply, **wanted)
    assert resources(host.look(**wanted)["differs"]) == ["set:cp1"] and host.look(**wanted)["open"] is None and not host.ran("kubeadm", "reset")


def test_a_site_that_wants_no_sets_any_more_keeps_those_it_has(kept):
    host, wanted = kept
    host.apply(**wanted)
    assert "ai-stack-kubernetes-set.timer" in host.units
    assert {"file:" + CONFIG, "file:" + TIMER} < set(resources(host.look()["differs"]))
    assert host.apply() == {"changed": True} and host.look()["differs"] == []
    assert "ai-stack-kubernetes-set.timer" not in host.units and host.text(CONFIG) is None and len(sets_of(host)) == 1


def test_a_control_plane_that_goes_leaves_its_sets(kept):
    host, wanted = kept
    before = host.files()
    host.apply(**wanted)
    host.reset(destroy="ai", **wanted)
    assert [one for one in host.files() if one not in before] == ["/srv/sets/" + sets_of(host)[0]] or len(sets_of(host)) == 1
    assert host.text(CONFIG) is None and host.text(TIMER) is None


def test_the_timer_takes_what_was_told(kept):
    host, wanted = kept
    host.apply(**wanted)
    taken = host.modules.sets.take(host.ground, host.ground.load(CONFIG), "the timer")
    assert taken["reason"] == "the timer" and taken["name"] in sets_of(host) and taken["revision"] == 77
    assert "nothing is told of sets here" in refused(host.modules.sets.take, host.ground, None, "the timer")


def test_a_node_has_no_sets(host):
    assert CONFIG not in host.with_sets("w1", **WANTED)["files"] and SETTINGS["name"] == "ai"


@pytest.mark.parametrize(("name", "to", "said"), [("keep-it", ["keep-it"], "keep-it ended with -9"), ("age", "/srv/sets", "age failed")])
def test_what_hangs_ends_the_set_and_not_the_run(kept, programs, monkeypatch, name, to, said):
    host = kept[0]
    programs("keep-it", "exec cat >/dev/null")
    wanted = host.with_sets(**{**WANTED, "to": to})
    host.apply(**wanted)
    monkeypatch.setattr(host.modules.kept, "LONG", 0.3)
    programs(name, "exec sleep 60")
    assert said in refused(host.take, wanted)
