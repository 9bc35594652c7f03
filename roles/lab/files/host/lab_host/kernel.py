# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Which kernel starts next and which of its modules it would load: asked of the files and tools that are really there."""
from __future__ import annotations

import hashlib
import json
import re
import subprocess
from pathlib import Path

from . import menu

MODULES = Path("/lib/modules")
BOOT = Path("/boot")


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def releases(boot=BOOT):
    """Installed kernels, newest last, ordered by dpkg's own rules."""
    names = [path.name[len("vmlinuz-"):] for path in boot.glob("vmlinuz-*")]
    ordered = []
    for name in names:
        at = next((i for i, other in enumerate(ordered) if run("dpkg", "--compare-versions", name, "lt", other).returncode == 0), len(ordered))
        ordered.insert(at, name)
    return ordered


def shell_assignments(paths):
    """KEY=value of the files, later ones win; quotes are taken off."""
    values = {}
    for path in paths:
        for line in path.read_text().splitlines() if path.exists() else []:
            match = re.match(r"\s*([A-Za-z_]+)=(.*)$", line)
            if match:
                values[match[1]] = match[2].strip().strip("'\"")
    return values


def grub_defaults(root="/"):
    etc = Path(root, "etc/default")
    return shell_assignments([etc / "grub", *sorted((etc / "grub.d").glob("*.cfg"))])


def take_next(boot=BOOT):
    """What starts now, {release, arguments, initrd}, None without a kernel. A one-time entry of grubenv is used up by this, as by GRUB itself."""
    installed = releases(boot)
    if not installed:
        return None
    environment = boot / "grub/grubenv"
    stored = shell_assignments([environment])
    wish = stored.get("next_entry", "")
    if wish:
        environment.write_text(re.sub(r"(?m)^next_entry=.*$", "next_entry=", environment.read_text()))
    default = grub_defaults().get("GRUB_DEFAULT", "0")
    wish = wish or (stored.get("saved_entry", "") if default == "saved" else default)
    named = [name for name in installed if re.search(r"(?<![\w.+])%s(?![\w.+])" % re.escape(name), wish)]
    release = max(named, key=len) if named else installed[-1]
    entry = menu.pick(boot, wish, release)
    if entry:
        return {"release": entry["linux"].partition("vmlinuz-")[2], "arguments": entry["arguments"], "initrd": entry.get("initrd")}
    defaults = grub_defaults()
    extra = [defaults.get(key, "") for key in ("GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT")]
    return {"release": release, "arguments": " ".join(["root=/dev/vda1 ro", *[text for text in extra if text]]), "initrd": None}


def candidates(release, modalias):
    """Names of the modules that modprobe would load for this device, what they need included, blacklists applied."""
    names = loads(release, ["--use-blacklist", modalias])
    # kmod does not apply this one, the kernel does
    denied = re.search(r"(?:^|\s)module_blacklist=(\S+)", Path("/proc/cmdline").read_text())
    return [name for name in names if name.replace("-", "_") not in (denied[1].replace("-", "_").split(",") if denied else ())]


def loads(release, wanted):
    """Debian's driver is loaded by an install command of modprobe.d, which is shown and not followed: here each modprobe in it is."""
    names = []
    for line in run("modprobe", "--set-version", release, "--show-depends", *wanted).stdout.splitlines():
        names += re.findall(r"^insmod .*/([^/\s]+)\.ko(?:\.xz|\.zst)?\s*$", line)
        if line.startswith("install "):
            for ignore, name in re.findall(r"\bmodprobe ((?:-i|--ignore-install) )?([\w-]+)", line):
                names += loads(release, (["--ignore-install"] if ignore else []) + [name])
    return names


def module(release, name):
    """modinfo of one module, or None: {filename, version, license, name, ...}; the first value of a key counts."""
    found = run("modinfo", "--set-version", release, name)
    if found.returncode:
        return None
    fields = {}
    for line in found.stdout.splitlines():
        key, colon, value = line.partition(":")
        if colon:
            fields.setdefault(key.strip(), value.strip())
    return fields if fields.get("filename", "").startswith("/") else None


def early_modules(release, cache="/var/lib/ai-stack-lab"):
    """What the initramfs of this kernel would load by itself: {nouveau: bool}. Unpacking takes a second, so the answer is kept by size and time."""
    image = BOOT / ("initrd.img-" + release)
    if not image.exists():
        return {"nouveau": False}
    stat = image.stat()
    key = hashlib.sha256(("%s %s %s" % (image, stat.st_size, stat.st_mtime_ns)).encode()).hexdigest()[:16]
    kept = Path(cache, "initramfs-%s.json" % key)
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(_look_into(image)))
    return json.loads(kept.read_text())


def _look_into(image):
    listed = run("lsinitramfs", str(image)).stdout
    if not re.search(r"/nouveau\.ko(\.xz|\.zst)?$", listed, re.MULTILINE):
        return {"nouveau": False}
    folder = "/run/ai-stack-lab/initramfs"
    run("rm", "-rf", folder)
    run("unmkinitramfs", str(image), folder)
    text = "\n".join(path.read_text() for path in sorted(Path(folder).rglob("modprobe.d/*.conf")))
    run("rm", "-rf", folder)
    denied = re.search(r"(?m)^\s*(blacklist\s+nouveau|install\s+nouveau\s+(/usr)?/bin/(false|true))\s*$", text)
    return {"nouveau": not denied}
