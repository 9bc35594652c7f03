# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""lab.py look | programs | make | up | verify | down: the lab that is described on standard input. Prints {done: [...]}, or one sentence on stderr."""
import contextlib
import json
import os
import shutil
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab import accelerators, describe, engine, host, kubernetes, kueue, machine, mirrors, network, openstack, parts, repository

# longer than images take on a busy machine
LOCK_SECONDS = 1800
WORKERS = max(3, os.cpu_count() or 2)


def look(site):
    """What is not as described, without touching anything."""
    machine.check(site["cache"])
    there = engine.containers(site["network"])
    done = ["host %s" % name for name, facts in sorted(site["hosts"].items())
            if not host.as_described(site["cache"], name, facts, site["network"], site["machines"][name], there.get(name))]
    return openstack.look(site) + done + ["host %s, which the inventory does not have" % name for name in _strangers(site, there)]


def make(site):
    site["cache"].mkdir(parents=True, exist_ok=True)
    done = parts.key(site["cache"]) + parts.library(site["cache"], site["nvml_header"])
    kinds = {(facts["suite"], facts["kernel"]) for facts in site["hosts"].values()} | kubernetes.suites(site)
    done += parts.images(site["cache"], kinds, site["mirrors"], site["image_days"])
    return done + openstack.release(site) + kubernetes.make(site) + accelerators.make(site) + kueue.make(site)


def programs(site):
    """What takes long and needs no host; it can be made beside everything else."""
    return kubernetes.programs(site) + accelerators.programs(site) + kueue.programs(site)


def up(site):
    machine.room_for_hosts()
    done = network.up(site["network"], site["subnet"]) + openstack.keep(site)
    begun, there = time.time(), engine.containers(site["network"])
    done += _remove(_strangers(site, there), site["cache"])
    done += kubernetes.up(site, there.get(kubernetes.name(site)))
    with ThreadPoolExecutor(WORKERS) as pool:
        served = pool.submit(repository.up, site["cache"], site["repository"], site["network"], site["mirrors"], there.get(repository.name(site["network"])))

        def one(name):
            if site["machines"][name]["archive"]:
                served.result()
            return host.up(site["cache"], name, site["hosts"][name], site["network"], site["machines"][name], there.get(name))

        for result in pool.map(one, sorted(site["hosts"], key=lambda name: bool(site["machines"][name]["archive"]))):
            done += result
        done += served.result()
    return done + openstack.up(site, begun if done else 0)


def verify(site):
    """Each host answers and shows its cards, or the message says which does not."""
    def one(name):
        return host.wrong(site["cache"], name, site["machines"][name], site["hosts"][name]["address"])

    with ThreadPoolExecutor(WORKERS) as pool:
        wrong = [text for text in pool.map(one, sorted(site["hosts"])) if text]
    if wrong:
        raise engine.Failed("; ".join(wrong))
    openstack.verify(site)
    return []


def down(site):
    done = _remove(engine.containers(site["network"]), site["cache"])
    for name in site["hosts"]:
        shutil.rmtree(host.folder(site["cache"], name), ignore_errors=True)
    return done + network.down(site["network"], site["subnet"])


def _strangers(site, there):
    served = [repository.name(site["network"])] if site["repository"] else []
    served += [kubernetes.name(site)] if site["kubernetes"] else []
    return [name for name in there if name not in [*site["hosts"], *served]]


def _remove(names, cache):
    names = sorted(names)
    if names:
        engine.podman("rm", "--force", "--volumes", "--time", "0", *names)
    for name in names:
        shutil.rmtree(host.folder(cache, name), ignore_errors=True)
    return ["host %s removed" % name for name in names]


def read(text):
    site = json.loads(text)
    site["cache"] = Path(site["cache"])
    site["hosts"] = {name: describe.host_facts(facts) for name, facts in site["hosts"].items()}
    site["machines"] = {name: describe.machine(name, facts, site["parts"], site["repository"].get("address")) for name, facts in site["hosts"].items()}
    describe.check_mirror(site["kubernetes"])
    describe.check_addresses(site)
    site["cloud"] = describe.cloud(site["hosts"])
    for name, facts in site["hosts"].items():
        facts["image"] = openstack.image(site, name) or parts.image_name(facts["suite"], facts["kernel"])
    for one in site["machines"].values():
        one["cuda"] = site["cuda"]
        one["secure_boot"]["enrolled"] = [parts.certificate(path) for path in one["secure_boot"]["enrolled"]]
    site["mirrors"] = {**mirrors.own(), **site["mirrors"]}
    if set(site["mirrors"]) != {"debian", "security"}:
        raise describe.Mistake(mirrors.MISSING)
    return site


def alone(site, command):
    """Two runs at once would make the same images, or take each other's hosts away: the second waits. Hosts of another site are none of it."""
    names = {"make": "lock", **dict.fromkeys(("up", "down"), "lock-" + site["network"])}
    return engine.alone(site["cache"] / names[command], LOCK_SECONDS) if command in names else contextlib.nullcontext()


def main(command, text):
    try:
        site = read(text)
        with alone(site, command):
            print(json.dumps({"done": COMMANDS[command](site)}))
    except (describe.Mistake, engine.Failed, machine.Unfit) as error:
        sys.exit(str(error))
    except Exception as error:  # noqa: BLE001  an operator gets a sentence and the place of the rest
        log = Path(json.loads(text)["cache"], "error.log")
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(traceback.format_exc())
        sys.exit("the step %s ended with %s: %s; the rest is in %s" % (command, type(error).__name__, error, log))


COMMANDS = {function.__name__: function for function in (look, programs, make, up, verify, down)}

if __name__ == "__main__":
    main(sys.argv[1], sys.stdin.read())
