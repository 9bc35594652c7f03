# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Repositories as files: each manager gets its own, and a password stands where root alone reads."""

from __future__ import annotations

import base64

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import repository_files, sources

KEY = base64.b64encode(b"-----BEGIN PGP PUBLIC KEY BLOCK-----").decode()
DEB = {"name": "site", "type": "deb", "uris": ["https://mirror.example.org/debian"], "suites": ["trixie"], "components": ["main"],
       "signed_by": "files/site.asc", "key": KEY}  # fmt: skip
RPM = {"name": "site", "type": "rpm", "uris": ["https://mirror.example.org/rhel9"], "signed_by": "/etc/pki/rpm-gpg/site", "login": "us", "password": "xyzzy"}


def test_apt_reads_what_is_written():
    found = repository_files.files("apt", DEB)
    text, mode = found["/etc/apt/sources.list.d/ai-stack-site.sources"]
    (entry,) = sources.parse_deb822(text.decode())
    assert (entry["uris"], entry["suites"], entry["components"]) == (DEB["uris"], DEB["suites"], DEB["components"])
    assert entry["options"] == {"signed-by": "/etc/apt/keyrings/ai-stack-site.asc"} and mode == 0o644
    assert found["/etc/apt/keyrings/ai-stack-site.asc"] == (b"-----BEGIN PGP PUBLIC KEY BLOCK-----", 0o644)


def test_a_key_of_the_host_stays_where_it_is():
    row = {key: value for key, value in DEB.items() if key not in ("key", "components")}
    found = repository_files.files("apt", {**row, "signed_by": "/usr/share/keyrings/site.gpg", "suites": ["./"]})
    assert list(found) == ["/etc/apt/sources.list.d/ai-stack-site.sources"]
    assert b"Signed-By: /usr/share/keyrings/site.gpg\n" in found["/etc/apt/sources.list.d/ai-stack-site.sources"][0]


def test_a_login_is_for_root_alone():
    found = repository_files.files("apt", {**DEB, "login": "us", "password": "xyzzy", "uris": ["https://one.example.org/a", "http://two.example.org/b"]})
    text, mode = found["/etc/apt/auth.conf.d/ai-stack-site.conf"]
    assert mode == 0o600
    assert text.decode().splitlines()[1:] == ["machine one.example.org/a login us password xyzzy", "machine http://two.example.org/b login us password xyzzy"]
    assert not [path for path, (content, at) in found.items() if b"xyzzy" in content and at != 0o600]


def test_dnf_has_the_login_in_its_one_file():
    ((path, (text, mode)),) = repository_files.files("dnf", RPM).items()
    assert path == "/etc/yum.repos.d/ai-stack-site.repo" and mode == 0o600
    assert b"gpgcheck=1\ngpgkey=file:///etc/pki/rpm-gpg/site\nusername=us\npassword=xyzzy\n" in text
    unsigned = {key: value for key, value in RPM.items() if key not in ("signed_by", "login", "password")}
    ((_path, (text, mode)),) = repository_files.files("dnf", unsigned).items()
    assert b"gpgcheck=0\n" in text and mode == 0o644


@pytest.mark.parametrize(("manager", "line"), [("apt", b"URIs: file:/var/lib/ai-stack/repositories/packages\nSuites: ./\nTrusted: yes\n"),
                                               ("dnf", b"baseurl=file:///var/lib/ai-stack/repositories/packages\ngpgcheck=0\n")])  # fmt: skip
def test_a_folder_of_packages_is_for_both(manager, line):
    ((_path, (text, _mode)),) = repository_files.files(manager, {"name": "packages", "type": "folder", "path": "files/packages"}).items()
    assert line in text and text.startswith(b"# managed by sovereign.ai_stack\n")


def test_what_the_manager_cannot_read_is_left_out():
    assert repository_files.files("dnf", DEB) == repository_files.files("apt", RPM) == {}
