# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Stands before runc on a node whose driver is loaded. A kernel shows what a driver keeps in /proc to every container; the machine's own kernel has no driver,
so what the lab shows the node is bound into each container before any other hook runs: NVIDIA's hooks look for it there."""
import json
import os
import pathlib
import sys

RUNC = "/usr/sbin/runc"
SHOWN = "/run/ai-stack-lab/proc-driver"


def add(config, bundle):
    """The hook, first of those that run in the container's mounts while the node's are still in sight."""
    target = os.path.join(bundle, config["root"]["path"], "proc/driver")
    hook = {"path": "/usr/bin/mount", "args": ["mount", "--rbind", SHOWN, target]}
    config.setdefault("hooks", {}).setdefault("createContainer", []).insert(0, hook)
    return config


def main(words):
    if "create" in words and "--bundle" in words:
        bundle = words[words.index("--bundle") + 1]
        file = pathlib.Path(bundle, "config.json")
        file.write_text(json.dumps(add(json.loads(file.read_text()), bundle)))
    os.execv(RUNC, ["runc", *words])


if __name__ == "__main__":
    main(sys.argv[1:])
