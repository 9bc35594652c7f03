# shellcheck shell=sh disable=SC2154
# Read by packages.sh: Kubernetes of a version, flat, as the community lays it out.
minor=v${version%.*}
flat=$fresh/kubernetes/$minor/deb
mkdir -p "$flat/amd64"

put kubelet /usr/bin kubelet
mkdir -p "$work/kubelet/etc/kubernetes/manifests" "$work/kubelet/etc/default" "$work/kubelet/usr/lib/systemd/system" "$work/kubelet/DEBIAN"
echo KUBELET_EXTRA_ARGS= >"$work/kubelet/etc/default/kubelet"
echo /etc/default/kubelet >"$work/kubelet/DEBIAN/conffiles"
cat >"$work/kubelet/usr/lib/systemd/system/kubelet.service" <<'UNIT'
[Unit]
Description=kubelet
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
ExecStart=/usr/bin/kubelet
Restart=always
RestartSec=10

[Install]
WantedBy=multi-user.target
UNIT
deb kubelet "$version-1.1" "$flat/amd64" 'Depends: iptables, iproute2, mount, util-linux, kubernetes-cni (>= 1.2.0)'

put kubeadm /usr/bin kubeadm
mkdir -p "$work/kubeadm/usr/lib/systemd/system/kubelet.service.d"
cat >"$work/kubeadm/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf" <<'UNIT'
# kubeadm writes the files that are named here; KUBELET_EXTRA_ARGS is the operator's
[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
UNIT
deb kubeadm "$version-1.1" "$flat/amd64" 'Depends: kubelet (>= 1.19.0), kubectl (>= 1.19.0), cri-tools (>= 1.30.0)'

put kubectl /usr/bin kubectl
deb kubectl "$version-1.1" "$flat/amd64"
put cri-tools /usr/bin crictl
deb cri-tools "1.37.0-1.1" "$flat/amd64"
put kubernetes-cni /opt/cni/bin bridge ptp loopback host-local portmap
deb kubernetes-cni "1.10.0-1.1" "$flat/amd64"

flat_index "$flat"
swap "kubernetes/$minor"
