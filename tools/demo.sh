#!/bin/sh
# demo.sh: an operator's day on the lab: hosts up, plan with its refusals, deploy what can be, verify it.
set -eu
# shellcheck source=env.sh
. "$(dirname -- "$0")/env.sh"
reports=$AI_STACK_ROOT/reports/lab
start=$(date +%s)

say() { printf '\n=== %s  (%s s)\n' "$1" "$(($(date +%s) - start))"; }
verb() {
    name=$1
    shift
    echo "\$ ansible-playbook sovereign.ai_stack.$name -i inventories/lab $*"
    ansible-playbook "sovereign.ai_stack.$name" -i inventories/lab "$@" </dev/null
}

say "the lab: systemd hosts in podman, each with its own cards"
verb lab
say "plan: it ends with an error, since some hosts are made to be refused"
rm -f "$reports/plan.json"
if verb plan; then
    echo "demo.sh: plan refused nothing, though the lab has hosts that must be refused" >&2
    exit 1
fi
python tools/refusals.py "$reports/plan.json"
say "deploy: one host of each kind that nothing speaks against; one of them compiles its module"
verb deploy --limit lab_demo
say "verify: what was promised, read back from the hosts"
verb verify --limit lab_demo
say "done; the pages are"
for page in plan evidence; do echo "file://$reports/$page.html"; done
echo "'make lab-down' takes the lab away."
