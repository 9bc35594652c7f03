# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A cloud of the lab. Its hosts are set up once, from empty databases to healthy, and kept as images: every start begins there."""
from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from . import engine, host, parts

PROGRAM = ("python3", "-B", "/usr/lib/ai-stack-lab/lab-cloud.py")
# what the controller's set-up leaves: the logins of the computes, the logins of people, the authority behind its certificate
SHARED = "/var/lib/ai-stack-lab/cloud.json"
LOGINS = "/root/.config/openstack/clouds.yaml"
AUTHORITY, SYSTEM_AUTHORITIES = "/usr/local/share/ca-certificates/ai-stack-lab.crt", "/etc/ssl/certs/ca-certificates.crt"
# longer than each step takes on a busy machine
SECONDS = 600


def names(site):
    return [site["cloud"]["controller"], *site["cloud"]["computes"]] if site["cloud"] else []


def image(site, name):
    """The image of a host that is set up, None for a host of no cloud."""
    return "localhost/ai-stack-lab:%s-%s" % (site["network"], name) if name in names(site) else None


def _empty(site, name):
    named = parts.release_name if site["release"] else parts.image_name
    return named(site["hosts"][name]["suite"], site["hosts"][name]["kernel"])


def release(site):
    """The images of a published release in place of the distribution's packages, where the site has one."""
    return parts.release(site["cache"], {(site["hosts"][name]["suite"], site["hosts"][name]["kernel"]) for name in names(site)}, site["release"]) \
        if site["release"] else []


def _key(site):
    """All that decides what set-up makes of the hosts."""
    made_of = {name: (site["hosts"][name]["address"], engine.image_id(_empty(site, name))) for name in names(site)}
    return parts.digest(parts.FILES / "host/lab-cloud.py", parts.FILES / "host/lab_cloud", extra=str(sorted(made_of.items())))


def _kept(site):
    key = _key(site)
    return all(engine.image_key(image(site, name)) == key for name in names(site))


def look(site):
    return [] if _kept(site) else ["cloud of %s set up from nothing" % " ".join(names(site))]


def keep(site):
    """From nothing to images of healthy hosts. What an ended run left half set up goes first."""
    if _kept(site):
        return []
    key, own = _key(site), names(site)
    left = [name for name in engine.containers(site["network"]) if name in own]
    if left:
        engine.podman("rm", "--force", "--time", "0", *left)
    with ThreadPoolExecutor(len(own)) as pool:
        list(pool.map(lambda name: _start_empty(site, name), own))
        _set_up(site, pool)
        _wait(site, 0, SECONDS)
        list(pool.map(lambda name: _keep(name, image(site, name), key), own))
    engine.prune_images()
    return ["cloud of %s set up from nothing" % " ".join(own)]


def _start_empty(site, name):
    host.up(site["cache"], name, dict(site["hosts"][name], image=_empty(site, name)), site["network"], site["machines"][name], None)


def _set_up(site, pool):
    controller = site["cloud"]["controller"]
    engine.podman("exec", controller, *PROGRAM, "controller", site["hosts"][controller]["address"], timeout=SECONDS)
    shared = engine.podman("exec", controller, "cat", SHARED).stdout
    list(pool.map(lambda name: engine.podman("exec", "--interactive", name, *PROGRAM, "compute", stdin=shared, timeout=SECONDS), site["cloud"]["computes"]))


def _keep(name, kept, key):
    """Stopped first, so that no database is caught in the middle."""
    engine.podman("stop", "--time", "60", name)
    engine.podman("commit", "--quiet", "--change", "LABEL ai-stack-lab.key=" + key, name, kept, timeout=SECONDS)
    engine.podman("rm", name)


def _wait(site, since, seconds):
    engine.podman("exec", site["cloud"]["controller"], *PROGRAM, "healthy", str(since), str(seconds), *site["cloud"]["computes"], timeout=seconds + 60)


def up(site, since):
    """Wait until every service has reported SINCE this time, and hand its logins to this machine."""
    if not site["cloud"]:
        return []
    if since:
        _wait(site, since, SECONDS)
    controller = site["cloud"]["controller"]
    folder = host.folder(site["cache"], controller)
    said = {path: engine.podman("exec", controller, "cat", path).stdout for path in (AUTHORITY, LOGINS)}
    return _write(folder / "ca.crt", said[AUTHORITY]) + _write(folder / "clouds.yaml", said[LOGINS].replace(SYSTEM_AUTHORITIES, str(folder / "ca.crt")))


def _write(path, text):
    """Readable by its owner alone from its first byte."""
    if path.exists() and path.read_text() == text:
        return []
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(text)
    return ["file %s" % path]


def verify(site):
    if site["cloud"]:
        _wait(site, 0, 30)
