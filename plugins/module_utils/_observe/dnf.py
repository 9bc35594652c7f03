# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""rpm and dnf: what is installed, who holds the lock, what the repositories offer, what an installation would do."""

from __future__ import annotations

import contextlib
import datetime
import os
import re
import shutil

from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.apt_scratch import write_index, write_new
from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.run import run, which
from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.scratch import scratch
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import dpkg, rpm

DATABASES = ("/usr/lib/sysimage/rpm", "/var/lib/rpm")
CACHE = "/var/cache/dnf"
REPOSITORIES = "/etc/yum.repos.d"
LOCKS = ("/run/dnf.pid", CACHE + "/metadata_lock.pid", CACHE + "/download_lock.pid", "/var/lib/dnf/rpmdb_lock.pid")
VERSIONLOCKS = ("/etc/dnf/plugins/versionlock.list", "/etc/dnf/versionlock.toml", "/etc/yum/pluginconf.d/versionlock.list")
PREFIX = "ai-stack-facts-"
OURS = "ai-stack-"


def packages(root):
    """The database is rpm's own format: without its program nothing is known."""
    if not root.live or not which("rpm"):
        return {}
    return rpm.installed(run([which("rpm"), "-qa", "--qf", rpm.QUERY], 60).out)


def held(root):
    return sorted({name for path in VERSIONLOCKS for name in rpm.locked(root.text(path) or "")})


def lock(root):
    """free, or who holds it; null in a recorded tree."""
    if not root.live:
        return None
    for path in LOCKS:
        process = root.number(path)
        name = root.line("/proc/%d/comm" % process) if process else None
        if name and re.search(r"dnf|yum|rpm|packagekit|python|platform", name):
            return "held by pid %d (%s)" % (process, name)
    return "free"


def lists_at(root):
    times = [root.mtime("%s/%s/repodata/repomd.xml" % (CACHE, name)) for name in root.names(CACHE)]
    newest = max([each for each in times if each] or [0])
    return datetime.datetime.fromtimestamp(newest, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") if newest else None


def _section(repository, place):
    """A repository of the site as dnf wants it; the file that it goes into is root's alone, since it may hold a password."""
    folder = repository.get("type") == "folder"
    address = "file://" + (write_index(repository, place) if repository.get("index") else str(repository.get("path"))) if folder else \
        " ".join(repository.get("uris") or [])
    lines = ["[%s%s]" % (OURS, repository["name"]), "name=" + repository["name"], "enabled=1", "gpgcheck=0", "baseurl=" + address]
    lines += ["username=%s" % repository["login"], "password=%s" % (repository.get("password") or "")] if repository.get("login") else []
    return "\n".join(lines) + "\n"


class DnfView:
    """dnf over the host's repositories and those that the site wants, with logs and, where needed, caches in a scratch folder."""

    def __init__(self, root, options, place):
        self.root, self.place, self.seconds = root, place, options["seconds"]
        self.repositories = [each for each in options["repositories"] if each.get("type") in ("rpm", "folder")]
        self.missing = lists_at(root) is None or any(not self._is_there(each) for each in self.repositories)
        self.failed = None
        if self.missing:
            self._prepare()

    def _is_there(self, repository):
        here = rpm.sections(self.root.text("%s/%s%s.repo" % (REPOSITORIES, OURS, repository["name"])) or "").get(OURS + repository["name"])
        wanted = {"baseurl": " ".join(repository.get("uris") or []), "username": repository.get("login"), "password": repository.get("password")}
        return here is not None and (repository.get("type") == "folder" or all(here.get(key) == value for key, value in wanted.items()))

    def _prepare(self):
        os.makedirs(self.place + "/repos")
        for name in self.root.names(REPOSITORIES):
            if name.endswith(".repo"):
                write_new("%s/repos/%s" % (self.place, name), self.root.data(REPOSITORIES + "/" + name) or b"", 0o600)
        for each in self.repositories:
            if not self._is_there(each):
                path = "%s/repos/%s%s.repo" % (self.place, OURS, each["name"])
                if os.path.exists(path):
                    os.unlink(path)
                write_new(path, _section(each, self.place), 0o600)
        if os.path.isdir(CACHE):
            shutil.copytree(CACHE, self.place + "/cache", symlinks=True, ignore=shutil.ignore_patterns("packages", "*.pid"), ignore_dangling_symlinks=True)
        answer = self.run("makecache", seconds=4 * self.seconds)
        self.failed = rpm.failures(answer.out + "\n" + answer.err)
        self.failed += [("*", "dnf makecache: no answer in %d s" % (4 * self.seconds))] if answer.late else []

    def run(self, *words, seconds=None):
        """Nothing of it is written where the host keeps its own; a repository that does not answer stops no other."""
        options = ["-q"] if words[0] == "repoquery" else []
        options += ["--setopt=" + each for each in (
            "logdir=" + self.place, "skip_if_unavailable=1", "timeout=%d" % self.seconds, "retries=1", "countme=0", "%s*.module_hotfixes=1" % OURS)]
        options += ["--disableplugin=subscription-manager"]
        options += ["--setopt=reposdir=%s/repos" % self.place, "--setopt=cachedir=%s/cache" % self.place] if self.missing else ["-C"]
        return run([which("dnf") or "dnf"] + options + list(words), seconds or 2 * self.seconds)

    def offers(self, names):
        """{name: [{version, origin, repository}]}, newest first; origin is the site's name of a repository, else dnf's."""
        asked = sorted({rpm.split_release(name)[0] for name in names})
        found = rpm.offers(self.run("repoquery", "--showduplicates", "--qf", rpm.OFFERS, *asked).out) if asked else {}
        return {name: [self._named(each) for each in rpm.of_release(found, name)] for name in names}

    def _named(self, offer):
        name = offer["origin"][len(OURS):] if offer["origin"].startswith(OURS) else None
        return dict(offer, origin=name or offer["origin"], repository=name)

    def simulate(self, request):
        words = [name if rpm.split_release(name)[1] else "%s-%s" % (name, version) for name, version in sorted(request.items())]
        answer = self.run("--assumeno", "--setopt=install_weak_deps=False", "--allowerasing", "install", *words)
        found = rpm.simulation(answer.out)
        message = None if found["ok"] else rpm.complaint(answer.out + "\n" + answer.err) or "exit %s" % answer.code
        return dict(found, message=message, request=request, installed_bytes=0)

    def weigh(self, simulations):
        """dnf's own answer has the size of the download, and none of what is unpacked."""

    def report(self):
        """The site's repositories, and whichever of the host's did not answer."""
        failed, found = dict(self.failed or ()), []
        sections = {}
        for name in self.root.names(REPOSITORIES):
            sections.update(rpm.sections(self.root.text(REPOSITORIES + "/" + name) or "") if name.endswith(".repo") else {})
        set_up = {OURS + each["name"]: self._is_there(each) for each in self.repositories}
        wanted = {OURS + each["name"]: {"baseurl": " ".join(each.get("uris") or [str(each.get("path"))])} for each in self.repositories}
        for name, each in sorted(dict(sections, **wanted).items()):
            if each.get("enabled", "1") in ("1", "true", "yes", "True"):
                why = failed.get(name, failed.get("*"))
                found.append({"name": name[len(OURS):] if name.startswith(OURS) else name, "suites": [], "components": [], "message": why,
                              "set_up": set_up.get(name),
                              "uri": dpkg.without_credentials(each.get("baseurl") or each.get("mirrorlist") or each.get("metalink") or ""),
                              "reachable": None if self.failed is None else why is None})
        return found


@contextlib.contextmanager
def opened(root, options, guard):
    with scratch(PREFIX) as place:
        view = DnfView(root, options, place)
        for name, why in view.failed or ():
            guard.note("dnf makecache", "%s: %s" % (name, why))
        yield view
