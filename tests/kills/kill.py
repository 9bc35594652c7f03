# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""kill.py: cut deploys off at each journal step, and demand that the run after them makes the host equal to one that was never cut off.

    kill.py --host gpu-h100-1 --inventory inventories/lab --reports DIR [--role ROLE] [--steps packages,module | --random SECONDS --seed N]

The product has no test hook: the journal of the host is watched from outside, and the kill comes from there.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import time
from pathlib import Path

from victim import HOSTS

WAIT = 3600
UNREACHABLE = 4  # what ansible-playbook ends with


class Harness:
    def __init__(self, options):
        self.options, self.victim = options, HOSTS[options.role](options)
        self.log = Path(options.reports, "kills.log")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.reference = None

    def run(self, name):
        with self.log.open("ab") as out:
            for _each in range(3):
                code = subprocess.run(self.victim.command(name), stdin=subprocess.DEVNULL, stdout=out, stderr=out, timeout=WAIT, check=False).returncode
                if code != UNREACHABLE:
                    break
                self.victim.wait_until_up()
        return code

    def demand(self, name):
        if self.run(name):
            raise SystemExit(f"{name} failed without any kill, see {self.log}")

    def kept_on_its_way(self):
        """The run that is never cut off, with the host kept in each of its steps: a cut at random need not come there again."""
        with self.log.open("ab") as out:
            run = subprocess.Popen(self.victim.command(self.victim.GIVE), stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        end, root = time.monotonic() + WAIT, self.victim.root()
        while time.monotonic() < end and run.poll() is None:
            journal = self.victim.journal(root)
            if journal:
                self.victim.keep(journal["step"])
            time.sleep(0.05)
        if run.wait(timeout=1):
            raise SystemExit(f"{self.victim.GIVE} failed without any kill, see {self.log}")
        # where a removal begins
        for step in self.victim.TAKEN:
            self.victim.keep(step)

    def cut_at(self, step, how, delay):
        """Cut one run off, on a host that answers: an earlier cut may have come in the middle of a reboot, and an earlier run may have got over its own."""
        for _each in range(3):
            reached, code = self.cut_once(step, how, delay)
            if reached or code not in (0, UNREACHABLE):
                break
            if code:
                self.victim.wait_until_up()
            else:
                self.undo(step)
        return reached

    def undo(self, step):
        """Make the host one that comes to a step."""
        if step in self.victim.BARE:
            self.demand(self.victim.TAKE)
        elif step in self.victim.DRIFTED:
            self.victim.drift()

    def cut_once(self, step, how, delay):
        """Start a run and cut it off once the journal shows the step; say whether it got there, and no further than that, and how it ended."""
        with self.log.open("ab") as out:
            name = self.victim.TAKE if step in self.victim.TAKEN else self.victim.GIVE
            run = subprocess.Popen(self.victim.command(name), stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
        end, root = time.monotonic() + WAIT, self.victim.root()
        while time.monotonic() < end and run.poll() is None:
            journal = self.victim.journal(root)
            if journal and journal["step"] == step:
                time.sleep(delay)
                # a run that gets over it by itself, as over a wait that was killed, is judged by what it left; one at random may come after the end
                was_cut = self.victim.cut(how, run)
                run.wait(timeout=WAIT)
                return was_cut or bool(self.options.random), run.returncode
            time.sleep(0.05)
        return False, run.poll()

    def chain(self, cuts):
        """Cut one run after the other off, CUTS: [(step, how, seconds into it)]; the last run, which nobody cuts off, has to mend what all of them left."""
        began = time.monotonic()
        first = cuts[0][0]
        if not (self.options.random and self.victim.back(first)):
            self.undo(first)
        good = True
        for step, how, delay in cuts:
            reached = self.cut_at(step, how, delay)
            good = good and reached
            verdict, said = ("cut ", "") if reached else ("FAIL", ", which the run never showed, or was not cut off")
            print(f"{verdict}  {how:<10} killed {delay:4.1f} s into {step}{said}", flush=True)
        code = self.run(self.victim.GIVE)
        now = self.victim.picture()
        differs = sorted(set(now) ^ set(self.reference))
        good = good and code == 0 and not differs
        print(f"{'ok  ' if good else 'FAIL'}  next run: {code}, {len(differs)} differences, {time.monotonic() - began:.0f} s", flush=True)
        for line in differs[:20]:
            print(f"      {'extra  ' if line in now else 'missing'} {line}")
        if not good:
            # the next scenario clears the folder that the log is in
            print("the end of the log:", *self.log.read_text(errors="replace").splitlines()[-80:], sep="\n      ", flush=True)
        return good

    def chains(self):
        """Each step once, by each way in turn; or one cut at random, as long as there is time."""
        victim, chance = self.victim, random.Random(self.options.seed)
        steps = self.options.steps.split(",") if self.options.steps else victim.TAKEN + victim.BARE + victim.DRIFTED
        if self.options.random:
            end = time.monotonic() + self.options.random
            while time.monotonic() < end:
                yield [(chance.choice(steps), chance.choice(victim.HOW), round(chance.uniform(0, victim.CHANCE), 1))]
            return
        for known in (victim.TAKEN + victim.BARE, victim.DRIFTED):
            ways = [self.options.how] if self.options.how else victim.HOW
            cuts = [(step, ways[at % len(ways)], round(chance.uniform(0.1, victim.LATEST), 1)) for at, step in enumerate(steps) if step in known]
            if cuts:
                yield cuts

    def main(self):
        print(f"seed {self.options.seed}")
        if self.options.random and self.victim.KEEPS:
            self.kept_on_its_way()
        else:
            self.demand(self.victim.GIVE)
        self.reference = self.victim.picture()
        results = [self.chain(cuts) for cuts in self.chains()]
        print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
        return 0 if results and all(results) else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", required=True)
    parser.add_argument("--inventory", required=True)
    parser.add_argument("--reports", required=True)
    parser.add_argument("--role", choices=sorted(HOSTS), default="gpu_driver")
    parser.add_argument("--steps")
    parser.add_argument("--how", choices=sorted({way for host in HOSTS.values() for way in host.HOW}))
    parser.add_argument("--random", type=float, default=0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    return Harness(parser.parse_args()).main()


if __name__ == "__main__":
    sys.exit(main())
