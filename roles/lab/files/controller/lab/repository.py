# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The site's own package repository: built, signed and served by one container beside the hosts."""
from __future__ import annotations

import os
import pathlib
import secrets

from . import engine, parts

IMAGE = "localhost/ai-stack-lab:repository"
SOURCE = parts.FILES / "repository"
# longer than both builds take on a busy machine
BUILD_SECONDS = 1800


def name(network):
    return network + "-repository"


def up(cache, settings, network, mirrors, there):
    """SETTINGS: {address, suites, vendor_versions, days, password_file?}, or none for a site without a repository. -> what was done"""
    if not settings:
        return []
    # its folder and its image are those of every site
    with engine.alone(cache / "repository.lock", BUILD_SECONDS):
        done = _made(cache, settings, mirrors)
    return done + serve(name(network), IMAGE, _arguments(cache, settings, network), network, there)


def _made(cache, settings, mirrors):
    done = []
    if _image():
        done.append("image " + IMAGE)
    key = parts.digest(SOURCE, cache / "lib/module.ko", extra="%s %s %s" % (sorted(settings.items()), sorted(mirrors.items()), parts.period(settings["days"])))
    stamp = cache / "repository" / ("." + key)
    if not stamp.exists():
        _build(cache, settings, mirrors)
        for old in stamp.parent.glob(".[0-9a-f]*"):
            old.unlink()
        stamp.touch()
        done.append("repository")
    return done


def serve(server, image, words, network, there):
    """A container that serves a folder, as it is described. -> what was done"""
    label = parts.text_digest("%s %s" % (words, engine.image_id(image)))
    if there and (there["labels"].get(network) != label or not there["running"]):
        engine.podman("rm", "--force", "--time", "0", server)
        there = None
    if there:
        return []
    engine.podman("run", "--detach", "--label", "%s=%s" % (network, label), *words)
    return ["host %s created" % server]


def _image():
    wanted = parts.digest(SOURCE / "Containerfile", extra=str(engine.image_id("localhost/ai-stack-lab:bookworm")))
    if engine.image_key(IMAGE) == wanted:
        return False
    engine.podman("build", "--quiet", "--network", "host", *engine.limits(), "--label", "ai-stack-lab.key=" + wanted, "--tag", IMAGE,
                  "--file", SOURCE / "Containerfile", SOURCE, timeout=600)
    return True


def _build(cache, settings, mirrors):
    for folder, mode in (("repository", 0o755), ("keys", 0o700)):
        (cache / folder).mkdir(mode=mode, exist_ok=True)
    variables = {"LAB_MIRROR": mirrors["debian"], "LAB_SECURITY_MIRROR": mirrors["security"], "LAB_SUITES": " ".join(settings["suites"]),
                 "LAB_VENDOR_VERSIONS": " ".join(settings["vendor_versions"]), "LAB_RHEL_KERNEL": _kernel("trixie") if settings["vendor_versions"] else ""}
    engine.podman("run", "--rm", "--network", "host", *engine.limits(), *[word for item in variables.items() for word in ("--env", "%s=%s" % item)],
                  "--volume", "%s:/source:ro" % SOURCE, "--volume", "%s/lib:/usr/lib/ai-stack-lab:ro" % cache, "--volume", "%s/keys:/keys" % cache,
                  "--volume", "%s/repository:/out" % cache, IMAGE, "sh", "/source/build.sh", timeout=600)


def _kernel(suite):
    return engine.podman("run", "--rm", "--network", "none", *engine.limits(), parts.image_name(suite, "amd64"), "ls", "/lib/modules").stdout.split()[-1]


def _arguments(cache, settings, network):
    mounts = {"%s/repository" % cache: "/srv", SOURCE / "serve.py": "/serve.py"}
    if settings.get("password_file"):
        mounts[_password(pathlib.Path(settings["password_file"]))] = "/run/password"
    volumes = [word for here, there in mounts.items() for word in ("--volume", "%s:%s:ro" % (here, there))]
    return ["--name", name(network), "--hostname", "repository", "--network", "%s:ip=%s" % (network, settings["address"]), "--restart", "always",
            *engine.limits(), *volumes, IMAGE, "python3", "/serve.py", "/srv", "80", *(["/run/password"] if settings.get("password_file") else [])]


def _password(path):
    """The file, made when there is none: readable by root alone, and so is the server."""
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
            out.write(secrets.token_urlsafe(24) + "\n")
    return path
