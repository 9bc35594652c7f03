# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What a package manager says and does, the same way for dpkg with apt and for rpm with dnf."""

from __future__ import annotations

import os
import re

import host

APT = ["apt-get", "-y", "-q", "--no-install-recommends", "--allow-downgrades", "--allow-change-held-packages",
       "-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold", "-o", "DPkg::Lock::Timeout=300"]
DEBS = "/var/cache/apt/archives"
NEEDED_BY = re.compile(r"^\s.* is needed by (?:\(installed\) )?(\S+)-[^-\s]+-[^-\s]+$", re.M)


def manager():
    return "apt" if host.which("dpkg-query") and os.path.exists(host.at("/var/lib/dpkg/status")) else "dnf"


def installed():
    """Return {name: version} of everything that is there, half-configured packages too."""
    if manager() == "apt":
        out = host.run(["dpkg-query", "-W", "-f", "${Package} ${Version} ${db:Status-Status}\\n"])[1]
        rows = (line.split() for line in out.splitlines())
        return {row[0]: row[1] for row in rows if len(row) == 3 and row[2] not in ("not-installed", "config-files")}
    out = host.run(["rpm", "-qa", "--qf", "%{NAME} %|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\\n"])[1]
    return {row[0]: row[1] for row in (line.split() for line in out.splitlines()) if len(row) == 2}


def held():
    """Return the names that are held (apt-mark) or locked (versionlock)."""
    if manager() == "apt":
        return sorted(host.run(["apt-mark", "showhold"])[1].split())
    code, out = host.run(["dnf", "-q", "versionlock", "list"], check=False)
    return sorted(line.split(":")[0].rsplit("-", 1)[0] for line in out.splitlines() if ":" in line) if code == 0 else []


def hold(names, keep=True):
    names = sorted(set(names))
    if not names:
        return
    if manager() == "apt":
        host.run(["apt-mark", "hold" if keep else "unhold"] + names)
    else:
        host.run(["dnf", "-q", "versionlock", "add" if keep else "delete"] + names)


def finish_half_done():
    """Bring the package database back to where apt or dnf accepts work."""
    if manager() == "apt":
        host.run(["dpkg", "--force-confdef", "--force-confold", "--configure", "-a"], check=False)
        return host.run(APT + ["-f", "install"], check=False)
    return host.run(["rpm", "--rebuilddb"], check=False)


def half_done():
    """Return the packages that dpkg left half-installed or half-configured."""
    if manager() != "apt":
        return []
    out = host.run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\\n"])[1]
    good = ("installed", "not-installed", "config-files")
    return sorted(row[0] for row in (line.split() for line in out.splitlines()) if len(row) == 2 and row[1] not in good)


def files_of(package):
    command = ["dpkg", "-L", package] if manager() == "apt" else ["rpm", "-ql", package]
    return host.run(command)[1].splitlines()


def archive(name, version, kept):
    """Return the path of the kept package file, None when there is none."""
    for folder in (kept, DEBS):
        path = host.at("%s/%s_%s_" % (folder, name, version.replace(":", "%3a")))
        for arch in ("amd64", "arm64", "all"):
            if os.path.exists("%s%s.deb" % (path, arch)):
                return "%s%s.deb" % (path, arch)
    return None


def keep_archives(wanted, kept):
    """Keep the package files of {(name, version)}, so that they can come back when no repository has them any more."""
    os.makedirs(host.at(kept), exist_ok=True)
    names = set()
    for name, version in sorted(wanted):
        path = archive(name, version, kept)
        if not path:
            continue
        names.add(os.path.basename(path))
        keep_archive(path, kept)
    for name in os.listdir(host.at(kept)):
        if name not in names:
            os.unlink(os.path.join(host.at(kept), name))


def keep_way_back(before, wanted, kept):
    """Fetch the package files of what a change replaces; refuse a change after which nobody could have them any more."""
    if manager() != "apt":
        return
    os.makedirs(host.at(kept), exist_ok=True)
    lost = []
    for name, version in sorted(before.items()):
        if version and wanted.get(name) != version:
            if not archive(name, version, kept):
                host.run(["env", "-C", host.at(kept), "apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", "%s=%s" % (name, version)], check=False)
            path = archive(name, version, kept)
            lost += [] if path else ["%s %s" % (name, version)]
            if path and os.path.dirname(path) != host.at(kept):
                # apt cleans its cache of what no repository has
                keep_archive(path, kept)
    if lost:
        raise host.Refused("no repository has %s any more, which the change replaces, so there would be no way back: put the package file into %s, or bring "
                           "the host to the decided version, or to no driver, yourself" % (", ".join(lost), kept))


def keep_archive(source, kept):
    target = os.path.join(host.at(kept), os.path.basename(source))
    if os.path.exists(target):
        return
    try:
        os.link(source, target)
    except OSError:
        with open(source, "rb") as handle:
            host.write(target[len(host.ROOT):], handle.read(), 0o644)


def difference(before, now, names):
    """Return (to remove, {to install: version}) that lead from now back to before, for these names only."""
    gone = sorted(name for name in names if name in now and name not in before)
    back = {name: before[name] for name in sorted(names) if name in before and now.get(name) != before[name]}
    return gone, back


def bring_back(before, names, roots, kept):
    """Lead the named packages back to what they were; return those that stay, since somebody else's package needs them by now."""
    wanted, remove, stay = way_back(before, names, roots, kept)
    if manager() == "dnf":
        come_back_rpm(before, names)
        # The older versions may need less of what is to go.
        remove, stay = way_back(before, names, roots, kept)[1:]
        if remove:
            host.run(["dnf", "-y", "-q", "--noautoremove", "remove"] + remove)
    elif wanted or remove:
        host.run(APT + ["--purge", "install"] + wanted + ["%s-" % name for name in remove])
    return stay


def way_back(before, names, roots, kept):
    """Return what is to be installed, to be removed and to be left, or refuse; roots are what we asked for, the rest came with them."""
    gone, back = difference(before, installed(), names)
    wanted = list(back)
    if manager() == "apt":
        wanted = [archive(name, version, kept) or "%s=%s" % (name, version) for name, version in back.items()]
    remove = removable(gone, roots, wanted) if gone or wanted else []
    return wanted, remove, set(gone) - set(remove)


def removable(gone, roots, wanted):
    """Leave what somebody else's package needs by now."""
    if removes(gone, wanted) <= set(gone):
        return gone
    ours = [name for name in gone if name in roots]
    extra = removes(ours, wanted) - set(gone)
    if extra:
        raise host.Refused("removing the driver would also remove %s, which came later: remove these first" % ", ".join(sorted(extra)))
    rest = []
    for name in sorted(set(gone) - set(ours)):
        if removes(ours + rest + [name], wanted) <= set(gone):
            rest.append(name)
    return ours + rest


def removes(names, wanted):
    """Return all that goes when these go and WANTED comes: words of apt, with rpm the names that come in another version."""
    if manager() == "dnf":
        return removes_rpm(names, wanted)
    out = host.run(APT + ["-s", "install"] + wanted + ["%s-" % name for name in names])[1]
    return {line.split()[1] for line in out.splitlines() if line.startswith(("Remv ", "Purg "))}


def removes_rpm(names, wanted):
    """rpm says who needs what in a line each and changes nothing; the table that dnf shows is wrapped, and left out by -q.

    What comes in another version may need them no more. Who needs only those that need them is named when these are asked for too.
    """
    taken = set(names)
    while taken:
        code, out = host.run(["rpm", "-e", "--test", "--allmatches"] + sorted(taken), check=False)
        users = set(NEEDED_BY.findall(out))
        if code and not users:
            raise host.Refused("rpm does not say who needs %s: %s" % (", ".join(sorted(taken)), host.tail(out, 3)))
        if users <= taken | set(wanted):
            break
        taken |= users - set(wanted)
    return taken


def come_back_rpm(before, names):
    """All at once where dnf takes an older version for an installation, else the older ones, then the lost ones. It is read back."""
    said = ""
    for verb, there in (("install", None), ("downgrade", True), ("install", False)):
        now = installed()
        pins = ["%s-%s" % (name, version) for name, version in difference(before, now, names)[1].items() if there in (None, name in now)]
        if pins:
            said += host.run(["dnf", "-y", "-q", "--setopt=install_weak_deps=False", verb] + pins, check=False)[1]
    back = difference(before, installed(), names)[1]
    if back:
        raise host.Refused("dnf did not bring back %s: %s" % (", ".join("%s-%s" % item for item in back.items()), host.tail(said, 3)))
