# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Package sources of a host, and which of the wanted ones it lacks."""

from __future__ import annotations

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import sources

MAIN = """# comment
Types: deb deb-src
URIs: http://mirror.example.org/debian/
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Enabled: no
Types: deb
URIs: http://off.example.org/
Suites: bookworm
Components: main

Types: deb
URIs: https://vendor.example.org/deb
Suites: bookworm
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF
"""
LIST = """deb [arch=amd64,arm64 signed-by=/usr/share/keyrings/x.gpg] http://vendor.example.org/x stable main extra # note
#deb http://off.example.org/ x main
deb-src http://mirror.example.org/debian bookworm main
deb http://mirror.example.org/debian bookworm-security main
deb cdrom-that-is-none
deb file:/srv/packages ./
"""


def test_both_notations_are_read():
    found = sources.parse_deb822(MAIN)
    assert [(each["uris"], each["suites"], each["components"]) for each in found] == [
        (["http://mirror.example.org/debian/"], ["bookworm", "bookworm-updates"], ["main"]), (["https://vendor.example.org/deb"], ["bookworm"], ["main"])]
    assert "BEGIN PGP" in found[1]["options"]["signed-by"]
    found = sources.parse_list(LIST)
    assert [(each["types"][0], each["suites"][0], each["components"]) for each in found] == [
        ("deb", "stable", ["main", "extra"]), ("deb-src", "bookworm", ["main"]), ("deb", "bookworm-security", ["main"]), ("deb", "./", [])]
    assert found[0]["options"] == {"architectures": "amd64 arm64", "signed-by": "/usr/share/keyrings/x.gpg"}


def test_what_is_rendered_is_read_back_the_same():
    for entry in sources.parse_deb822(MAIN) + sources.parse_list(LIST):
        again, = sources.parse_deb822(sources.render(entry))
        assert again == dict(entry, types=["deb"])
        again, = sources.parse_deb822(sources.render(sources.lists_only(entry)))
        assert again["options"] == {**entry["options"], "targets": "Packages", "languages": "none"}


@pytest.mark.parametrize("option, field, value", [
    ("arch=amd64,arm64", "architectures", "amd64 arm64"), ("arch-=i386", "architectures-remove", "i386"), ("lang+=de", "languages-add", "de"),
    ("target=Packages", "targets", "Packages"), ("by-hash=no", "by-hash", "no"),
])
def test_an_option_of_one_line_has_the_name_of_its_field(option, field, value):
    entry, = sources.parse_list(f"deb [ {option} trusted=yes ] http://mirror.example.org/debian bookworm main\n")
    assert entry["options"] == {field: value, "trusted": "yes"}


@pytest.mark.parametrize("name, count", [("/etc/apt/sources.list", 1), ("x.list", 1), ("x.sources", 0), ("x.list.save", 0), ("x.sources.bak", 0), ("x", 0)])
def test_a_file_is_read_by_its_name(name, count):
    assert len(sources.parse(name, "deb http://mirror.example.org/debian bookworm main\n")) == count


@pytest.mark.parametrize("line", ["deb [trusted=yes] file:/srv/packages bookworm/", "deb [allow-insecure=yes] http://mirror.example.org/debian bookworm main"])
def test_nothing_is_added_to_what_takes_no_second_entry(line):
    own = sources.of_distribution(sources.parse_list(line), "bookworm")
    assert own and sources.with_components(own, ["main", "non-free"]) == []


def test_only_the_distributions_own_sources_get_more_components():
    own = sources.of_distribution(sources.parse_deb822(MAIN) + sources.parse_list(LIST), "bookworm")
    assert [each["uris"] for each in own] == [["http://mirror.example.org/debian/"], ["http://mirror.example.org/debian"]]
    added = sources.with_components(own, ["main", "non-free"])
    assert [(each["suites"], each["components"]) for each in added] == [(["bookworm"], ["non-free"]), (["bookworm-updates"], ["non-free"]),
                                                                        (["bookworm-security"], ["non-free"])]
    assert sources.with_components(own + added, ["main", "non-free"]) == []


def test_a_key_written_into_the_source_is_somebody_elses():
    assert len(sources.of_distribution(sources.parse_deb822(MAIN), "bookworm")) == 1


@pytest.mark.parametrize("codename", [None, ""])
def test_a_host_without_a_code_name_has_no_own_sources(codename):
    assert sources.of_distribution(sources.parse_deb822(MAIN), codename) == []


@pytest.mark.parametrize("wanted, lacks", [
    ({"uris": ["http://mirror.example.org/debian"], "suites": ["bookworm"], "components": ["main"]}, False),
    ({"uris": ["http://mirror.example.org/debian/"], "suites": ["bookworm"], "components": ["main", "contrib"]}, True),
    ({"uris": ["http://other.example.org/debian"], "suites": ["bookworm"], "components": ["main"]}, True),
    ({"uris": ["http://other.example.org/flat"], "suites": ["./"], "components": []}, True),
])
def test_a_wanted_source_is_there_or_lacking(wanted, lacks):
    assert sources.lacking(dict(wanted, types=["deb"], options={}), sources.parse_deb822(MAIN)) is lacks


def test_each_repository_that_fails_is_named_with_its_reason(output):
    found = dict(sources.failures(output("apt/update-failures.txt")))
    assert found["http://127.0.0.1:9/deb stable InRelease"] == "Could not connect to 127.0.0.1:9 (127.0.0.1). - connect (111: Connection refused)"
    assert found["http://no-such-host.invalid/deb stable InRelease"] == "Could not resolve 'no-such-host.invalid'"
    assert found["http://mirror.example.org/debian bookworm-of-nobody Release"].startswith("404  Not Found")
    assert "NO_PUBKEY" in found["http://mirror.example.org/debian-security bookworm-security InRelease"]
    assert len(found) == 4


def test_a_fetch_without_failures_names_none():
    assert sources.failures("Hit:1 http://mirror.example.org/debian bookworm InRelease\nReading package lists...\n") == []
