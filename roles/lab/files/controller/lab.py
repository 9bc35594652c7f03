# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""lab.py up | down | look: brings the lab that is described on standard input up or down; prints {changed, done, hosts} as JSON."""
import json
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab import describe, engine, host, network, parts


def up(site):
    cache = Path(site["cache"])
    cache.mkdir(parents=True, exist_ok=True)
    machines = {name: describe.machine(name, facts, site["parts"]) for name, facts in site["hosts"].items()}
    done = parts.key(cache) + parts.library(cache, site["nvml_header"])
    kinds = {(facts["suite"], facts["kernel"]) for facts in site["hosts"].values()}
    done += parts.images(cache, kinds, site["mirrors"], site["image_days"])
    done += network.up(site["network"], site["subnet"])
    there = engine.containers()
    done += _remove([name for name in there if name not in site["hosts"] and not site["limited"]], cache)

    def one(name):
        return host.up(cache, name, site["hosts"][name], site["network"], machines[name], there.get(name))

    with ThreadPoolExecutor(max(2, (os.cpu_count() or 2))) as pool:
        for result in pool.map(one, sorted(site["hosts"])):
            done += result
    return done


def down(site):
    cache = Path(site["cache"])
    done = _remove(engine.containers(), cache)
    done += network.down(site["network"], site["subnet"])
    shutil.rmtree(cache / "hosts", ignore_errors=True)
    return done


def _remove(names, cache):
    names = sorted(names)
    if names:
        engine.podman("rm", "--force", "--time", "0", *names)
    for name in names:
        shutil.rmtree(host.folder(cache, name), ignore_errors=True)
    return ["host %s removed" % name for name in names]


def look(site):
    """What differs, without touching anything."""
    there, done = engine.containers(), []
    for name, facts in site["hosts"].items():
        machine = describe.machine(name, facts, site["parts"])
        label = host.wanted(Path(site["cache"]), name, facts, site["network"])[1]
        file = host.folder(Path(site["cache"]), name) / "host.json"
        same = file.exists() and json.loads(file.read_text()) == machine
        if not (name in there and there[name]["running"] and there[name]["labels"][engine.LABEL] == label and same):
            done.append("host %s" % name)
    return done


def main():
    site = json.load(sys.stdin)
    site["hosts"] = {name: describe.host_facts(facts) for name, facts in site["hosts"].items()}
    try:
        done = {"up": up, "down": down, "look": look}[sys.argv[1]](site)
    except (describe.Mistake, engine.Failed) as error:
        print(json.dumps({"failed": str(error)}))
        return 1
    print(json.dumps({"changed": bool(done), "done": done}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
