# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Steps that both kinds of hosts take."""
from __future__ import annotations

import grp
import os
import subprocess
import sys
from pathlib import Path

# programs of a published release go before those of the distribution
PROGRAMS = "/opt/openstack/bin"
AUTHORITY = Path("/usr/local/share/ca-certificates/ai-stack-lab.crt")


def run(*command, stdin=None, user=None, **environment):
    """As USER where one is named. No secret is ever a word of the command."""
    words = ["setpriv", "--reuid", user, "--regid", user, "--init-groups", *command] if user else list(command)
    environment = {**os.environ, "PATH": "%s:%s" % (PROGRAMS, os.environ["PATH"]), **environment}
    done = subprocess.run(words, input=stdin, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        sys.exit("%s: exit %d: %s" % (" ".join(command[:3]), done.returncode, (done.stderr or done.stdout).strip()[-400:]))
    return done.stdout


def write(path, content, group="root", mode=0o640):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        out.write(content)
    os.chown(fresh, 0, grp.getgrnam(group).gr_gid)
    fresh.chmod(mode)
    os.replace(fresh, path)


def write_all(files):
    for path, (group, content) in files.items():
        write(path, content, group)


def trust(certificate):
    write(AUTHORITY, certificate, mode=0o644)
    run("update-ca-certificates")
