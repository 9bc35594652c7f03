#!/bin/sh
# Take a Kubernetes node out of service before its reboot, and bring it back: `drain HOST` and `resume HOST`, as deploy calls it.
set -eu
case ${1:-} in
drain) exec kubectl drain --ignore-daemonsets --delete-emptydir-data --timeout=900s "$2" ;;
resume) exec kubectl uncordon "$2" ;;
*) echo "drain.sh: drain HOST or resume HOST" >&2; exit 2 ;;
esac
