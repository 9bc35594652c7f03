#!/bin/sh
# other_core.sh: unit tests and sanity under the second ansible-core, which needs Python 3.12 or later.
# Where this machine has none, inside a minimal Debian 13 made for it.
set -eu
# shellcheck source=env.sh
. "$(dirname -- "$0")/env.sh"

here() {
    export AI_STACK_VENV="$AI_STACK_CACHE/venv-long"
    "$AI_STACK_VENV/bin/ansible-playbook" --version
    tools/check.sh unit
    tools/check.sh sanity
}

inside_trixie() {
    root=$AI_STACK_CACHE/trixie
    [ -e "$root/usr/bin/python3" ] || mmdebstrap --variant=apt --include=python3-venv,git,ca-certificates,procps,make,gcc,libc6-dev trixie "$root"
    # the machine's own certificates and package index hold inside too. Its own cache: a venv belongs to the Python that made it
    mkdir -p "$AI_STACK_CACHE/inside" && cp -r "$AI_STACK_CACHE/collections" "$AI_STACK_CACHE/inside/"
    # shellcheck disable=SC3045 # dash and bash know -H; more than the hard limit is refused by runc
    ulimits="--ulimit nofile=$(ulimit -Hn):$(ulimit -Hn) --ulimit nproc=32768:32768"
    # shellcheck disable=SC2086 # two options
    podman run --rm --runtime runc $ulimits --network host --volume "$AI_STACK_ROOT:/src:ro" --volume "$AI_STACK_CACHE/inside:/cache" \
        --volume /etc/ssl/certs:/etc/ssl/certs:ro --env PIP_CERT=/etc/ssl/certs/ca-certificates.crt --env 'PIP_INDEX*' \
        --env AI_STACK_CACHE=/cache --env AI_STACK_SKIP_SYSTEM=1 --env AI_STACK_ROOT=/src --env PYTHONDONTWRITEBYTECODE=1 \
        --workdir /src --rootfs "$root" sh -c 'git config --global --add safe.directory /src && sh tools/install.sh long && sh tools/other_core.sh here' </dev/null
}

if [ "${1:-}" = here ] || sh tools/install.sh long; then
    here
else
    inside_trixie
fi
