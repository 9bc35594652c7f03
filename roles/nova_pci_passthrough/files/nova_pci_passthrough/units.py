# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The units of the services: which are here, how they were started, and whether they answer."""

from __future__ import annotations

import ssl
import time
import urllib.error
import urllib.request

import ledger

SHOWN = ("LoadState", "ActiveState", "UnitFileState", "MainPID", "NRestarts")
PAUSE = 1.0
# an API that answers with this or more has no application behind it
BROKEN = 500


def look(ground, unit):
    """{LoadState, ActiveState, ...} of a unit."""
    text = ground.run(["systemctl", "show", "--property", ",".join(SHOWN), unit], check=False, timeout=60)[1]
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def here(ground, services):
    """{service: what its unit says} of those that this host has and runs, or ought to."""
    found = {name: look(ground, row["unit"]) for name, row in services.items()}
    return {name: one for name, one in found.items()
            if one.get("LoadState") == "loaded" and (one.get("ActiveState") != "inactive" or one.get("UnitFileState") == "enabled")}


def arguments(ground, pid, row):
    """The arguments that name configuration, of the running process; [] where it takes the usual files."""
    words = (ground.read("/proc/%s/cmdline" % pid) or b"").decode("utf-8", "replace").split("\0") if pid not in (None, "", "0") else [""]
    # newer services call themselves "NAME: master process [COMMAND LINE]"
    if ": master process [" in words[0]:
        words = words[0].partition("[")[2].rstrip("] ").split()
    found = []
    for at, word in enumerate(words):
        if word.startswith(("--config-file=", "--config-dir=")):
            found.append(word)
        elif word in ("--config-file", "--config-dir") and words[at + 1:at + 2] not in ([], [""]):
            found.append("%s=%s" % (word, words[at + 1]))
    return found or (["--config-file=%s" % path for path in row["files"]] if row["named"] else [])


def restart(ground, row):
    ground.run(["systemctl", "reset-failed", row["unit"]], check=False, timeout=60)
    code, text = ground.run(["systemctl", "restart", row["unit"]], check=False, timeout=300)
    if code:
        raise ledger.Refused("%s does not start: %s" % (row["unit"], ledger.tail(text, 2)))


def silent(ground, services, answer, settle):
    """Wait until every service runs on under one process and answers; {service: why not} of those that do not come to it."""
    end, first, why = time.monotonic() + answer, {}, {}
    waiting = dict(services)
    while waiting:
        for name, row in sorted(waiting.items()):
            seen = look(ground, row["unit"])
            why[name] = asked(ground, row, seen)
            at, pid = first.get(name, (None, None))
            if why[name] or pid != seen.get("MainPID"):
                again = pid is not None and pid != seen.get("MainPID")
                if again or seen.get("ActiveState") == "failed":
                    waiting.pop(name)
                    why[name] = "it ended after its start" if again else "it ended at its start"
                    continue
                first.update({} if why[name] else {name: (time.monotonic(), seen.get("MainPID"))})
            elif time.monotonic() - at >= settle:
                waiting.pop(name)
        if waiting and time.monotonic() >= end:
            break
        if waiting:
            time.sleep(PAUSE)
    return {name: why[name] or "it does not stay" for name in services if name in waiting or why[name]}


def asked(ground, row, seen):
    """Why a service is not what it should be now; "" where it is."""
    if seen.get("ActiveState") != "active":
        return "its unit is %s" % seen.get("ActiveState", "unknown")
    return answers(row["url"]) if row["url"] else ""


def answers(url):
    """uwsgi runs on without its application: only an answer tells."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=unchecked()))
    try:
        with opener.open(url, timeout=10) as reply:
            code = reply.status
    except urllib.error.HTTPError as error:
        code = error.code
    except (OSError, ValueError) as error:
        return "%s does not answer (%s)" % (url, getattr(error, "reason", None) or error)
    return "%s answers with %d" % (url, code) if code >= BROKEN else ""


def unchecked():
    """Whether it answers is asked, not who it is, and nothing is told to it."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def last_words(ground, row, since):
    """The last error that a service wrote into its log since it was that long."""
    log = (ground.read(row["log"]) or b"")[since:].decode("utf-8", "replace")
    lines = [line for line in log.splitlines() if " ERROR " in line or " CRITICAL " in line]
    # the line of the error itself, not those of its traceback
    named = [line for line in lines if "Error" in line or "Exception" in line or "Invalid" in line] or lines
    return named[-1].strip()[-300:] if named else ""


def length(ground, row):
    return len(ground.read(row["log"]) or b"")
