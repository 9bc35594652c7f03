# shellcheck shell=sh
# Sourced by every tool: where the venv, the built copy and Ansible's own files are. AI_STACK_CACHE moves all of them.
# shellcheck disable=SC3028 # unset in sh; bash needs it when a person sources this file
AI_STACK_ROOT=${AI_STACK_ROOT:-$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE:-$0}")/.." && pwd)}
AI_STACK_CACHE=${AI_STACK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sovereign.ai_stack}
AI_STACK_VENV=${AI_STACK_VENV:-$AI_STACK_CACHE/venv}
AI_STACK_COPY=$AI_STACK_CACHE/collections/ansible_collections/sovereign/ai_stack
PATH=$AI_STACK_VENV/bin:$PATH
# what is tested is what partners get: the installed copy, never the work tree
ANSIBLE_COLLECTIONS_PATH=$AI_STACK_CACHE/collections
ANSIBLE_HOME=${ANSIBLE_HOME:-$AI_STACK_CACHE/ansible}
# Debian's root has the C locale, which Ansible refuses
LC_ALL=C.UTF-8
# the lab has more hosts than Ansible's five
ANSIBLE_FORKS=${ANSIBLE_FORKS:-12}
export AI_STACK_ROOT AI_STACK_CACHE AI_STACK_VENV AI_STACK_COPY PATH ANSIBLE_COLLECTIONS_PATH ANSIBLE_HOME LC_ALL ANSIBLE_FORKS
# a make that a test or a lab host starts is not part of this one
unset MAKEFLAGS MAKELEVEL MFLAGS
cd "$AI_STACK_ROOT" || exit 1
