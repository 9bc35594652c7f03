# shellcheck shell=sh disable=SC2154
# Read by packages.sh: of NVIDIA's container toolkit the package that writes a CDI specification, with its units; nothing that hooks into a runtime.
name=nvidia-container-toolkit-base
flat=$fresh/libnvidia-container/stable/deb/amd64
root=$work/$name units=$work/$name/usr/lib/systemd/system etc=/etc/nvidia-container-toolkit
mkdir -p "$flat" "$units" "$root$etc" "$root/DEBIAN"

put "$name" /usr/bin nvidia-ctk nvidia-cdi-hook
echo "$etc/nvidia-cdi-refresh.env" >"$root/DEBIAN/conffiles"
cat >"$root$etc/nvidia-cdi-refresh.env" <<'ENV'
# variables of nvidia-ctk cdi generate, for nvidia-cdi-refresh.service, for example
# NVIDIA_CTK_CDI_OUTPUT_FILE_PATH=/var/run/cdi/nvidia.yaml
ENV
# conditions and commands as published, in their order
cat >"$units/nvidia-cdi-refresh.service" <<'UNIT'
[Unit]
Description=Refresh NVIDIA CDI specification file
ConditionPathExists=|/usr/bin/nvidia-smi
ConditionPathExists=|/usr/sbin/nvidia-smi
ConditionPathExists=/usr/bin/nvidia-ctk
StartLimitBurst=5
StartLimitIntervalSec=10s

[Service]
Type=oneshot
Environment=NVIDIA_CTK_CDI_OUTPUT_FILE_PATH=/var/run/cdi/nvidia.yaml
EnvironmentFile=-/etc/nvidia-container-toolkit/nvidia-cdi-refresh.env
ExecCondition=/bin/sh -c '/usr/bin/grep -qE "/(nvidia|nvidia-current)[.]ko" /lib/modules/%v/modules.dep'
ExecStart=/bin/sh -c '/usr/bin/nvidia-smi -L || /usr/sbin/nvidia-smi -L'
ExecStart=-/usr/bin/nvidia-ctk system create-device-nodes --control-devices
ExecStart=/usr/bin/nvidia-ctk cdi generate
CapabilityBoundingSet=CAP_SYS_MODULE CAP_SYS_ADMIN CAP_MKNOD
Restart=on-failure
RestartSec=1s

[Install]
WantedBy=multi-user.target
UNIT
cat >"$units/nvidia-cdi-refresh.path" <<'UNIT'
[Unit]
Description=Trigger CDI refresh on NVIDIA driver or toolkit install / upgrade events

[Path]
PathChanged=/lib/modules/%v/modules.dep
PathChanged=/lib/modules/%v/modules.dep.bin
PathChanged=/usr/bin/nvidia-ctk

[Install]
WantedBy=multi-user.target
UNIT
cat >"$root/DEBIAN/postinst" <<'SCRIPT'
#!/bin/sh
set -e
[ "$1" = configure ] || exit 0
/usr/bin/nvidia-ctk --quiet config --config-file=/etc/nvidia-container-runtime/config.toml --in-place
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    systemctl enable nvidia-cdi-refresh.path nvidia-cdi-refresh.service
    systemctl start nvidia-cdi-refresh.path nvidia-cdi-refresh.service || true
fi
SCRIPT
cat >"$root/DEBIAN/prerm" <<'SCRIPT'
#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
    systemctl disable --now nvidia-cdi-refresh.path nvidia-cdi-refresh.service
fi
SCRIPT
chmod 0755 "$root/DEBIAN/postinst" "$root/DEBIAN/prerm"
deb "$name" "1.20.2-1" "$flat" 'Depends: libc6'
flat_index "$flat"
swap libnvidia-container
