# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Where things of a cluster are on a host, by kubeadm or by this role; and how long things take."""

from __future__ import annotations

import kubeadm
import sets

STATE = "/var/lib/ai-stack/kubernetes"
RUN = sets.RUN
SCRATCH = DISCOVERY, DOCUMENT = RUN + "/discovery.conf", RUN + "/kubeadm.yaml"
# what a kubelet joins by; kubeadm takes it away at its end
BOOTSTRAP = "/etc/kubernetes/bootstrap-kubelet.conf"
JOINED, ADMIN, SUPER_ADMIN = "/etc/kubernetes/kubelet.conf", "/etc/kubernetes/admin.conf", "/etc/kubernetes/super-admin.conf"
SERVER_POD = "/etc/kubernetes/manifests/kube-apiserver.yaml"
AUTHORITY, ETCD = "/etc/kubernetes/pki/ca.crt", "/var/lib/etcd/member"
# what the cluster was made with, beside the documents that kubeadm keeps
MADE = "/etc/ai-stack/kubernetes/cluster.json"
# where kubelet.conf points to once kubeadm has come to its last steps
LATE = "/var/lib/kubelet/pki/kubelet-client-current.pem"
ENCRYPTION = kubeadm.POLICIES + "/encryption.yaml"
UNITS, CNI, ADDRESSES = "/etc/systemd/system/", "/etc/cni/net.d", "/var/lib/cni/networks/ai-stack"
# of kubeadm, which waits for images, the kubelet and the API itself
LONG = 900
RUNTIME = ["crictl", "--runtime-endpoint", kubeadm.SOCKET]
MODE, SECRET = 0o644, 0o600
CONTROL = kubeadm.CONTROL
PORT = 6443
