# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""apt and dpkg: what is installed, who holds the lock, what the sources offer, what an installation would do."""

from __future__ import annotations

import datetime
import fcntl
import os
import re
import struct

from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.run import as_nobody, run, which
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import dpkg, sources

STATUS = "/var/lib/dpkg/status"
LISTS = "/var/lib/apt/lists"
LOCKS = ("/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock", "/var/lib/apt/lists/lock")
FLOCK = "hhqqi4x"


def packages(root):
    return dpkg.status(root.text(STATUS, 1 << 27) or "")


def _holder(path):
    """Process that has this file locked, as the kernel says; 0: nobody."""
    with open(path, "rb") as stream:
        answer = fcntl.fcntl(stream, fcntl.F_GETLK, struct.pack(FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
    kind, _whence, _start, _length, process = struct.unpack(FLOCK, answer)
    return 0 if kind == fcntl.F_UNLCK else process


def lock(root):
    """free, or who holds it; null in a recorded tree."""
    if not root.live:
        return None
    for path in LOCKS:
        process = _holder(path) if os.path.exists(path) else 0
        if process:
            return "held by pid %d (%s)" % (process, root.line("/proc/%d/comm" % process) or "unknown")
    return "free"


def lists_at(root):
    """When the lists were last fetched: the files themselves carry the server's dates."""
    if not any(re.search(r"_(InRelease|Release|Packages)(\.\w+)?$", name) for name in root.names(LISTS)):
        return None
    times = [root.mtime(path) for path in ("/var/lib/apt/periodic/update-success-stamp", LISTS + "/partial", LISTS)]
    newest = max([each for each in times if each] or [0])
    return datetime.datetime.fromtimestamp(newest, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") if newest else None


def entries(root):
    """All enabled sources of the host, each with the file it stands in."""
    found = [dict(each, file="/etc/apt/sources.list") for each in sources.parse_list(root.text("/etc/apt/sources.list") or "")]
    for name in root.names("/etc/apt/sources.list.d"):
        path = "/etc/apt/sources.list.d/" + name
        found += [dict(each, file=path) for each in sources.parse(path, root.text(path) or "")]
    return found


class Apt:
    """apt's programs with the host's configuration, or with a scratch one (an APT_CONFIG file) beside it."""

    def __init__(self, seconds, configuration=None):
        self.seconds = seconds
        self.configuration = configuration

    def _run(self, command, options=(), prepare=None, folder="/"):
        settings = ["env", "APT_CONFIG=" + self.configuration] if self.configuration else []
        return run(settings + [which(command[0]) or command[0]] + list(options) + command[1:], self.seconds, prepare, folder)

    def _look(self, command, options=()):
        """As root apt rewrites its cache files on the host; as nobody it uses them where they are fresh, unless it may not read something."""
        if self.configuration:
            return self._run(command, options)
        answer = self._run(command, options, as_nobody)
        if answer.code is not None and "Permission denied" not in answer.err:
            return answer
        return self._run(command, list(options) + ["-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache="])

    def _cache(self, *words):
        return self._look(["apt-cache"] + list(words))

    def policy(self, names):
        return dpkg.policy(self._cache("policy", *names).out) if names else {}

    def depends(self, name):
        """The packages that a package names as needed, one step far."""
        return re.findall(r"^ +Depends: ([^<\s]+)$", self._cache("depends", name).out, re.M)

    def simulate(self, request):
        """{name: version} -> the simulation of an observation; recommended packages are not wanted on a server."""
        words = ["%s=%s" % pair for pair in sorted(request.items())]
        answer = self._look(["apt-get", "-s", "-q", "--no-install-recommends", "install"] + words, ["-o", "Debug::NoLocking=true"])
        found = dpkg.simulation(answer.out)
        if answer.code != 0:
            message = dpkg.complaint(answer.out + "\n" + answer.err) or "exit %s" % answer.code
            return {"ok": False, "message": message, "request": request, "install": {}, "remove": [], "upgrade": {}, "download_bytes": 0, "installed_bytes": 0}
        return dict(found, ok=True, message=None, request=request, download_bytes=0, installed_bytes=0)

    def weigh(self, simulations):
        """Adds the sizes to all of them in one question: they share most packages."""
        pairs = sorted({pair for each in simulations for pair in each["install"].items()})
        rows = dpkg.sizes(self._cache("show", *["%s=%s" % pair for pair in pairs]).out) if pairs else []
        sizes = {row[:2]: row[2:] for row in rows}
        for each in simulations:
            found = [sizes.get(pair, (0, 0)) for pair in each["install"].items()]
            each.update(download_bytes=sum(size[0] for size in found), installed_bytes=sum(size[1] for size in found))

    def download(self, folder, words):
        """Fetches NAME or NAME=VERSION into FOLDER; None, or why it could not."""
        answer = self._run(["apt-get", "-q", "download"] + words, ["-o", "APT::Sandbox::User=root", "-o", "Debug::NoLocking=true"], folder=folder)
        return None if answer.code == 0 else dpkg.complaint(answer.err + answer.out) or answer.err or "exit %s" % answer.code
