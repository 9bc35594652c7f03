# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""upgrade.py: cut the move of a cluster to its next version off, while kubeadm moves the control plane and while a node is empty; the run after that ends it.

    upgrade.py --control HOST --node HOST --reports DIR --inventory SITE --inventory NEWER ...

Everything of the run dies: its processes here, and what it started on the host, kubeadm too.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import time
from pathlib import Path

from victim import Member

WAIT = 1800
# kubeadm writes its manifests, and waits for what they start, for half a minute and more
INSIDE = 8


class Cut:
    """One run that is killed once the journal of a host shows a step of a move."""

    def __init__(self, options, name, steps, delay):
        options.host = name
        self.options, self.victim, self.steps, self.delay = options, Member(options), steps, delay

    def run(self):
        with Path(self.options.reports, "upgrade.log").open("ab") as out:
            run = subprocess.Popen(command(self.options), stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
        end, root = time.monotonic() + WAIT, self.victim.root()
        while time.monotonic() < end and run.poll() is None:
            journal = self.victim.journal(root)
            if journal and journal.get("move") and journal["step"] in self.steps:
                time.sleep(self.delay)
                os.killpg(run.pid, signal.SIGKILL)
                self.victim.kill_what_ssh_started()
                run.wait(timeout=60)
                return f"cut   {self.victim.name} {self.delay} s into {journal['step']}"
            time.sleep(0.05)
        raise SystemExit(f"{self.victim.name} never came to {self.steps}: {run.poll()}")


def command(options):
    report = options.reports
    return ["ansible-playbook", *(word for one in options.inventory for word in ("-i", one)), "-e", f"ai_stack_report_dir={report}",
            "-e", f"ai_stack_record={report}/ai_stack.lock.yml", "sovereign.ai_stack.deploy"]  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("control", "node", "reports"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--inventory", action="append", required=True)
    options = parser.parse_args()
    Path(options.reports).mkdir(parents=True, exist_ok=True)
    print(Cut(options, options.control, {"upgrade"}, INSIDE).run(), flush=True)
    # a node sets out once it is empty
    print(Cut(options, options.node, {"begin", "upgrade", "moved"}, 0).run(), flush=True)


if __name__ == "__main__":
    main()
