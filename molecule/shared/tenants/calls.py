# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Run on the controller, from which a deploy asks, as calls.py ADDRESS begin | ADDRESS say: seconds and requests since then, by the services' access logs.

ADDRESS is the controller's own. Of Keystone the requests of the SDK are a deploy's: Nova and Placement ask it too, for every request that they get.
"""

import json
import re
import sys
import time
from pathlib import Path

MARKS = Path("/run/ai-stack-calls.json")
# uwsgi writes one such line a request, beside those of the application
UWSGI = r"\[pid: .*?\] %s \(.*?\) \{.*?\} \[.*?\] [A-Z]+ /"
APACHE = r'\S+ \S+ - - \[.*?\] "[A-Z]+ .*?" .*"%s'
ADDRESS = re.escape(sys.argv[1])
LOGS = {
    "keystone": ("/var/log/apache2/other_vhosts_access.log", APACHE, "openstacksdk"),
    "nova-api": ("/var/log/nova/nova-api.log", UWSGI, ADDRESS),
    "placement-api": ("/var/log/placement/placement-api.log", UWSGI, ADDRESS),
}


def counted(text, line, asked):
    """(requests of the deploy, requests of others)"""
    every = [row for row in text.splitlines() if re.match(line % ".*?", row)]
    mine = [row for row in every if re.match(line % asked, row)]
    return len(mine), len(every) - len(mine)


if sys.argv[2] == "begin":
    MARKS.write_text(json.dumps({"at": time.time(), **{name: Path(path).stat().st_size for name, (path, *_how) in LOGS.items()}}))
else:
    marks = json.loads(MARKS.read_text())
    found = {name: counted(Path(path).read_bytes()[marks[name] :].decode(errors="replace"), *how) for name, (path, *how) in LOGS.items()}
    mine, others = (sum(pair[at] for pair in found.values()) for at in (0, 1))
    rows = ", ".join(f"{name} {pair[0]}" for name, pair in found.items())
    print(f"deploy: {time.time() - marks['at']:.0f} s, {mine} API calls ({rows}); {others} more of the services among themselves")
