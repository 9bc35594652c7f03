#!/bin/sh
# lab.sh up|down [ansible-playbook options]: the lab's hosts by the verb that operators would use.
set -eu
# shellcheck source=env.sh
. "$(dirname -- "$0")/env.sh"
case ${1:-} in
up) state=present ;;
down) state=absent ;;
*) echo "lab.sh: up or down" >&2; exit 2 ;;
esac
shift
exec ansible-playbook sovereign.ai_stack.lab -i inventories/lab -e "lab_state=$state" "$@" </dev/null
