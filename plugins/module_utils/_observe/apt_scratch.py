# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Sources that a host does not have yet, tried in a scratch folder: its own apt is not touched."""

from __future__ import annotations

import base64
import os
import pwd
import re
import shutil

from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.apt import LISTS, Apt
from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.run import run, which
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import dpkg, repository_files, sources

# Hooks of the host would act on the host; its folders are ours here; the targets come back by themselves.
LEFT_OUT = re.compile(r"^(APT::Update::|APT::Periodic|DPkg::|Dir::|Acquire::IndexTargets|Dir |DPkg |Binary |CommandLine)")
SETTINGS = """
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "{place}/sources";
Dir::Etc::netrc "{place}/auth.conf";
Dir::State::lists "{place}/lists";
Dir::Cache "{place}/cache";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "srcpkgcache.bin";
Acquire::Languages "none";
Acquire::Retries "1";
Acquire::http::Timeout "{seconds}";
Acquire::https::Timeout "{seconds}";
APT::Get::List-Cleanup "false";
"""


def write_new(path, text, mode=0o644):
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(text if isinstance(text, bytes) else text.encode())
    os.chmod(path, mode)


def folders(place):
    """apt fetches as a user of its own, who must get at the partial folders and at nothing else."""
    os.chmod(place, 0o711)
    for name in ("sources", "keys", "lists", "lists/partial", "lists/auxfiles", "cache", "cache/archives", "cache/archives/partial"):
        os.mkdir(os.path.join(place, name), 0o755)
    try:
        user = pwd.getpwnam("_apt")
    except KeyError:
        return
    for name in ("lists/partial", "cache/archives/partial"):
        os.chown(os.path.join(place, name), user.pw_uid, user.pw_gid)


def _copy_lists(place):
    """Lists that the host has need not be fetched again."""
    for name in os.listdir(LISTS) if os.path.isdir(LISTS) else ():
        if re.search(r"_(InRelease|Release|Release\.gpg|Packages)(\.\w+)?$", name):
            shutil.copy2(os.path.join(LISTS, name), os.path.join(place, "lists", name))


def netrc(repositories):
    """auth.conf of the repositories that want a login."""
    return "".join("%s\n" % line for each in repositories if each.get("login") for line in repository_files.logins(each))


def _key(repository, place):
    """The key came along, since the host may not have it yet: it becomes a file below PLACE."""
    data = base64.b64decode(repository["key"])
    path = "%s/keys/%s.%s" % (place, re.sub(r"\W", "_", repository["name"]), "asc" if b"-----BEGIN" in data[:64] else "gpg")
    if place and not os.path.exists(path):
        write_new(path, data)
    return path


def write_index(repository, place):
    """The index of a folder of packages that is still on the controller; the packages themselves are not needed."""
    folder = "%s/folders/%s" % (place, re.sub(r"\W", "_", repository["name"]))
    for name, data in repository["index"].items() if place else ():
        path = os.path.join(folder, *[part for part in name.split("/") if part not in ("", ".", "..")])
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        if not os.path.exists(path):
            write_new(path, base64.b64decode(data))
    return folder


def intended(repository, place):
    """An entry of ai_stack_repositories as a source; what came along with it lies below PLACE (None: only look)."""
    if repository.get("type") == "folder":
        folder = write_index(repository, place) if repository.get("index") else str(repository.get("path"))
        return {"types": ["deb"], "uris": ["file:" + folder], "suites": ["./"], "components": [], "options": {"trusted": "yes"}}
    options = {"signed-by": _key(repository, place)} if repository.get("key") else {}
    if not options and repository.get("signed_by"):
        options = {"signed-by": str(repository["signed_by"])}
    return {"types": ["deb"], "uris": list(repository.get("uris") or []), "suites": list(repository.get("suites") or []),
            "components": list(repository.get("components") or []), "options": options}


def prepare(place, entries, repositories, seconds):
    """Fills PLACE and gives the path of its configuration."""
    _copy_lists(place)
    for number, entry in enumerate(entries):
        if "deb" in entry["types"]:
            mode = 0o600 if dpkg.CREDENTIALS.search(" ".join(entry["uris"])) else 0o644
            write_new("%s/sources/%03d.sources" % (place, number), sources.render(sources.lists_only(entry)), mode)
    write_new(place + "/auth.conf", netrc(repositories), 0o600)
    dumped = run([which("apt-config") or "apt-config", "dump"], seconds).out
    kept = [line for line in dumped.splitlines() if not LEFT_OUT.match(line)]
    write_new(place + "/apt.conf", "\n".join(kept) + SETTINGS.format(place=place, seconds=seconds), 0o600)
    return place + "/apt.conf"


def update(place, entries, repositories, seconds):
    """-> (Apt over the scratch folder, [(address, why it could not be read)])."""
    apt = Apt(4 * seconds, prepare(place, entries, repositories, seconds))
    answer = apt._run(["apt-get", "-q", "update"])  # pylint: disable=protected-access  # one program, two files
    failed = sources.failures(answer.out + "\n" + answer.err)
    if answer.late:
        failed.append(("*", "apt-get update: no answer in %d s" % (4 * seconds)))
    return apt, [(dpkg.without_credentials(where), dpkg.without_credentials(why)) for where, why in failed]
