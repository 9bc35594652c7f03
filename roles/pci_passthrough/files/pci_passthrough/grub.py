# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""GRUB: the entry that boots, a copy of it that is tried once, and the arguments that stay.

The module kernels is the one that observes: it comes into the archive from plugins/module_utils/_parse, so that plan and act read alike.
"""

from __future__ import annotations

import os
import re

import host
import kernels

CONFIG = "/boot/grub/grub.cfg"
ENVIRONMENT = "/boot/grub/grubenv"
CUSTOM = "/boot/grub/custom.cfg"
IMAGE = "/boot/ai-stack-trial.img"
DROP_IN = "/etc/default/grub.d/zz-ai-stack-pci-passthrough.cfg"
ENTRY = "ai-stack-trial"
MARKER = "managed by sovereign.ai_stack"
# GRUB and the shell read these words: nothing in one may end it.
WORD = re.compile(r"[A-Za-z0-9_.,:=/@+%-]+$")
TRIAL = "ai_stack.trial="
_LINUX = re.compile(r"(\s*linux(?:16|efi)?\s+\S+)(.*)$")
_INITRD = re.compile(r"(\s*initrd(?:16|efi)?\s+)(.*)$")


def environment():
    return kernels.grubenv(host.text(ENVIRONMENT) or "")


def entry():
    """Return the entry that boots when nothing is tried, with its kernel, its words and the lines of its body."""
    config = host.text(CONFIG)
    if config is None:
        raise host.Refused("there is no %s" % CONFIG)
    lasting = {name: value for name, value in environment().items() if name != "next_entry"}
    found = kernels.grub_pick(kernels.grub_entries(config), kernels.grub_wanted(config, lasting)[0])
    lines = [line for line in (found or {"body": []})["body"] if _LINUX.match(line)]
    if not lines or found["kernel"] is None:
        raise host.Refused("%s does not say which entry boots" % CONFIG)
    return dict(found, words=_LINUX.match(lines[0]).group(2).split())


def releases(config):
    """Return the kernels that a configuration has entries for."""
    return {found["kernel"] for found in kernels.grub_entries(config)}


def refusals():
    """Yield what keeps an entry from being tried once."""
    if host.read(ENVIRONMENT) is None:
        yield "there is no %s" % ENVIRONMENT
    config = host.text(CONFIG) or ""
    if "save_env next_entry" not in config:
        yield "%s does not take an entry for one boot" % CONFIG
    if "custom.cfg" not in config:
        yield "%s does not read custom.cfg" % CONFIG
    custom = host.text(CUSTOM)
    if custom is not None and MARKER not in custom:
        yield "%s is somebody else's" % CUSTOM
    if environment().get("next_entry") not in (None, "", ENTRY):
        yield "the next boot is somebody else's: next_entry is %s" % environment()["next_entry"]


def without(words, gone):
    """Return the words without these, each once and from the end, where they were added."""
    left = list(reversed(words))
    for word in gone:
        if word in left:
            left.remove(word)
    return list(reversed(left))


def trial_entry(found, words):
    """Return the text of an entry that boots the same kernel with these words and the trial's own initramfs."""
    body, images = [], 0
    for line in found["body"]:
        linux, initrd = _LINUX.match(line), _INITRD.match(line)
        if linux:
            line = "%s %s" % (linux.group(1), " ".join(words))
        elif initrd:
            names = initrd.group(2).split()
            mine = [name for name in names if name.endswith("initrd.img-" + found["kernel"])]
            images += len(mine)
            line = initrd.group(1) + " ".join(os.path.dirname(name).rstrip("/") + "/" + os.path.basename(IMAGE) if name in mine else name for name in names)
        body.append(line)
    if images != 1:
        raise host.Refused("the entry that boots has no initramfs of its own")
    head = "menuentry 'AI stack: tried once' --unrestricted --id '%s' {" % ENTRY
    return "\n".join(["# " + MARKER, head, *body, "}"]) + "\n"


def arm():
    """Have the next boot, and no other, take the trial's entry."""
    host.run(["grub-reboot", ENTRY])
    if environment().get("next_entry") != ENTRY:
        raise host.Refused("grub-reboot ended well, yet %s does not have it" % ENVIRONMENT)


def disarm():
    if environment().get("next_entry") == ENTRY:
        host.run(["grub-editenv", host.at(ENVIRONMENT), "unset", "next_entry"])


def in_trial():
    """Say whether this boot is the trial."""
    return TRIAL in (host.text("/proc/cmdline") or "")


def drop_in(words):
    """Arguments are added to what others say, never put in its place."""
    return '# %s\nGRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX %s"\n' % (MARKER, " ".join(words)) if words else None


def update(words):
    """Write grub.cfg anew, and prove that the entry that boots has these words."""
    host.run(["update-grub"])
    missing = [word for word in words if word not in entry()["words"]]
    if missing:
        raise host.Refused("%s was written anew, yet the entry that boots lacks %s" % (CONFIG, " ".join(missing)))
