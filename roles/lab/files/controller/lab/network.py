# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The lab's network. Its unreachable route comes first and goes last: nothing addressed to a lab host ever leaves this machine."""
from __future__ import annotations

import json

from . import engine

METRIC = "4096"


def route_there(subnet):
    return "unreachable %s" % subnet in engine.run("ip", "route", "show", subnet).stdout


def network(name):
    found = engine.podman("network", "inspect", name, check=False)
    return json.loads(found.stdout)[0] if found.returncode == 0 else None


def remove(name):
    """Only when nobody uses it: a container that is not the lab's would be taken along."""
    gone = engine.podman("network", "rm", name, check=False)
    if gone.returncode:
        used = engine.podman("ps", "--all", "--filter", "network=" + name, "--format", "{{.Names}}").stdout.split()
        raise engine.Failed("the network %s stays, because containers that are not the lab's use it: %s" % (name, " ".join(used) or gone.stderr.strip()))


def up(name, subnet):
    done = []
    if not route_there(subnet):
        engine.run("ip", "route", "replace", "unreachable", subnet, "metric", METRIC)
        done.append("route %s" % subnet)
    there = network(name)
    if there and [entry["subnet"] for entry in there["subnets"]] != [subnet]:
        remove(name)
        there = None
    if not there:
        engine.podman("network", "create", "--label", name, "--subnet", subnet, name)
        done.append("network %s" % name)
    return done


def down(name, subnet):
    done = []
    if network(name):
        remove(name)
        done.append("network %s" % name)
    if route_there(subnet):
        engine.run("ip", "route", "del", "unreachable", subnet)
        done.append("route %s" % subnet)
    return done
