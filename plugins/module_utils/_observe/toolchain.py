# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Compiler and kernel headers for a trial: the host's own where they are, else unpacked in a scratch folder, never installed."""

from __future__ import annotations

import os
import re

from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.run import run, which

# The running C library must stay the one that the loader belongs to.
NEVER_UNPACKED = ("libc6", "libc-bin", "libc6-i386", "dpkg", "libcrypt1")
LIBRARIES = ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "lib/aarch64-linux-gnu", "usr/lib")
POINTERS = re.compile(r'([= "])/usr/(src|lib/linux-kbuild)')
PART_OF_HEADERS = re.compile(r"linux-(kbuild|headers)-")


class Missing(Exception):
    """The trial cannot be made; the text says what is missing."""


def unpack(folder, target, seconds):
    """Unpacks every .deb of FOLDER into TARGET and removes it: disk is short on some hosts."""
    for name in sorted(os.listdir(folder)):
        if name.endswith(".deb"):
            path = os.path.join(folder, name)
            answer = run([which("dpkg-deb") or "dpkg-deb", "-x", path, target], seconds)
            if answer.code != 0:
                raise Missing("%s cannot be unpacked: %s" % (name, answer.err.strip()))
            os.unlink(path)


def fetch(apt, place, words):
    """Downloads packages and unpacks them below PLACE/root."""
    folder, target = os.path.join(place, "debs"), os.path.join(place, "root")
    os.makedirs(folder, exist_ok=True)
    os.makedirs(target, exist_ok=True)
    problem = apt.download(folder, words) if words else None
    if problem:
        raise Missing(problem)
    unpack(folder, target, apt.seconds)


def _closure(apt, names):
    """What an installation of NAMES would bring, at which versions."""
    versions = {name: (apt.policy([name]).get(name) or {}).get("candidate") for name in names}
    absent = sorted(name for name, version in versions.items() if not version)
    if absent:
        raise Missing("no source offers " + ", ".join(absent))
    simulation = apt.simulate(versions)
    if not simulation["ok"]:
        raise Missing(simulation["message"])
    return ["%s=%s" % pair for pair in sorted(simulation["install"].items()) if pair[0] not in NEVER_UNPACKED]


def _parts(apt, kernel, words):
    """What the headers point at: a part that the host has already is not among WORDS, yet it must lie beside the unpacked ones."""
    taken = {word.partition("=")[0] for word in words}
    return [name for name in apt.depends("linux-headers-" + kernel) if PART_OF_HEADERS.match(name) and name not in taken]


def installed_headers(kernel):
    """(source, output) folders of headers that the host has; None: it has none."""
    output = os.path.realpath("/lib/modules/%s/build" % kernel)
    if not os.path.exists(output + "/Makefile"):
        return None
    source = os.path.realpath("/lib/modules/%s/source" % kernel)
    return (source if os.path.isdir(source) else output), output


def _point_inside(root, folder):
    """Debian's header packages name each other by absolute paths: let them mean the unpacked ones."""
    for name in ("Makefile", ".kernelvariables"):
        path = os.path.join(folder, name)
        if os.path.isfile(path) and not os.path.islink(path):
            with open(path, "r+", encoding="utf-8", errors="surrogateescape") as stream:
                text = POINTERS.sub(r"\1%s/usr/\2" % root, stream.read())
                stream.seek(0)
                stream.truncate()
                stream.write(text)
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if os.path.islink(path) and os.readlink(path).startswith("/"):
            target = root + os.readlink(path)
            os.unlink(path)
            os.symlink(target, path)


def unpacked_headers(root, kernel):
    """(source, output) of headers that were unpacked below ROOT."""
    output = "%s/usr/src/linux-headers-%s" % (root, kernel)
    if not os.path.exists(output + "/Makefile"):
        raise Missing("no headers for kernel " + kernel)
    common = [name for name in os.listdir(root + "/usr/src") if name.endswith("-common") or name.endswith("-common-rt")]
    source = "%s/usr/src/%s" % (root, sorted(common)[-1]) if common else output
    for folder in sorted({source, output}):
        _point_inside(root, folder)
    return source, output


def _environment(root):
    libraries = [os.path.join(root, each) for each in LIBRARIES if os.path.isdir(os.path.join(root, each))]
    return {"PATH": "%s/usr/bin:%s/bin:/usr/sbin:/usr/bin:/sbin:/bin" % (root, root), "LD_LIBRARY_PATH": ":".join(libraries)}


def prepare(apt, place, kernel):
    """-> {source, output, environment, compiler}; raises Missing."""
    root = os.path.join(place, "root")
    headers = installed_headers(kernel)
    tools = [name for name in ("gcc", "make") if not which(name)]
    wanted = tools + ([] if headers else ["linux-headers-" + kernel])
    if wanted:
        words = _closure(apt, wanted)
        fetch(apt, place, words + ([] if headers else _parts(apt, kernel, words)))
    environment = _environment(root) if wanted else {}
    source, output = headers or unpacked_headers(root, kernel)
    answer = run(["gcc", "-dumpfullversion"], 30, environment=environment, folder=place)
    if answer.code != 0:
        raise Missing("the compiler does not start: " + (answer.err.strip() or "exit %s" % answer.code))
    return {"source": source, "output": output, "environment": environment, "compiler": "gcc " + answer.out.strip(), "unpacked": wanted}
