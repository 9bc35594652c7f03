#!/bin/sh
# newer_kernel.sh add|upgrade|install|take: a kernel update arrives in an archive that this host reads; for real but for its content, which is the running kernel's.
set -eu
archive=/root/newer-kernel list=/etc/apt/sources.list.d/newer-kernel.list

# of the same series: 6.1.0-999-amd64 on bookworm, 6.12.999+deb13-amd64 on trixie
release=$(find /boot -name 'vmlinuz-*' | sort -V | tail -n 1 | sed -E 's/.*vmlinuz-//; s/[0-9]+((\+deb[0-9]+)?-amd64)$/999\1/')

package() { # NAME DEPENDS: a package out of the folder NAME
    mkdir -p "$archive/$1/DEBIAN"
    printf 'Package: %s\nVersion: 999-1\nArchitecture: amd64\nMaintainer: The test\nDepends: %s\nDescription: a newer kernel\n' \
        "$1" "$2" >"$archive/$1/DEBIAN/control"
    dpkg-deb --build "$archive/$1" "$archive/$1.deb" >/dev/null
    {
        dpkg-deb --field "$archive/$1.deb"
        echo "Filename: ./$1.deb"
        echo "Size: $(stat -c %s "$archive/$1.deb")"
        echo "SHA256: $(sha256sum "$archive/$1.deb" | cut -d ' ' -f 1)"
        echo
    } >>"$archive/Packages"
}

case $1 in
add)
    image=$archive/linux-image-$release
    mkdir -p "$image/boot" "$image/lib/modules/$release"
    cp "$(find /boot -name 'vmlinuz-*' | head -n 1)" "$image/boot/vmlinuz-$release"
    package "linux-image-$release" kmod
    package linux-image-amd64 "linux-image-$release"
    echo "deb [trusted=yes] file:$archive ./" >"$list"
    apt-get -qq -o Dir::Etc::SourceList="$list" -o Dir::Etc::SourceParts=- -o APT::Get::List-Cleanup=0 update
    ;;
upgrade)
    # everything, as an operator or a timer would
    apt-get --simulate dist-upgrade
    ;;
install)
    dpkg --install "$archive/linux-image-$release.deb"
    ;;
take)
    dpkg --purge "linux-image-$release" >/dev/null 2>&1
    rm -rf "$archive" "$list" "/lib/modules/$release" /var/lib/apt/lists/*newer-kernel*
    ;;
esac
