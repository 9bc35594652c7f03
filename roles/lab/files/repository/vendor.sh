#!/bin/sh
# vendor.sh OUT WORK: packages with the names that Ubuntu and the vendor's RHEL repository use, for the stand-in distributions.
# The module is a small one that really compiles, nvidia-smi is Debian's real one, the library is a place for the lab's stand-in.
# LAB_RHEL_KERNEL: the kernel of the RHEL-like hosts. LAB_VENDOR_VERSIONS: VERSION or VERSION-server, the names of Ubuntu's two kinds; the RHEL repository takes the -server ones.
# shellcheck disable=SC2016 # text of scripts that packages carry
set -eu
out=$1 work=$2
here=$(cd "$(dirname "$0")" && pwd)
lab=/usr/lib/ai-stack-lab
multiarch=usr/lib/x86_64-linux-gnu

# the real nvidia-smi, of bookworm
(cd "$work" && apt-get -qq -o Dir::State="$work/apt-bookworm" -o Dir::State::lists="$work/apt-bookworm/lists" -o Dir::State::status="$work/apt-bookworm/status" \
    -o Dir::Cache="$work/apt-bookworm/cache" -o Dir::Etc::SourceList="$work/apt-bookworm/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o APT::Sandbox::User=root download nvidia-smi && dpkg-deb -x nvidia-smi_*.deb smi)
smi=$(find "$work/smi" -type f -path '*/current/nvidia-smi')

source_tree() { # root version flavour
    mkdir -p "$1/usr/src/nvidia-$2"
    license=NVIDIA
    [ "$3" = proprietary ] || license="Dual MIT/GPL"
    for f in nvidia.c Makefile dkms.conf; do
        sed "s#@VERSION@#$2#; s#@LICENSE@#$license#" "$here/module/$f" >"$1/usr/src/nvidia-$2/$f"
    done
}

pack() { # name version depends: the tree is in $work/tree
    mkdir -p "$work/tree/DEBIAN"
    cat >"$work/tree/DEBIAN/control" <<CONTROL
Package: $1
Version: $2-0ubuntu0.24.04.1
Architecture: amd64
Maintainer: Ubuntu-like stand-in of the lab <root@localhost>
Depends: $3
Description: stand-in for tests
CONTROL
    [ -n "$3" ] || sed -i '/^Depends:/d' "$work/tree/DEBIAN/control"
    chmod 755 "$work/tree/DEBIAN"/p* 2>/dev/null || true
    dpkg-deb --root-owner-group -Zgzip -b "$work/tree" "$out/ubuntu/pool/main" >/dev/null
    rm -rf "$work/tree"
}

dkms_scripts() { # version
    mkdir -p "$work/tree/DEBIAN"
    printf '#!/bin/sh\nset -e\n[ "$1" != configure ] || /usr/lib/dkms/common.postinst nvidia %s\n' "$1" >"$work/tree/DEBIAN/postinst"
    printf '#!/bin/sh\nset -e\n! dkms status -m nvidia -v %s | grep -q . || dkms remove -m nvidia -v %s --all\n' "$1" "$1" >"$work/tree/DEBIAN/prerm"
}

ubuntu() { # version suffix ("" or "-server")
    branch=${1%%.*}$2 revision=$1-0ubuntu0.24.04.1
    for open in "" -open; do
        mkdir -p "$work/tree"
        source_tree "$work/tree" "$1" "$([ -z "$open" ] && echo proprietary || echo open)"
        dkms_scripts "$1"
        pack "nvidia-dkms-$branch$open" "$1" "dkms, nvidia-kernel-common-$branch (= $revision)"
    done
    mkdir -p "$work/tree/usr/lib/modprobe.d"
    printf 'blacklist nouveau\nblacklist lbm-nouveau\nalias nouveau off\n' >"$work/tree/usr/lib/modprobe.d/nvidia-graphics-drivers.conf"
    mkdir -p "$work/tree/usr/lib/firmware/nvidia/$1"
    echo stand-in >"$work/tree/usr/lib/firmware/nvidia/$1/gsp_ga10x.bin"
    pack "nvidia-kernel-common-$branch" "$1" ""
    mkdir -p "$work/tree/$multiarch"
    cp "$lab/libkernel.so" "$work/tree/$multiarch/libnvidia-ml.so.$1"
    ln -s "libnvidia-ml.so.$1" "$work/tree/$multiarch/libnvidia-ml.so.1"
    pack "libnvidia-compute-$branch" "$1" ""
    mkdir -p "$work/tree/usr/bin"
    cp "$smi" "$work/tree/usr/bin/nvidia-smi"
    pack "nvidia-utils-$branch" "$1" "libnvidia-compute-$branch (= $revision)"
    mkdir -p "$work/tree/usr/share/doc/nvidia-compute-utils-$branch"
    pack "nvidia-compute-utils-$branch" "$1" "libnvidia-compute-$branch (= $revision)"
    if [ -n "$2" ]; then
        mkdir -p "$work/tree/usr/bin" "$work/tree/lib/systemd/system" "$work/tree/usr/share/nvidia/nvswitch"
        sed "s/@VERSION@/$1/" "$here/nv-fabricmanager" >"$work/tree/usr/bin/nv-fabricmanager"
        chmod 755 "$work/tree/usr/bin/nv-fabricmanager"
        printf 'LOG_LEVEL=4\nLOG_FILE_NAME=/var/log/fabricmanager.log\nFABRIC_MODE=0\nDAEMONIZE=1\n' >"$work/tree/usr/share/nvidia/nvswitch/fabricmanager.cfg"
        printf '[Unit]\nDescription=nvidia-fabricmanager (stand-in)\n[Service]\nExecStart=/usr/bin/nv-fabricmanager\n[Install]\nWantedBy=multi-user.target\n' \
            >"$work/tree/lib/systemd/system/nvidia-fabricmanager.service"
        pack "nvidia-fabricmanager-${1%%.*}" "$1" ""
    fi
}

rpm_of() { # name version [release], then the spec's lines on standard input
    { printf 'Name: %s\nVersion: %s\nRelease: %s\nSummary: stand-in for tests\nLicense: GPL-3.0-or-later\nAutoReqProv: no\n' "$1" "$2" "${3:-1.el9}"; cat; } >"$work/$1.spec"
    rpmbuild -bb --quiet --define "_topdir $work/rpm" --define "_rpmdir $out/rhel9" --define '_build_id_links none' --define '__strip /bin/true' \
        --define 'debug_package %{nil}' --define '_buildhost localhost' "$work/$1.spec"
}

rhel() { # version
    for open in latest open; do
        flavour=$([ $open = latest ] && echo proprietary || echo open)
        rm -rf "$work/tree"
        source_tree "$work/tree" "$1" "$flavour"
        rpm_of "kmod-nvidia-$open-dkms" "$1" <<SPEC
Requires: nvidia-kmod-common = $1
Provides: nvidia-kmod = $1
%description
stand-in
%install
cp -r $work/tree/. %{buildroot}
%post
dkms add -m nvidia -v $1 -q || :
for k in \$(ls /lib/modules); do dkms build -m nvidia -v $1 -k \$k -q && dkms install -m nvidia -v $1 -k \$k -q --force; done || :
%preun
dkms remove -m nvidia -v $1 -q --all || :
%files
/usr/src/nvidia-$1
SPEC
    done
    rpm_of nvidia-persistenced "$1" <<SPEC
%description
stand-in
%install
mkdir -p %{buildroot}/usr/lib/systemd/system
printf '[Unit]\nDescription=nvidia-persistenced (stand-in)\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/bin/nvidia-smi -pm 1\n[Install]\nWantedBy=multi-user.target\n' \
    >%{buildroot}/usr/lib/systemd/system/nvidia-persistenced.service
%files
/usr/lib/systemd/system/nvidia-persistenced.service
SPEC
    rpm_of nvidia-kmod-common "$1" <<SPEC
%description
stand-in
%install
mkdir -p %{buildroot}/usr/lib/modprobe.d %{buildroot}/usr/lib/firmware/nvidia/$1
echo "blacklist nouveau" >%{buildroot}/usr/lib/modprobe.d/nvidia.conf
echo stand-in >%{buildroot}/usr/lib/firmware/nvidia/$1/gsp_ga10x.bin
%files
/usr/lib/modprobe.d/nvidia.conf
/usr/lib/firmware/nvidia/$1
SPEC
    rpm_of nvidia-driver-cuda "$1" <<SPEC
Requires: nvidia-kmod = $1
%description
stand-in
%install
mkdir -p %{buildroot}/usr/lib64 %{buildroot}/usr/bin
cp $lab/libnvidia-ml.so %{buildroot}/usr/lib64/libnvidia-ml.so.$1
ln -s libnvidia-ml.so.$1 %{buildroot}/usr/lib64/libnvidia-ml.so.1
cp $smi %{buildroot}/usr/bin/nvidia-smi
%post
ldconfig
%files
/usr/lib64/libnvidia-ml.so.1
/usr/lib64/libnvidia-ml.so.$1
/usr/bin/nvidia-smi
SPEC
}

stream() { # version stream package
    cat <<STREAM
---
document: modulemd
version: 2
data:
  name: nvidia-driver
  stream: "$2"
  version: 1
  context: "00000000"
  arch: x86_64
  summary: stand-in for tests
  description: stand-in for tests
  license: {module: [GPL-3.0-or-later]}
  artifacts:
    rpms:
    - $3-0:$1-1.el9.x86_64
    - nvidia-kmod-common-0:$1-1.el9.x86_64
    - nvidia-driver-cuda-0:$1-1.el9.x86_64
    - nvidia-persistenced-0:$1-1.el9.x86_64
STREAM
}

base() { # name version release [provides]: what Debian has installed already, under the name that dnf asks for
    printf '%s%%description\nstand-in\n%%files\n' "${4:+Provides: $4
}" | rpm_of "$1" "$2" "$3"
    mv "$out"/rhel9/*/"$1"-*.rpm "$out/rhel9-base/"
}

mkdir -p "$out/ubuntu/pool/main" "$out/rhel9" "$out/rhel9-base"
for one in $LAB_VENDOR_VERSIONS; do
    version=${one%-server}
    ubuntu "$version" "${one#"$version"}"
    [ "$one" != "$version" ] || continue
    rhel "$version"
    stream "$version" "${version%%.*}-dkms" kmod-nvidia-latest-dkms >>"$work/modules.yaml"
    stream "$version" "${version%%.*}-open" kmod-nvidia-open-dkms >>"$work/modules.yaml"
done
for name in dkms gcc make; do base "$name" 1 1.el9; done
base bash 1 1.el9 /bin/sh
base kernel-devel "${LAB_RHEL_KERNEL%%-*}" "${LAB_RHEL_KERNEL#*-}"
find "$out/rhel9" "$out/rhel9-base" -name '*.rpm' -exec rpmsign --define '_gpg_name lab-site' --define '__gpg /usr/bin/gpg' --addsign {} + >/dev/null
createrepo_c --quiet "$out/rhel9"
createrepo_c --quiet "$out/rhel9-base"
modifyrepo_c --mdtype=modules "$work/modules.yaml" "$out/rhel9/repodata" >/dev/null
gpg --batch --yes --detach-sign --armor "$out/rhel9/repodata/repomd.xml"
