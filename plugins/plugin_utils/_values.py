# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Values of charts that a site applies itself, by Helm or what it has for that, as files beside the plan."""

from __future__ import annotations

import yaml

from ..module_utils._cluster import proof
from . import _clusters, _site

MARK = "# Written by sovereign.ai_stack with the plan of the site; each plan writes it anew."
_HEAD = """\
{mark}
# Values of the operator of cluster {cluster}, {operator} {version}. Others come from a file of the site's own, before this one:
#   helm upgrade --install {name} {name} --repo {repository} --version {tag} --namespace {namespace} --values OWN --values {file}
"""


class _Lines(yaml.SafeDumper):
    """Text of several lines as such."""


def _text(dumper, text):
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Lines.add_representer(str, _text)


def files_of(plan) -> dict:
    """{name of the file: text} of the operators that a plan decided."""
    found = {}
    for one in _clusters.of_plan(plan):
        operator = proof.decided(one).get("operator")
        if operator:
            found[f"operator-{one['id']}.yml"] = _file(one["id"], operator)
    return found


def _file(cluster, operator):
    chart = operator["chart"]
    head = _HEAD.format(mark=MARK, cluster=cluster, file=f"operator-{cluster}.yml", tag=chart["version"], name=chart["name"],
                        repository=chart["repository"], **{key: operator[key] for key in ("operator", "version", "namespace")})  # fmt: skip
    return head + yaml.dump(operator["values"], Dumper=_Lines, sort_keys=True, width=150)


def save(reports, plan) -> dict:
    """Write them, and take those of plans before away that nothing decides any more; {name of the file: its place}. What is refused decides nothing: whoever
    reads the files of before would take the operator away."""
    files = files_of(plan)
    for path in reports.root.glob("operator-*.yml") if not plan["conflicts"] else ():
        if path.name not in files and _site.read(path).decode("utf-8", "replace").startswith(MARK):
            _site.remove(path)
    for name, text in files.items():
        reports.save(name, [text])
    return {name: str(reports.path(name)) for name in files}
