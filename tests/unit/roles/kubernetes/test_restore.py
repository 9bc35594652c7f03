# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A control plane that is made of a set, on a machine that has none; what is no set, or of something else, changes nothing."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path

import pytest

from .conftest import JOINED, Killed
from .test_member import ENCRYPTION, refused, resources

SET = "/run/ai-stack-kubernetes/set.tar.gz"
SETTLED = {"differs": [], "joined": True, "open": None, "moves": False, "cut_off": False}
OLD = "192.0.2.99:6443"
DATA = "/var/lib/etcd/member/snap/db"


@pytest.fixture
def lost(host):
    """A new machine beside a set of a control plane that is gone."""
    small = {name: f"old {name}".encode() for name in host.modules.archive.PLACES}
    host.parts = {"settings": {**host.request()["settings"], "endpoint": OLD}, "cluster": "ai", "endpoint": OLD, "kubernetes": "1.37.1", "etcd": "3.7.2-0",
                  "host": "old", "address": "192.0.2.99", "at": "2026-11-27T20:00:00Z", "reason": "the timer", "revision": 77, "keys": 12}  # fmt: skip
    host.small, host.lost = small, ["old"]
    pack(host)
    return host


def pack(host, **changed):
    snapshot = Path(host.ground.root) / "snapshot"
    snapshot.write_text("snapshot of what was")
    Path(host.ground.at(SET)).parent.mkdir(parents=True, exist_ok=True)
    with open(host.ground.at(SET), "wb") as out:
        host.modules.archive.write(out, {**host.parts, **changed}, host.small, str(snapshot))
    snapshot.unlink()


def again(host, change):
    """The archive with its entries changed: change({name: bytes}) in place."""
    path = Path(host.ground.at(SET))
    with tarfile.open(path) as tar:
        found = {one.name: tar.extractfile(one).read() for one in tar}
    change(found)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in found.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    path.write_bytes(gzip.compress(out.getvalue()))


def test_a_control_plane_is_made_of_a_set(lost):
    answer = lost.apply(restore=SET)
    assert answer["changed"] and {key: answer["restored"][key] for key in ("at", "host", "endpoint")} == {
        "at": "2026-11-27T20:00:00Z", "host": "old", "endpoint": OLD}  # fmt: skip
    assert lost.text(DATA) == "what was" and lost.text("/etc/kubernetes/pki/etcd/ca.key") == "old pki/etcd/ca.key"
    # the key of secrets is that of before; what the inventory says of policies counts
    assert lost.text(ENCRYPTION) == "old policy/encryption.yaml" and lost.text("/etc/kubernetes/policy/audit.yaml") != "old policy/audit.yaml"
    assert lost.lost == [] and any("rollout" in one for one in lost.calls)
    assert lost.look() == SETTLED == lost.look(restore=SET)


def test_etcd_comes_back_under_a_token_of_its_own_with_higher_revisions(lost, monkeypatch):
    monkeypatch.setattr(lost.modules.restore.time, "time", lambda: 1795809600 + 3600)
    lost.apply(restore=SET)
    names = [" ".join(one[:2]) if "etcdutl" not in one[0] else "etcdutl" for one in lost.calls]
    assert names.index("etcdutl") < names.index("kubeadm init", names.index("etcdutl"))
    words = next(one for one in lost.calls if "restore" in one)
    said = dict(zip(words, words[1:], strict=False))
    assert said["--name"] == "cp1" and said["--initial-cluster"] == "cp1=https://192.0.2.11:2380" and said["--bump-revision"] == str(10**9 + 3600 * 10**4)
    assert "--mark-compacted" in words and said["--initial-cluster-token"].startswith("ai-stack-") and len(said["--initial-cluster-token"]) == 25


def test_keys_are_for_root_alone_and_nothing_else_in_clear_is_left(lost):
    lost.apply(restore=SET)
    modes = {path: lost.ground.known(f"/etc/kubernetes/pki/{path}")["mode"] for path in ("ca.crt", "ca.key", "sa.key", "etcd/ca.key", "sa.pub")}
    assert modes == {"ca.crt": 0o644, "ca.key": 0o600, "sa.key": 0o600, "etcd/ca.key": 0o600, "sa.pub": 0o644}
    assert not Path(lost.ground.at("/var/lib/ai-stack/kubernetes/restore")).exists()


def spoiled(name):
    return lambda found: found.update({name: found[name][:-1] + b"?"})


@pytest.mark.parametrize(
    ("change", "why"),
    [(spoiled("etcd/snapshot.db"), "not as it was taken: etcd/snapshot.db"), (spoiled("pki/ca.key"), "not as it was taken: pki/ca.key"),
     (lambda found: found.pop("policy/encryption.yaml"), "not as it was taken: policy/encryption.yaml"),
     (lambda found: found.update({"../../etc/shadow": b"x"}), "has '../../etc/shadow', which no set has"),
     (lambda found: found.pop("manifest.json"), "does not say what it is of"),
     (lambda found: found.update({"manifest.json": b"[]"}), "does not say what it is of"),
     (lambda found: found.update({"manifest.json": found["manifest.json"].replace(b'"format": 1', b'"format": 2')}), "another format"),
     (lambda found: found.update({"pki/ca.crt": b"x" * (5 << 20)}), "pki/ca.crt is too large")],
    ids=range(8),
)  # fmt: skip
def test_a_set_that_is_not_as_it_was_taken_changes_nothing(lost, change, why):
    again(lost, change)
    before = lost.files()
    assert why in refused(lost.look, restore=SET) == refused(lost.apply, restore=SET)
    assert lost.files() == before and not lost.ran("kubeadm")


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"age-encryption.org/v1\n-> X25519 x\n", "the set is still encrypted"), (b"hello", "it is no set, or not all of one"),
     (None, "it is no set, or not all of one")],
    ids=["encrypted", "text", "cut"],
)  # fmt: skip
def test_a_file_that_is_no_set_changes_nothing(lost, content, why):
    path = Path(lost.ground.at(SET))
    path.write_bytes(path.read_bytes()[:300] if content is None else content)
    before = lost.files()
    assert why in refused(lost.apply, restore=SET) and lost.files() == before


@pytest.mark.parametrize(
    ("changed", "why"),
    [({"cluster": "other"}, "it is a set of cluster other, and this is ai"),
     ({"kubernetes": "1.36.4"}, "it is of Kubernetes 1.36.4, and this host gets 1.37.2"),
     ({"settings": {}}, "its cluster was made with pods: None")],
    ids=range(3),
)  # fmt: skip
def test_a_set_of_something_else_is_refused(lost, changed, why):
    pack(lost, **changed)
    before = lost.files()
    assert why in refused(lost.apply, restore=SET) and lost.files() == before and not lost.ran("kubeadm")


@pytest.mark.parametrize(
    ("path", "why"), [(DATA, "something of another cluster is left here"), ("/etc/kubernetes/manifests/etcd.yaml", "something of another cluster")]
)
def test_a_machine_that_has_something_of_a_cluster_is_left_alone(lost, path, why):
    lost.write(path, "x")
    assert why in refused(lost.apply, restore=SET) and lost.text(path) == "x"


def test_a_cluster_that_is_there_is_not_overwritten(lost):
    lost.apply()
    data = lost.text(DATA)
    assert "this host has a cluster already" in refused(lost.look, restore=SET) == refused(lost.apply, restore=SET) and lost.text(DATA) == data


def test_a_worker_is_no_place_for_a_set(lost):
    assert "for the control plane of a cluster" in refused(lost.look, "w1", restore=SET)


def test_a_restore_that_fails_is_taken_back_whole(lost):
    before, lost.fails = lost.files(), "init"
    assert "this host is no member of the cluster, as before" in refused(lost.apply, restore=SET)
    assert lost.files() == before and lost.look()["open"] is None and lost.modules.restore.former(lost.ground) == {}
    lost.fails = None
    assert lost.apply(restore=SET)["restored"]["host"] == "old"


@pytest.mark.parametrize("where", ["restore", "init"])
def test_a_restore_that_was_cut_off_is_begun_again_and_nothing_else_is(lost, where):
    lost.dies = where
    with pytest.raises(Killed):
        lost.apply(restore=SET)
    lost.dies = None
    # an empty cluster in its place would be the end of it
    assert "a restore was cut off on this host" in refused(lost.look) == refused(lost.apply)
    assert lost.look(restore=SET)["joined"] is False
    assert lost.apply(restore=SET)["changed"] and lost.text(DATA) == "what was" and len(lost.ran("kubeadm", "reset")) == 1
    assert lost.look() == SETTLED


def test_a_restore_that_was_cut_off_before_kubeadm_leaves_no_room_for_an_empty_cluster(lost, monkeypatch):
    written = lost.modules.applying.written

    def dies(member):
        member.ledger.step("files")
        raise Killed

    monkeypatch.setattr(lost.modules.applying, "written", dies)
    with pytest.raises(Killed):
        lost.apply(restore=SET)
    monkeypatch.setattr(lost.modules.applying, "written", written)
    assert "a restore was cut off on this host" in refused(lost.look) == refused(lost.apply)
    assert lost.apply(restore=SET)["changed"] and lost.text(DATA) == "what was"


def test_what_others_keep_beside_the_data_of_etcd_stays(host):
    host.write("/var/lib/etcd/default/member/snap/db", "of somebody else")
    host.apply("w1")
    host.reset("w1")
    assert host.text("/var/lib/etcd/default/member/snap/db") == "of somebody else"


@pytest.fixture
def node(lost):
    """A node of before, whose API is gone, and what the new control plane tells of it."""
    lost.apply(restore=SET)
    former = lost.modules.server.told(lost.ground)["former"]
    assert list(former) == [OLD]
    for path in (JOINED, "/etc/kubernetes/admin.conf", "/etc/kubernetes/manifests/kube-apiserver.yaml", "/etc/kubernetes/manifests/etcd.yaml"):
        lost.ground.remove(path)
    lost.write(JOINED, f"clusters:\n- cluster:\n    server: https://{OLD}\nusers: []\n")
    lost.write("/etc/kubernetes/pki/ca.crt", "old pki/ca.crt")
    return lost, former


def test_a_node_of_before_follows_to_where_the_api_is(node):
    host, former = node
    assert "endpoint:w1" in resources(host.look("w1", former=former)["differs"])
    host.apply("w1", former=former)
    assert "server: https://192.0.2.11:6443\nusers" in host.text(JOINED) and not host.ran("kubeadm", "join")
    assert host.ran("systemctl", "restart", "kubelet.service")
    assert host.look("w1", former=former)["differs"] == [] == host.look("w1")["differs"]


def test_a_node_of_another_cluster_does_not_follow(node):
    host, former = node
    host.write("/etc/kubernetes/pki/ca.crt", "another authority")
    assert "this host has joined the cluster at 192.0.2.99:6443" in refused(host.look, "w1", former=former) == refused(host.look, "w1")


def test_the_same_endpoint_has_nobody_follow_and_pods_left_alone(lost):
    pack(lost, endpoint="192.0.2.11:6443")
    lost.apply(restore=SET)
    assert not any("rollout" in one for one in lost.calls) and json.loads(lost.text("/var/lib/ai-stack/kubernetes/restored.json"))["host"] == "old"
