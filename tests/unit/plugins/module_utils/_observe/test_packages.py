# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""When the package manager is asked, with which sources, and who sees the passwords."""

from __future__ import annotations

import base64
import os
import stat

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe import apt, apt_scratch, apt_view, dnf, packages
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import sources

THERE = {"a": {"version": "1"}, "b": {"version": "2"}}
SITE = {
    "name": "site",
    "type": "deb",
    "uris": ["http://mirror.example.org/site"],
    "suites": ["stable"],
    "components": ["main"],
    "login": "reader",
    "password": "pa55word",
}
SOURCES = "Types: deb\nURIs: http://mirror.example.org/site\nSuites: stable\nComponents: main"
# One H100, of which nobody said anything.
CARDS = {"cards": {"nvidia": {"10de:2331"}}, "refusals": []}
SECURE = dict(SITE, name="secure", uris=["https://mirror.example.org/secure"])


@pytest.mark.parametrize(
    "requests, mode, asked",
    [
        ({"one": {"a": "1"}, "two": {"c": "1"}}, "auto", []),
        ({"one": {"a": "2"}, "two": {"c": "1"}}, "auto", ["one", "two"]),
        ({"one": {"a": "1"}, "two": {"c": "1"}}, "always", ["two"]),
        ({"one": {"a": "2"}}, "never", []),
        ({}, "auto", []),
        ({"one": {"a": "1", "b": "2"}}, "auto", []),
        ({"one": {"a": "1", "b": "3"}}, "auto", ["one"]),
    ],
    ids=str,
)
def test_a_set_that_is_there_costs_no_simulation(requests, mode, asked):
    options = {"simulate": mode, "decided": {}, "sets": dict.fromkeys(requests, {"packages": []}), "proven": {}, **CARDS}
    assert packages._to_simulate(requests, THERE, options) == asked


@pytest.mark.parametrize(
    "proven, decided, asked",
    [({"a": "1", "b": "2"}, {}, []), ({"a": "1"}, {}, ["one"]), ({}, {}, ["one"]), ({"a": "1", "b": "2"}, {"one": {"a": "2"}}, ["one"])],
    ids=["proven", "half proven", "never proven", "decided anew"],
)
def test_a_newer_offer_moves_no_set_that_was_proven(proven, decided, asked):
    options = {"simulate": "auto", "decided": decided, "sets": {"one": {"packages": ["a", "b"]}}, "proven": proven, **CARDS}
    assert packages._to_simulate({"one": {"a": "2", "b": "3"}}, THERE, options) == asked


def sets_options(**more):
    definition = {"vendor": "nvidia", "module": "m", "build": "dkms", "packages": ["m", "u"], "companions": [], "fabric_manager": None}
    return dict({"sets": {"s": definition}, "extra": ["gcc"], "with_switch": False, "decided": {}, "proven": {}, "simulate": "auto", **CARDS}, **more)


class Tool:
    def __init__(self):
        self.asked, self.weighed = [], []

    def simulate(self, request):
        self.asked.append(request)
        return {"ok": True}

    def weigh(self, simulations):
        self.weighed.append(len(simulations))


def ask(offered, **more):
    tool = Tool()
    found = packages._sets(lambda names: {name: offered.get(name, []) for name in names}, tool, {}, sets_options(**more))
    assert tool.weighed == [1]
    return found, tool.asked


OFFERED = {"m": [{"version": "535.2-1"}, {"version": "535.1-1"}], "u": [{"version": "535.2-1"}], "gcc": [{"version": "12"}]}


def test_a_set_is_simulated_with_its_tools():
    found, asked = ask(OFFERED)
    assert asked == [{"m": "535.2-1", "u": "535.2-1", "gcc": "12"}]
    assert found["tools"] == {"gcc": [{"version": "12"}]}
    assert found["sets"]["s"]["versions"] == {"m": OFFERED["m"], "u": OFFERED["u"]}


def test_what_is_decided_is_what_is_simulated():
    assert ask(OFFERED, decided={"s": {"m": "535.1-1"}})[1] == [{"m": "535.1-1"}]


REFUSAL = {"ids": ["10de:2331"], "open": [], "proprietary": []}


@pytest.mark.parametrize(
    "refusal, decided, times",
    [
        ({}, {}, 1),
        ({"proprietary": ["535"]}, {}, 0),
        ({"proprietary": None}, {}, 0),
        ({"proprietary": ["550"]}, {}, 1),
        ({"open": None}, {}, 1),
        ({"proprietary": None, "ids": ["10de:102d"]}, {}, 1),
        ({"proprietary": ["535"]}, {"s": {"m": "535.1-1"}}, 1),
    ],
    ids=["nothing refused", "the branch", "the flavour", "another branch", "another flavour", "another card", "decided all the same"],
)
def test_a_set_that_no_card_takes_costs_no_simulation_but_is_told(refusal, decided, times):
    tool, options = Tool(), sets_options(refusals=[{**REFUSAL, **refusal}], decided=decided)
    options["sets"]["s"]["flavour"] = "proprietary"
    found = packages._sets(lambda names: {name: OFFERED.get(name, []) for name in names}, tool, {}, options)
    assert len(tool.asked) == times
    assert found["sets"]["s"]["versions"]["m"] == OFFERED["m"]
    assert (found["sets"]["s"]["simulation"] is None) is (times == 0)


def test_a_set_with_a_missing_package_is_refused_by_name():
    found, asked = ask({"m": OFFERED["m"]})
    simulation = found["sets"]["s"]["simulation"]
    assert (asked, simulation["ok"], simulation["message"]) == ([], False, "no source offers u")


@pytest.mark.parametrize("name, kind", [("hgx-h100", "apt"), ("container", "dnf"), ("b200-bridge", "none")])
def test_the_package_manager_is_told(tree, name, kind):
    assert packages.manager(tree(name)) == kind


def view(root, **more):
    return apt_view.AptView(root, dict({"codename": "bookworm", "repositories": [], "components": [], "seconds": 5}, **more))


@pytest.mark.parametrize(
    "more, missing",
    [
        ({}, False),
        ({"components": ["main"]}, False),
        ({"components": ["main", "non-free"]}, True),
        ({"repositories": [SITE]}, True),
        ({"repositories": [dict(SITE, uris=["http://mirror.example.org/debian/"], suites=["bookworm"])]}, True),
        ({"repositories": [dict(SITE, type="rpm")]}, False),
    ],
    ids=["nothing wanted", "component there", "component missing", "repository missing", "repository in a file that is not ours", "other manager's"],
)
def test_a_scratch_configuration_is_made_only_where_a_source_is_missing(tree, more, missing):
    assert view(tree("hgx-h100"), **more).missing is missing


@pytest.mark.parametrize(
    ("sources", "login", "expected"),
    [
        (None, None, False),
        (SOURCES, None, False),
        (SOURCES, "login reader password of-yesterday", False),
        (SOURCES, "login reader password pa55word", True),
        (SOURCES.replace("stable", "old"), "login reader password pa55word", False),
    ],
    ids=["nothing", "no login", "old password", "all of it", "another suite"],
)
def test_a_repository_is_set_up_when_it_has_the_login_of_today(tree, sources, login, expected):
    root = tree("hgx-h100")
    for path, text in (("sources.list.d/ai-stack-site.sources", sources), ("auth.conf.d/ai-stack-site.conf", login)):
        if text:
            os.makedirs(os.path.dirname("%s/etc/apt/%s" % (root.path, path)), exist_ok=True)
            with open("%s/etc/apt/%s" % (root.path, path), "w", encoding="utf-8") as stream:
                stream.write("# managed\n" + ("machine http://mirror.example.org/site " if text == login else "") + text + "\n")
    found = view(root, repositories=[SITE])
    assert {each["name"]: each["set_up"] for each in found.report()}["site"] is expected
    assert found.missing is not expected


def test_without_package_lists_a_scratch_configuration_is_made(tree):
    assert view(tree("run-file")).missing is True


def test_a_folder_of_packages_is_found_where_the_role_put_it(tree):
    root = tree("hgx-h100")
    folder = {"name": "local", "type": "folder", "path": "/on/the/controller"}
    assert view(root, repositories=[folder]).missing is True
    with open(root.path + "/etc/apt/sources.list.d/ai-stack-local.sources", "w", encoding="utf-8") as stream:
        stream.write("Types: deb\nURIs: file:/var/lib/ai-stack/packages/local\nSuites: ./\nTrusted: yes\n")
    found = view(root, repositories=[folder])
    assert found.missing is False
    assert found.named()[("file:/var/lib/ai-stack/packages/local", "./")] == "local"


def test_offers_carry_the_name_of_the_sites_repository(tree, output):
    found = view(tree("hgx-h100"), repositories=[dict(SITE, uris=["http://mirror.example.org/debian-security"], suites=["bookworm-security"])])

    class Tool:
        @staticmethod
        def policy(names):
            return apt.dpkg.policy(output("apt/policy-bookworm.txt"))

    found.tool = Tool
    assert found.offers(["nvidia-smi", "no-such"]) == {
        "no-such": [],
        "nvidia-smi": [
            {"version": "535.309.01-0+deb12u1", "origin": "site", "repository": "site"},
            {"version": "535.261.03-1", "origin": "bookworm", "repository": "distribution"},
        ],
    }


def test_a_repository_that_does_not_answer_is_reported_with_its_reason(tree):
    found = view(tree("hgx-h100"), repositories=[SITE])
    assert [each["reachable"] for each in found.report()] == [None, None]
    found.failed = [("http://mirror.example.org/site stable InRelease", "Could not connect")]
    assert [(each["name"], each["reachable"], each["message"]) for each in found.report()] == [
        ("distribution", True, None),
        ("site", False, "Could not connect"),
    ]


def test_passwords_go_into_one_file_that_root_alone_can_read(tmp_path, tree, monkeypatch):
    monkeypatch.setattr(apt_scratch, "LISTS", str(tmp_path / "none"))
    place = tmp_path / "place"
    place.mkdir()
    apt_scratch.folders(str(place))
    entries = view(tree("hgx-h100"), repositories=[SITE, SECURE]).all_entries(str(place))
    apt_scratch.prepare(str(place), entries, [SITE, SECURE], 5)
    readable = [path for path in place.rglob("*") if path.is_file() and stat.S_IMODE(path.stat().st_mode) & 0o077]
    assert readable
    assert not any(secret in path.read_text() for path in readable for secret in ("pa55word", "secret"))
    text = (place / "auth.conf").read_text()
    assert text == ("machine http://mirror.example.org/site login reader password pa55word\nmachine mirror.example.org/secure login reader password pa55word\n")


def test_hooks_and_folders_of_the_host_are_left_out(tmp_path, monkeypatch):
    dump = (
        'APT::Architecture "amd64";\nAPT::Update::Post-Invoke:: "rm -rf /x";\n'
        'DPkg::Post-Invoke:: "y";\nDir::Cache "var/cache/apt/";\nAcquire::http::Proxy "z";\n'
    )
    monkeypatch.setattr(apt_scratch, "LISTS", str(tmp_path / "none"))
    monkeypatch.setattr(apt_scratch, "run", lambda command, seconds: type("Answer", (), {"out": dump}))
    apt_scratch.folders(str(tmp_path))
    text = open(apt_scratch.prepare(str(tmp_path), [], [], 5), encoding="utf-8").read()
    assert "Post-Invoke" not in text
    assert "var/cache" not in text
    assert 'Acquire::http::Proxy "z";' in text
    assert 'Dir::State::lists "%s/lists";' % tmp_path in text


def test_what_came_along_with_a_repository_lies_in_the_scratch_folder(tmp_path):
    apt_scratch.folders(str(tmp_path))
    entry = apt_scratch.intended(dict(SITE, key=base64.b64encode(b"-----BEGIN PGP").decode()), str(tmp_path))
    assert open(entry["options"]["signed-by"], "rb").read() == b"-----BEGIN PGP"
    folder = {"name": "local", "type": "folder", "path": "/x", "index": {"Packages": base64.b64encode(b"Package: x\n").decode(), "../../../evil": "eA=="}}
    entry = apt_scratch.intended(folder, str(tmp_path))
    assert open(entry["uris"][0][len("file:") :] + "/Packages", "rb").read() == b"Package: x\n"
    assert not os.path.exists(tmp_path.parent / "evil")
    assert "Trusted: yes" in sources.render(entry)


@pytest.mark.parametrize("err, code, runs", [("", 0, 1), ("E: held broken packages", 100, 1), ("Permission denied", 100, 2), ("setgroups", None, 2)])
def test_apt_looks_as_nobody_so_that_it_writes_no_cache(monkeypatch, err, code, runs):
    asked = []

    def run(command, seconds, prepare, folder):
        asked.append((prepare, command))
        return type("Answer", (), {"code": code, "out": "", "err": err})

    monkeypatch.setattr(apt, "run", run)
    apt.Apt(5).simulate({"a": "1"})
    assert [prepare for prepare, _command in asked] == [apt.as_nobody, None][:runs]
    assert all("Dir::Cache::pkgcache=" in command for prepare, command in asked if prepare is None)


def test_sizes_of_all_simulations_are_one_question(monkeypatch, output):
    asked = []
    tool = apt.Apt(5)
    monkeypatch.setattr(tool, "_cache", lambda *words: asked.append(words) or type("Answer", (), {"out": output("apt/show.txt")}))
    smi, ml = {"nvidia-smi": "535.309.01-0+deb12u1"}, {"libnvidia-ml1": "535.309.01-0+deb12u1"}
    simulations = [{"install": smi}, {"install": dict(smi, **ml)}, {"install": {}}]
    tool.weigh(simulations)
    assert asked == [("show", "libnvidia-ml1=535.309.01-0+deb12u1", "nvidia-smi=535.309.01-0+deb12u1")]
    assert [each["download_bytes"] for each in simulations] == [390600, 390600 + 689424, 0]


def test_a_lock_is_told_with_its_holder(tmp_path, monkeypatch):
    import fcntl

    from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.root import Root

    path = tmp_path / "lock"
    path.write_text("")
    monkeypatch.setattr(apt, "LOCKS", (str(path),))
    assert apt.lock(Root("/")) == "free"
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        with open(path, "r+b") as stream:
            fcntl.lockf(stream, fcntl.LOCK_EX)
            os.write(writer, b"x")
            os.read(os.pipe()[0], 1)
        os._exit(0)
    os.read(reader, 1)
    try:
        assert apt.lock(Root("/")).startswith("held by pid %d (" % child)
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


def test_dnf_sees_the_sites_repository_only_where_it_is_configured(tree, tmp_path):
    root = tree("container")
    options = {"repositories": [dict(SITE, type="rpm")], "seconds": 5}
    assert dnf.DnfView._is_there(type("View", (), {"root": root}), options["repositories"][0]) is False
    os.makedirs(root.path + "/etc/yum.repos.d")
    with open(root.path + "/etc/yum.repos.d/ai-stack-site.repo", "w", encoding="utf-8") as stream:
        stream.write("[ai-stack-site]\nname=x\nbaseurl=http://mirror.example.org/site\nusername=site\npassword=of-yesterday\n")
    assert dnf.DnfView._is_there(type("View", (), {"root": root}), options["repositories"][0]) is False
    with open(root.path + "/etc/yum.repos.d/ai-stack-site.repo", "w", encoding="utf-8") as stream:
        stream.write(dnf._section(options["repositories"][0], str(tmp_path)))
    assert dnf.DnfView._is_there(type("View", (), {"root": root}), options["repositories"][0]) is True
    assert "password=pa55word" in dnf._section(options["repositories"][0], str(tmp_path))
