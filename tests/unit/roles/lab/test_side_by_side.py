# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Two labs on one machine leave each other alone, and a cloud's hosts start from what was kept of them. podman is a small stand-in here."""

from __future__ import annotations

import importlib.util
import json
import types

import pytest
from lab import engine, host, kubernetes, network, openstack, parts, repository

SPEC = importlib.util.spec_from_file_location("lab_program", parts.FILES / "controller/lab.py")
program = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(program)


class Podman:
    """Containers and images as podman tells of them, and every command that was given."""

    def __init__(self):
        self.containers, self.images, self.said = {}, {}, []

    def add(self, name, lab):
        self.containers[name] = lab

    def __call__(self, *words, **options):
        self.said.append((*words, options["stdin"]) if options.get("stdin") else words)
        return types.SimpleNamespace(returncode=0, stderr="", stdout=getattr(self, "_" + words[0], lambda *_rest: "")(*words[1:]))

    def _ps(self, *words):
        wanted = next(word for word in words if word.startswith("label=")).partition("=")[2]
        return json.dumps([{"Names": [name], "Id": name, "State": "running", "Labels": {lab: ""}} for name, lab in self.containers.items() if lab == wanted])

    def _rm(self, *words):
        for name in words:
            self.containers.pop(name, None)
        return ""

    def _image(self, *words):
        return self.images.get(words[-1], "")

    def _commit(self, *words):
        self.images[words[-1]] = words[words.index("--change") + 1].split("=")[1]
        return ""

    def _exec(self, *words):
        return json.dumps({"shared": 1}) if "cat" in words else ""


@pytest.fixture
def podman(monkeypatch):
    stand_in = Podman()
    monkeypatch.setattr(engine, "podman", stand_in)
    monkeypatch.setattr(network, "down", lambda *_words: [])
    return stand_in


def site(tmp_path, network="one", **more):
    hosts = {name: {"suite": suite, "kernel": "amd64", "address": "10.74.0.%d" % n} for n, (name, suite) in enumerate(more.pop("hosts", {}).items())}
    place = {"cache": tmp_path, "network": network, "subnet": "10.74.0.0/24"}
    return {**place, "repository": {}, "kubernetes": {}, "release": "", "hosts": hosts, "machines": dict.fromkeys(hosts), **more}


def test_a_lab_sees_its_own_containers_only(podman):
    podman.add("gpu-1", "one")
    podman.add("controller", "two")
    assert set(engine.containers("one")) == {"gpu-1"}


def test_what_a_lab_starts_has_its_label(podman, tmp_path, monkeypatch):
    monkeypatch.setattr(host, "wait", lambda *_words: None)
    monkeypatch.setattr(host, "write_description", lambda *_words: "machine")
    facts = {"address": "10.74.0.1", "image": "image", "suite": "trixie"}
    host.up(tmp_path, "controller", facts, "two", {"name": "controller"}, None)
    label = next(words[words.index("--label") + 1] for words in podman.said if words[0] == "run")
    assert label == "two=" + host.wanted(tmp_path, "controller", facts, "two")[1]


def test_taking_a_lab_away_leaves_the_other_one(podman, tmp_path):
    podman.add("gpu-1", "one")
    podman.add("left", "one")
    podman.add("controller", "two")
    for name in ("gpu-1", "left", "controller"):
        host.folder(tmp_path, name).mkdir(parents=True)
    program.down(site(tmp_path, hosts={"gpu-1": "trixie"}))
    assert set(podman.containers) == {"controller"}
    assert [path.name for path in sorted((tmp_path / "hosts").iterdir())] == ["controller"]


def test_hosts_of_a_lab_do_not_wait_for_images_of_another(tmp_path, monkeypatch):
    monkeypatch.setattr(program, "LOCK_SECONDS", 1)
    with program.alone(site(tmp_path), "make"), program.alone(site(tmp_path), "up"), program.alone(site(tmp_path, network="two"), "up"):
        pass


@pytest.mark.parametrize(("first", "second"), [("make", "make"), ("up", "up"), ("up", "down"), ("down", "up")])
def test_what_would_meet_waits(tmp_path, monkeypatch, first, second):
    monkeypatch.setattr(program, "LOCK_SECONDS", 1)
    with program.alone(site(tmp_path), first), pytest.raises(engine.Failed, match="holds the lab's lock.*process"), program.alone(site(tmp_path), second):
        pass


def test_every_lab_has_a_repository_of_its_own():
    assert repository.name("ai-stack-lab") == "ai-stack-lab-repository"
    assert repository.up(None, {}, "two", {}, None) == []


@pytest.mark.parametrize(("settings", "found"), [({}, ["left", "one-repository"]), ({"address": "10.74.0.2"}, ["left"])])
def test_a_repository_that_nobody_wants_any_more_is_a_stranger(tmp_path, settings, found):
    there = {"gpu-1": {}, "left": {}, "one-repository": {}}
    assert program._strangers(site(tmp_path, hosts={"gpu-1": "trixie"}, repository=settings), there) == found


def test_a_mirror_that_nobody_wants_any_more_is_a_stranger(tmp_path):
    there = {"one-mirror": {}}
    assert program._strangers(site(tmp_path), there) == ["one-mirror"]
    assert program._strangers(site(tmp_path, kubernetes={"address": "10.74.0.2", "versions": []}), there) == []


def test_a_lab_without_a_cluster_does_not_wait_for_the_programs_of_one(tmp_path, monkeypatch):
    def held(_site):
        raise AssertionError("a build of another lab is waited for")

    monkeypatch.setattr(kubernetes, "alone", held)
    assert kubernetes.make({"cache": tmp_path, "kubernetes": {}}) == []


def test_only_a_node_may_do_everything(tmp_path):
    facts = {"address": "10.74.0.1", "image": "image"}
    assert "--privileged" in host.arguments(tmp_path, "a", {**facts, "suite": "kubernetes-node"}, "one")
    assert "--privileged" not in host.arguments(tmp_path, "a", {**facts, "suite": "trixie"}, "one")


HOSTS = {"compute1": "openstack-compute", "controller": "openstack-controller"}


@pytest.fixture
def cloud(podman, tmp_path, monkeypatch):
    monkeypatch.setattr(host, "up", lambda cache, name, facts, *_rest: podman.said.append(("up", name, facts["image"])))
    return site(tmp_path, hosts=HOSTS, cloud={"controller": "controller", "computes": ["compute1"]})


def test_a_cloud_is_set_up_once_and_kept(cloud, podman):
    podman.add("compute1", "one")
    assert openstack.look(cloud) == openstack.keep(cloud) == ["cloud of controller compute1 set up from nothing"]
    said = [words for words in podman.said if words[0] in ("rm", "up", "exec", "stop", "commit")]
    assert said[0] == ("rm", "--force", "--time", "0", "compute1")
    assert {words[2] for words in said if words[0] == "up"} == {"localhost/ai-stack-lab:openstack-compute", "localhost/ai-stack-lab:openstack-controller"}
    assert [(words[1], words[-1]) for words in said if "compute" in words] == [("--interactive", json.dumps({"shared": 1}))]
    assert [words[0] for words in said].index("stop") > [i for i, words in enumerate(said) if "healthy" in words][0]
    assert set(podman.images) == {"localhost/ai-stack-lab:one-controller", "localhost/ai-stack-lab:one-compute1"}
    podman.said.clear()
    assert openstack.look(cloud) == openstack.keep(cloud) == []
    assert not [words for words in podman.said if words[0] != "image"]


@pytest.mark.parametrize("change", ["address", "base", "program"])
def test_what_was_kept_is_made_anew_when_something_in_it_changes(cloud, podman, monkeypatch, change):
    openstack.keep(cloud)
    if change == "address":
        cloud["hosts"]["compute1"]["address"] = "10.74.0.99"
    elif change == "base":
        podman.images["localhost/ai-stack-lab:openstack-compute"] = "another"
    else:
        monkeypatch.setattr(parts, "digest", lambda *_places, extra: "another")
    assert openstack.look(cloud)


def test_a_published_release_is_laid_over_the_hosts_of_a_cloud_once(cloud, podman, tmp_path, monkeypatch):
    (tmp_path / "pins.txt").write_text("# what they import\nlegacy-cgi==2.6.4 ; python_version >= '3.13'\n")
    cloud["release"] = str(tmp_path / "release.txt")
    (tmp_path / "release.txt").write_text("-r pins.txt\nnova==34.0.0\n")
    fetched = []
    monkeypatch.setattr(engine, "run", lambda *words, **_more: fetched.append(words) or words[words.index("--dest") + 1].mkdir(parents=True))
    podman._run = lambda *_words: "3.13\n"
    podman._build = lambda *words: podman.images.update({words[words.index("--tag") + 1]: words[words.index("--label") + 1].split("=")[1]}) or ""
    images = ["localhost/ai-stack-lab:openstack-compute-release", "localhost/ai-stack-lab:openstack-controller-release"]
    assert openstack.release(cloud) == ["image " + name for name in images]
    assert [words[-2:] for words in fetched] == [("legacy-cgi==2.6.4", "nova==34.0.0")]
    assert openstack.release(cloud) == []
    openstack.keep(cloud)
    assert sorted({words[2] for words in podman.said if words[0] == "up"}) == images
    cloud["release"] = ""
    assert openstack.release(cloud) == []


def test_logins_reach_this_machine_readable_by_their_owner_alone(cloud, podman, tmp_path):
    folder = host.folder(tmp_path, "controller")
    folder.mkdir(parents=True)
    podman._exec = lambda *words: "cacert: %s\n" % openstack.SYSTEM_AUTHORITIES if words[-1] == openstack.LOGINS else "authority\n"
    assert len(openstack.up(cloud, 0)) == 2
    assert openstack.up(cloud, 0) == []
    assert (folder / "clouds.yaml").read_text() == "cacert: %s/ca.crt\n" % folder
    assert (folder / "clouds.yaml").stat().st_mode & 0o777 == 0o600


def test_a_site_without_a_cloud_has_nothing_to_wait_for(podman, tmp_path):
    plain = site(tmp_path, hosts={"gpu-1": "trixie"}, cloud=None)
    assert openstack.look(plain) == openstack.keep(plain) == openstack.up(plain, 1) == []
    assert openstack.image(plain, "gpu-1") is None
    assert openstack.verify(plain) is None
    assert podman.said == []
