# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A repository of the site as the files that its package manager reads: the text of each, and who may read it."""

from __future__ import annotations

import base64
import posixpath
import re

MARKER = "# managed by sovereign.ai_stack\n"
# where a folder of packages lies on the host
FOLDERS = "/var/lib/ai-stack/repositories"
KEYS = {"apt": "/etc/apt/keyrings", "dnf": "/etc/pki/rpm-gpg"}
TYPES = {"apt": ("deb", "folder"), "dnf": ("rpm", "folder")}
ANYBODY, ROOT_ALONE = 0o644, 0o600


def _key_of(manager, repository):
    """Where the key lies on the host: a file of the controller comes along, another one is there already."""
    if not repository.get("key"):
        return repository.get("signed_by")
    return "%s/ai-stack-%s%s" % (KEYS[manager], repository["name"], posixpath.splitext(repository["signed_by"])[1])


def files(manager, repository):
    """{path: (bytes, mode)}; {} where this package manager cannot read it. repository: a row with its key (base64), login and password."""
    if repository["type"] not in TYPES[manager]:
        return {}
    key, name = _key_of(manager, repository), repository["name"]
    found = {key: (base64.b64decode(repository["key"]), ANYBODY)} if repository.get("key") else {}
    if manager == "apt":
        found["/etc/apt/sources.list.d/ai-stack-%s.sources" % name] = (_sources(repository, key), ANYBODY)
        if repository.get("login"):
            found["/etc/apt/auth.conf.d/ai-stack-%s.conf" % name] = (_text(logins(repository)), ROOT_ALONE)
    else:
        found["/etc/yum.repos.d/ai-stack-%s.repo" % name] = (_repo(repository, key), ROOT_ALONE if repository.get("login") else ANYBODY)
    return found


def _text(lines):
    return (MARKER + "\n".join(lines) + "\n").encode("utf-8")


def _sources(repository, key):
    lines = ["Types: deb"]
    if repository["type"] == "folder":
        return _text(lines + ["URIs: file:%s/%s" % (FOLDERS, repository["name"]), "Suites: ./", "Trusted: yes"])
    lines += ["URIs: " + " ".join(repository["uris"]), "Suites: " + " ".join(repository["suites"])]
    lines += ["Components: " + " ".join(repository["components"])] if repository.get("components") else []
    return _text(lines + (["Signed-By: " + key] if key else []))


def logins(repository):
    """Lines by which apt logs in at a repository; without TLS it wants to be told so."""
    machines = [uri if uri.startswith("http://") else re.sub(r"^[a-z+]+://", "", uri) for uri in repository.get("uris") or ()]
    return ["machine %s login %s password %s" % (machine, repository["login"], repository.get("password") or "") for machine in machines]


def _repo(repository, key):
    name = "ai-stack-" + repository["name"]
    lines = ["[%s]" % name, "name=" + name, "enabled=1"]
    if repository["type"] == "folder":
        return _text(lines + ["baseurl=file://%s/%s" % (FOLDERS, repository["name"]), "gpgcheck=0"])
    lines += ["baseurl=" + " ".join(repository["uris"])] + (["gpgcheck=1", "gpgkey=file://" + key] if key else ["gpgcheck=0"])
    return _text(lines + (["username=" + repository["login"], "password=" + repository["password"]] if repository.get("login") else []))
