# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What the hosts are made of: the compiled layers, the programs of process 1, the images, the key to reach them."""
from __future__ import annotations

import filecmp
import hashlib
import os
import shutil
import ssl
import sys
import tempfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import engine

FILES = Path(__file__).resolve().parents[2]


def files_of(place):
    """Every file of a folder, or the file itself, without what Python left."""
    found = [place] if place.is_file() else place.rglob("*")
    return sorted(file for file in found if file.is_file() and "__pycache__" not in file.parts)


def digest(*places, extra=""):
    total = hashlib.sha256(extra.encode())
    for place in places:
        for file in files_of(place):
            total.update(file.read_bytes())
    return total.hexdigest()[:12]


def text_digest(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def period(days):
    """Changes every so many days: what is taken from an archive that moves is taken anew then."""
    return int(time.time()) // (days * 86400)


def key(folder):
    """The pair of keys of this lab; it lives in the cache folder only."""
    private = folder / "id_ed25519"
    if private.exists():
        return []
    engine.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ai-stack-lab", "-f", private)
    return ["key %s" % private]


def certificate(path):
    """A certificate that a host's firmware knows, as PEM; the file may be DER, as DKMS writes it."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise engine.Failed("lab_secure_boot: %s: %s" % (path, error.strerror))
    if data.startswith(b"-----BEGIN"):
        return data.decode()
    return ssl.DER_cert_to_PEM_cert(data)


def header(folder, requirement):
    """NVIDIA's nvml.h out of its package of headers, fetched once."""
    kept = folder / ("nvml-%s.h" % requirement.replace("=", "-"))
    if not kept.exists():
        with tempfile.TemporaryDirectory() as work:
            engine.run(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", work, requirement, timeout=300)
            wheel = next(Path(work).glob("*.whl"))
            with zipfile.ZipFile(wheel) as archive:
                name = next(name for name in archive.namelist() if name.endswith("/nvml.h"))
                kept.write_bytes(archive.read(name))
    return kept


def library(folder, requirement):
    """FOLDER/lib, which every host mounts: compiled and copied in place, so that a mounted folder follows."""
    lib, silicon = folder / "lib", folder / "silicon"
    stamp = digest(FILES / "silicon", extra=requirement)
    if not (silicon / stamp).exists():
        shutil.rmtree(silicon, ignore_errors=True)
        engine.run("sh", FILES / "silicon/build.sh", silicon, header(folder, requirement), timeout=300)
        (silicon / stamp).touch()
    wanted = {path.relative_to(FILES / "host"): path for path in files_of(FILES / "host")}
    wanted.update({Path(path.name): path for pattern in ("*.so", "*.ko") for path in silicon.glob(pattern)})
    done = []
    for name, source in sorted(wanted.items()):
        target = lib / name
        if target.exists() and filecmp.cmp(source, target, shallow=False):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(target.name + ".new")
        shutil.copyfile(source, fresh)
        fresh.chmod(0o755)
        os.replace(fresh, target)
        done.append("lib %s" % name)
    return done


def images(folder, kinds, mirrors, days):
    """Build what is missing, two at a time. An image older than DAYS is made anew, because kernels and their headers leave the archive."""
    variables = {"LAB_MIRROR": mirrors["debian"], "LAB_SECURITY_MIRROR": mirrors["security"], "LAB_DEBS": folder / "debs"}

    def key_of(kind):
        # what is laid over another image follows that one
        if layered(kind[0]):
            return digest(FILES / "image" / (kind[0] + ".Containerfile"), extra=str(engine.image_id(image_name("trixie", kind[1]))))
        return digest(FILES / "image/build.sh", extra="%s %s %d" % (kind, sorted(mirrors.items()), period(days)))

    def build(kind):
        if layered(kind[0]):
            return _lay_over(kind, key_of(kind))
        setting = ["%s=%s" % item for item in variables.items()] + ["LAB_IMAGE_KEY=" + key_of(kind)]
        words = ["env", *setting, "sh", FILES / "image/build.sh", *kind, *engine.limits()]
        return engine.run(*words, timeout=1500).stdout.strip().splitlines()[-1]

    first = {("trixie" if layered(suite) else suite, kernel) for suite, kernel in kinds}
    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(build, sorted(first))) + list(pool.map(build, sorted(kinds - first)))
    done = ["image " + line.split()[1] for line in said if line.startswith("made")]
    if done:
        engine.prune_images()
    return done


def _lay_over(kind, key):
    image = image_name(*kind)
    if engine.image_key(image) == key:
        return "kept " + image
    engine.podman("build", "--quiet", "--network", "host", *engine.limits(), "--label", "ai-stack-lab.key=" + key, "--tag", image,
                  "--file", FILES / "image" / (kind[0] + ".Containerfile"), FILES / "image", timeout=1500)
    return "made " + image


def requirements(path):
    """What a file of requirements names, and the files that it names."""
    found = []
    for line in filter(None, (line.partition("#")[0].strip() for line in Path(path).read_text().splitlines())):
        word, _space, other = line.partition(" ")
        found += requirements(Path(path).parent / other.strip()) if word == "-r" else [line]
    return found


def release_name(suite, kernel):
    return image_name(suite, kernel) + "-release"


def release(folder, kinds, path):
    """Lay a published release of Nova and Placement over the images of a cloud's hosts. Its wheels are fetched once, whole; the build asks nobody."""
    wanted, done = requirements(path), []
    for kind in sorted(kinds):
        image, below = release_name(*kind), image_name(*kind)
        key = digest(FILES / "image/openstack-release.Containerfile", extra="%s %s" % (engine.image_id(below), wanted))
        if engine.image_key(image) != key:
            wheels = _wheels(folder / "wheels" / text_digest(str(wanted)), wanted, below)
            engine.podman("build", "--quiet", "--network", "none", *engine.limits(), "--label", "ai-stack-lab.key=" + key, "--tag", image,
                          "--build-arg", "BELOW=" + below, "--volume", "%s:/wheels:ro" % wheels,
                          "--file", FILES / "image/openstack-release.Containerfile", FILES / "image", timeout=1500)
            done.append("image " + image)
    if done:
        engine.prune_images()
    return done


def _wheels(place, wanted, image):
    """For the Python of an image, which is not the one of this machine."""
    if not place.exists():
        asked = ("--entrypoint", "python3", image, "-c", "import sys; print('%d.%d' % sys.version_info[:2])")
        version = engine.podman("run", "--rm", "--network", "none", *engine.limits(), *asked).stdout.strip()
        fresh = place.with_name(place.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        # pip asks this machine's Python whether a line is for it, and not the other one
        lines = [line.partition(";")[0].strip() for line in wanted]
        engine.run(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--python-version", version, "--dest", fresh,
                   *lines, timeout=1500)
        os.replace(fresh, place)
    return place


def layered(suite):
    """Whether its image is trixie's with something over it."""
    return (FILES / "image" / (suite + ".Containerfile")).exists()


def image_name(suite, kernel):
    return "localhost/ai-stack-lab:%s%s" % (suite, "" if kernel == "amd64" else "-" + kernel)
