#!/bin/sh
# build.sh: the tarball by galaxy.yml's allow-list, installed into AI_STACK_CACHE/collections when sources changed.
set -eu
# shellcheck source=env.sh
. "$(dirname -- "$0")/env.sh"
mkdir -p "$AI_STACK_CACHE/collections"
exec 8>"$AI_STACK_CACHE/build.lock"
flock -w 300 8 || { echo "build.sh: another build holds $AI_STACK_CACHE/build.lock for 5 minutes" >&2; exit 1; }

sources="galaxy.yml README.md LICENSE requirements.yml requirements.txt execution-environment.yml meta changelogs docs
         plugins roles playbooks inventories tests/sanity"
# shellcheck disable=SC2086 # a list of names; some rooms may not exist yet
stamp=$(find $sources -type f ! -path '*/__pycache__/*' ! -path '*/reports/*' -print0 2>/dev/null | sort -z | xargs -0 sha256sum | sha256sum)
if [ "$(cat "$AI_STACK_CACHE/collections/.stamp" 2>/dev/null)" = "$stamp" ] && [ -e "$AI_STACK_COPY/MANIFEST.json" ]; then
    exit 0
fi

fresh=$AI_STACK_CACHE/build.new
rm -rf "$fresh"
mkdir -p "$fresh/tarball"
ansible-galaxy collection build -v --force --output-path "$fresh/tarball" . >"$fresh/log" 2>&1 || { cat "$fresh/log" >&2; exit 1; }
tarball=$(ls "$fresh"/tarball/sovereign-ai_stack-*.tar.gz)
ansible-galaxy collection install --offline --no-deps --force -p "$fresh" "$tarball" >"$fresh/log" 2>&1 || { cat "$fresh/log" >&2; exit 1; }
# swapped by two renames: a play that is starting meets an old or a new copy, hardly ever none
rm -rf "$AI_STACK_CACHE/build.old"
[ ! -e "$AI_STACK_COPY" ] || mv "$AI_STACK_COPY" "$AI_STACK_CACHE/build.old"
mkdir -p "$(dirname -- "$AI_STACK_COPY")" "$AI_STACK_CACHE/tarball"
mv "$fresh/ansible_collections/sovereign/ai_stack" "$AI_STACK_COPY"
rm -f "$AI_STACK_CACHE"/tarball/*.tar.gz
mv "$tarball" "$AI_STACK_CACHE/tarball/"
rm -rf "$fresh" "$AI_STACK_CACHE/build.old"
echo "$stamp" >"$AI_STACK_CACHE/collections/.stamp"
echo "built $(ls "$AI_STACK_CACHE"/tarball/*.tar.gz) and installed it in $AI_STACK_CACHE/collections"
