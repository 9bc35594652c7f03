#!/bin/sh
# install.sh [short|long|browser|machine]: what a bare Debian 12 or 13 machine needs before the other tools. Root or sudo.
#   short  the tools of every target (default): AI_STACK_VENV, else AI_STACK_CACHE/venv
#   long   the second ansible-core of `make test-long`: AI_STACK_CACHE/venv-long, needs Python 3.12 or later
#   browser  Chromium and its driver, for the tests of the pages in `make test-long`
#   machine  QEMU and what makes a disk for it, for the scenarios with a kernel of their own
# A second run finds the stamp and is done. Nothing is asked on stdin.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cache=${AI_STACK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sovereign.ai_stack}
kind=${1:-short}
collections="ansible.posix community.general containers.podman"
debs="python3-venv podman runc netavark aardvark-dns iptables iproute2 uidmap slirp4netns mmdebstrap"
debs="$debs debian-archive-keyring openssh-client ca-certificates procps xz-utils zstd gcc libc6-dev make git shellcheck"

fail() { echo "install.sh: $*" >&2; exit 1; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
has_deb() { dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }

check_system() {
    # shellcheck disable=SC1091 # the machine's own file
    id=$(. /etc/os-release 2>/dev/null && echo "${ID:-unknown}:${VERSION_ID:-}") || id=unknown:
    case $id in
    debian:12 | debian:13) ;;
    *) fail "this is ${id%:} and not Debian 12 or 13, so install these by hand and set AI_STACK_SKIP_SYSTEM=1: $debs." ;;
    esac
    [ "$(id -u)" = 0 ] || command -v sudo >/dev/null || fail "neither root nor sudo: one of them is missing to install packages."
}

# only what is missing, so that a warm machine does not even refresh its lists
install_debs() {
    missing=$(for p in $debs; do has_deb "$p" || printf '%s ' "$p"; done)
    [ -n "$missing" ] || return 0
    echo "installing with apt: $missing"
    as_root apt-get -o DPkg::Lock::Timeout=600 update -qq
    # shellcheck disable=SC2086 # a list of names
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -qq -y -o Dpkg::Use-Pty=0 --no-install-recommends $missing </dev/null
}

# a systemd host takes about five inotify instances; a user has 128 of them by default
raise_inotify() {
    now=$(cat /proc/sys/fs/inotify/max_user_instances)
    [ "$now" -ge 1024 ] || as_root sysctl -q -w fs.inotify.max_user_instances=1024 ||
        echo "install.sh: fs.inotify.max_user_instances stays $now; more than 25 lab hosts will not start" >&2
}

# pyenv's shims are on PATH even for versions that are not switched on, and then only print an error: hence the trial run
runs_from() { "$1" -c 'import sys, ssl, ensurepip; sys.exit(sys.version_info < (3, int(sys.argv[1])))' "$2" 2>/dev/null; }
pick_python() {
    set -- /usr/bin/python3
    # a pattern that matches nothing stays a name that does not run
    [ "$kind" = short ] || set -- "$@" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[2-9].*/bin/python3 python3.13 python3.12
    for p; do
        if runs_from "$p" "$least"; then
            echo "$p"
            return
        fi
    done
    return 1
}

# No collection server needed: the `ansible` wheel carries 90 collections, and ours are unpacked from it (20 MB, not 440)
unpack_collections() {
    site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    "$venv/bin/pip" download -q --no-deps --only-binary :all: -d "$work" -r "$here/$bundle"
    # shellcheck disable=SC2086 # a list of names
    "$venv/bin/python" "$here/unpack_collections.py" "$work"/ansible-*.whl "$site" $collections
}

case $kind in
short) least=11 venv=${AI_STACK_VENV:-$cache/venv} wanted=requirements.txt bundle=bundle.txt ;;
browser) debs="chromium chromium-driver" ;;
machine) debs="qemu-system-x86 qemu-utils fdisk e2fsprogs mmdebstrap debian-archive-keyring openssh-client" ;;
long) least=12 venv=$cache/venv-long wanted=requirements-long.txt bundle=bundle-long.txt ;;
*) fail "unknown kind '$kind': short, long, browser or machine" ;;
esac
if [ -z "${AI_STACK_SKIP_SYSTEM:-}" ]; then
    check_system
    install_debs
    raise_inotify
fi
case $kind in browser | machine) exit 0 ;; esac
place=$(dirname -- "$venv")
mkdir -p "$place"
# several checkouts may share one venv: the second waits for the first
exec 9>"$place/install.lock"
flock -w 900 9 || fail "another install.sh holds $place/install.lock for 15 minutes"
python=$(pick_python) || fail "no Python 3.$least or later with venv is found for the $kind tools."
stamp=$({ cat "$0" "$here/$wanted" "$here/constraints.txt" "$here/$bundle" "$here/unpack_collections.py"; "$python" --version; } | sha256sum)
[ "$(cat "$venv/.stamp" 2>/dev/null)" = "$stamp" ] && exit 0
echo "making $venv with $("$python" --version)"
"$venv/bin/python" -c '' 2>/dev/null || { rm -rf "$venv"; "$python" -m venv "$venv"; }
"$venv/bin/pip" install -q --disable-pip-version-check -r "$here/$wanted" -c "$here/constraints.txt"
unpack_collections
echo "$stamp" >"$venv/.stamp"
"$venv/bin/python" -c 'import ansible.release; print("ansible-core", ansible.release.__version__)'
