# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""kolla_plan.py PLAN TO: the same plan, as if kolla-ansible deployed the cloud, with podman. Prints its sha256."""

import hashlib
import json
import pathlib
import sys

plan = json.loads(pathlib.Path(sys.argv[1]).read_text())
(cloud,) = [one for one in plan["resources"] if one["kind"] == "nova_cloud"]
for row in cloud["decisions"]:
    row["value"] = {"deployment": "kolla", "handover": {"engine": "podman"}}.get(row["subject"], row["value"])
text = json.dumps(plan)
pathlib.Path(sys.argv[2]).write_text(text)
print(hashlib.sha256(text.encode()).hexdigest())
