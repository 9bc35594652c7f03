# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A hand-over as a folder: README.md, put.sh, the files of each stage, and a script for each gate."""

from __future__ import annotations

import json
import pathlib
import shlex

from ..module_utils._pools import handover
from . import _site

_PROGRAM = pathlib.Path(__file__).with_name("_handover_gate.py")
_PUT = """\
#!/bin/sh
# {marker}
# put.sh STAGE: brings the files of a stage to where the other tool reads them, and takes those of ours away that it does not need any more. Where a later stage
# was brought before, it brings that one: nothing is turned back but by `back`. Refuses, and changes nothing, where somebody else's file is in the way, or says
# what ours would take the place of.
set -eu
case ${{1:-}} in
{stages}) ;;
*) echo "put.sh {stages}" >&2; exit 2 ;;
esac
umask 022
here=$(cd "$(dirname "$0")" && pwd) stage=$1 config={config} marker={mark}
ours() {{ grep -qF "$marker" "$1"; }}
there() {{ (cd "$config" && find {roots} -type f -exec grep -lF "$marker stage $1" {{}} +) 2>/dev/null | grep -q .; }}
passed=
[ "$stage" = back ] || for one in {order}; do
    [ -z "$passed" ] || ! there "$one" || stage=$one
    [ "$one" != "$stage" ] || passed=1
done
# one that has nothing to bring is no folder
mkdir -p "$here/$stage"
cd "$here/$stage"
in_the_way=$(find . -type f | while IFS= read -r file; do
    [ ! -e "$config/$file" ] || ours "$config/$file" || echo "$config/$file is not ours"
done)
mkdir -p "$config"
said=$(cd "$config" && find {roots} -type f 2>/dev/null | while IFS= read -r file; do
    ours "$file" || {look} "$file" || :
done)
if [ -n "$in_the_way$said" ]; then
    printf '%s\\n' "$in_the_way" "$said" {cure} >&2
    exit 1
fi
find . -type f | while IFS= read -r file; do
    mkdir -p "$(dirname "$config/$file")"
    cat "$file" >"$config/$file"
done
[ "$stage" = report ] || (cd "$config" && find {roots} -type f 2>/dev/null) | while IFS= read -r file; do
    [ -e "$here/$stage/$file" ] || ! ours "$config/$file" || rm "$config/$file"
done
"""
# what somebody else's files say of options that are ours: the tool takes one place for the other, whole
_LOOK_INI = r"""awk -v keys={keys} '
    /^\[/ {{ section = $0; sub(/^\[/, "", section); sub(/\].*/, "", section) }}
    /^[A-Za-z_]/ {{ key = $0; sub(/[ \t]*[=:].*/, "", key); if (index(keys, "|" section "/" key "|")) print FILENAME " line " FNR ": [" section "] " key }}'"""
_LOOK_YAML = "grep -noHE '^ *(nova_nova_conf_overrides|placement_placement_conf_overrides|nova_device_spec|nova_pci_alias|nova_pci_passthrough_whitelist) *:'"
_TOOLS = {
    handover.KOLLA: (
        "kolla-ansible",
        "global.conf nova.conf nova placement.conf placement",
        _LOOK_INI,
        "Take these lines out. Lines of device_spec and alias that are to stay go into handover.kept of the cloud in ai_stack_clouds: after the next deploy "
        "they stand beside ours. The other options are as the plan has them.",
    ),
    handover.OSA: (
        "OpenStack-Ansible",
        ". -maxdepth 3 -name '*.y*ml'",
        _LOOK_YAML,
        "Put what these variables say into nova_nova_conf_overrides_site or placement_placement_conf_overrides_site: ours is combined with it.",
    ),
}


def tool_of(made) -> str:
    """What the tool is called that a hand-over is for."""
    return _TOOLS[made["deployment"]][0]


def read_folder(folder) -> dict:
    """{path: text} of the files in the folder of a hand-over; one that is not ours is an error."""
    found = {}
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if not path.is_dir():
            text = _site.read(path).decode("utf-8", "replace")
            if handover.MARKER not in text:
                raise _site.SiteError(f"{path} is not of a hand-over: name another folder. Nothing was changed.")
            found[str(path.relative_to(folder))] = text
    return found


def told_before(folder) -> dict:
    """{host: what it alone was told}, of the hand-over before this one."""
    path = folder / "hosts.json"
    return _site.read_json(path)["hosts"] if path.exists() else {}


def files_of(name, made, settings, told=None) -> dict:
    """{path in the folder: text} of the hand-over of a cloud; made: what handover.of_cloud gave for the settings; told: as of told_before."""
    found = {"README.md": _readme(name, made), "put.sh": _put(name, made, settings)}
    known = {"about": handover.MARKER, "hosts": {**(told or {}), **handover.hosts_of(settings)}}
    found["hosts.json"] = json.dumps(known, indent=2, sort_keys=True) + "\n"
    for stage in made["stages"]:
        found.update({f"{stage['name']}/{path}": text for path, text in stage["files"].items()})
    program = _PROGRAM.read_text()
    found.update({f"gates/{each}.sh": _gate(gate, program) for each, gate in made["gates"].items()})
    return found


def _put(cloud, made, settings):
    _name, roots, look, cure = _TOOLS[made["deployment"]]
    stages = [stage["name"] for stage in made["stages"]]
    keys = "".join(f"|{section}/{name}" for section, name in handover.keys(settings)) + "|"
    return _PUT.format(
        stages="|".join(stages),
        order=" ".join(stages[:-1]),
        marker=handover.MARKER,
        mark=shlex.quote(f"{handover.MARKER} of {cloud},"),
        config=shlex.quote(made["config"]),
        roots=roots,
        look=look.format(keys=shlex.quote(keys)) if look is _LOOK_INI else look,
        cure=shlex.quote(cure),
    )


def _gate(gate, program):
    arguments = f"- {gate['project']} {gate['asks']} {shlex.quote(json.dumps(gate['wanted'], sort_keys=True))} <<'END_OF_PROGRAM'\n{program}END_OF_PROGRAM\n"
    if "container" in gate:
        # whoever cannot ask does not know that it is not there
        here = f'found=$({gate["engine"]} ps -aq --filter "name=^{gate["container"]}$")\n[ -n "$found" ]'
        run = f"exec {gate['engine']} exec -i {gate['container']} python3 -W ignore "
    else:
        here = f"[ -e /etc/systemd/system/{gate['unit']}.service ]"
        fact = "/etc/ansible/facts.d/openstack_ansible.fact"
        run = f"tag=$(sed -n '/^\\[{gate['venv']}\\]/,/^\\[/{{s/^venv_tag *= *//p}}' {fact})\n"
        run += f"exec /openstack/venvs/{gate['venv']}-\"$tag\"/bin/python -W ignore "
    here += f" || {{ echo '{gate['service']} does not run here'; exit {handover.NOT_HERE}; }}"
    return f"#!/bin/sh\n# {handover.MARKER}\nset -eu\n{here}\n{run}{arguments}"


def _readme(name, made):
    rows = [f"# Hand-over of the cloud {name} to {tool_of(made)}", "", f"<!-- {handover.MARKER} -->", ""]
    rows += [
        "Run `deploy` of sovereign.ai_stack first, and after each step: it binds the cards of the hosts before step 1, stops where a step of this file is due,",
        "asks the gates here and those that have no command (Placement and limits against the plan), and makes flavors and access after the last one.",
        "",
        "The steps in order; each command runs as it stands, on the host from which the cloud is deployed. A step is done when its gates say `as planned`:",
        "whoever was interrupted asks the gates from the first step on, and goes on where one does not.",
        "",
    ]
    for step in [*made["steps"], made["back"]]:
        rows += [f"## {step['n']}. {step['what']}" if step["n"] else f"## At the end of its days: {step['what']}", ""]
        rows += [f"Costs: {step['costs']}.", ""] if step["costs"] else []
        gates = [made["gates"][each]["command"] for each in step["gates"]]
        for words, commands in (("", step["commands"]), ("Gate:", gates)):
            rows += ([words, ""] if words and commands else []) + [f"    {command}" for command in commands] + ([""] if commands else [])
    return "\n".join(rows).rstrip("\n") + "\n"
