#!/usr/bin/env python3
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Print what a cluster costs in the lab, as ratios within one run. Figures, no test: a clock decides nothing. As root.

1. Two hosts with a runtime become a cluster that is ready: the role kubernetes against a shell script with the same packages, the same kubeadm and routes.
2. The cluster as it is: module executions of the verb deploy on each host, over all roles.
"""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys
import tempfile

import yaml
from bench_role import measured

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SHARED = ROOT / "molecule/shared/kubernetes"
SITE = SHARED / "site"
VERSION = yaml.safe_load((SITE / "group_vars/all.yml").read_text(encoding="utf-8"))["lab_kubernetes"]["versions"][0]
ROLE = """\
- hosts: lab
  gather_facts: false
  roles: [{role: sovereign.ai_stack.kubernetes, kubernetes_cluster: ai}]
"""
# what an administrator would type, both hosts at a time where that can be; with what this machine wants: cgroup v1, and its table of connections as it is
SCRIPT = """\
set -eu
on() { host=$1; shift; podman exec -i "$host" sh -euc "$*" >/dev/null; }
# the repositories came with the runtime
packages='apt-get -qq update
  DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends kubelet=VERSION kubeadm=VERSION kubectl=VERSION
  sysctl -qw net.ipv4.ip_forward=1; systemctl -q enable kubelet; mkdir -p /etc/cni/net.d'
network() {
  echo '{"cniVersion":"1.0.0","name":"bench","plugins":[{"type":"ptp","ipMasq":true,"ipam":{"type":"host-local","ranges":[[{"subnet":"'"$1"'"}]],
    "routes":[{"dst":"0.0.0.0/0"}]}}]}'
}
on k8s-cp1 "$packages" & on k8s-w1 "$packages" & wait
network 10.244.0.0/24 | on k8s-cp1 'cat >/etc/cni/net.d/10-bench.conflist; ip route replace 10.244.1.0/24 via 10.75.0.12'
network 10.244.1.0/24 | on k8s-w1 'cat >/etc/cni/net.d/10-bench.conflist; ip route replace 10.244.0.0/24 via 10.75.0.11'
on k8s-cp1 'cat >/root/init.yaml; kubeadm init --config /root/init.yaml' <<'YAML'
{"apiVersion": "kubeadm.k8s.io/v1beta4", "kind": "InitConfiguration", "localAPIEndpoint": {"advertiseAddress": "10.75.0.11"},
 "nodeRegistration": {"ignorePreflightErrors": ["SystemVerification"], "kubeletExtraArgs": [{"name": "node-ip", "value": "10.75.0.11"}]}}
---
{"apiVersion": "kubeadm.k8s.io/v1beta4", "kind": "ClusterConfiguration", "kubernetesVersion": "vPLAIN", "networking": {"podSubnet": "10.244.0.0/16"}}
---
{"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration", "failCgroupV1": false, "cgroupDriver": "systemd"}
---
{"apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration", "mode": "nftables", "conntrack": {"maxPerCore": 0, "min": 0}}
YAML
join=$(podman exec k8s-cp1 kubeadm token create --print-join-command 2>/dev/null)
on k8s-w1 "$join --ignore-preflight-errors=SystemVerification"
on k8s-cp1 'export KUBECONFIG=/etc/kubernetes/admin.conf
  until kubectl get node k8s-w1; do sleep 0.3; done 2>/dev/null
  kubectl wait --for=condition=Ready node/k8s-cp1 node/k8s-w1 --timeout=120s; kubectl -n kube-system rollout status deployment/coredns --timeout=120s
  kubectl -n kube-system rollout status daemonset/kube-proxy --timeout=120s'
"""
CLEAN = """\
kubeadm reset --force --cri-socket unix:///run/containerd/containerd.sock >/dev/null 2>&1 || true
DEBIAN_FRONTEND=noninteractive apt-get -qq purge --yes --allow-change-held-packages kubelet kubeadm kubectl kubernetes-cni cri-tools >/dev/null 2>&1 || true
rm -rf /etc/cni/net.d /etc/kubernetes /var/lib/cni /opt/cni
ip route flush 10.244.0.0/16 2>/dev/null || true
"""


def run(*command):
    return measured(["ansible-playbook", "-i", SITE, *command])


def bare():
    """Hosts with a runtime and nothing of Kubernetes."""
    for host in ("k8s-cp1", "k8s-w1"):
        subprocess.run(["podman", "exec", "-i", host, "sh"], input=CLEAN, text=True, check=True)


def main():
    script = SCRIPT.replace("VERSION", f"{VERSION}-1.1").replace("PLAIN", VERSION)
    with tempfile.TemporaryDirectory(prefix="ai-stack-bench-") as folder:
        play = pathlib.Path(folder, "role.yml")
        play.write_text(ROLE, encoding="utf-8")
        run("sovereign.ai_stack.lab")
        run(SHARED / "runtime.yml")
        bare()
        by_script = measured(["bash", "-c", script])[0]
        bare()
        ours = run(play)[0]
        print(f"two hosts become a cluster: role : script with the same kubeadm = {ours:.0f} s : {by_script:.0f} s = {ours / by_script:.2f} (goal: 1.4)")
        reports = ["-e", f"ai_stack_report_dir={folder}/reports", "-e", f"ai_stack_record={folder}/lock.yml"]
        run(*reports, "sovereign.ai_stack.deploy")
        said = "".join(run(*reports, "sovereign.ai_stack.deploy", "-vvv")[2:])
        for host, address in (("k8s-cp1", "10.75.0.11"), ("k8s-w1", "10.75.0.12")):
            executions = len(re.findall(rf"<{re.escape(address)}> SSH: EXEC ssh [^\n]*python3", said))
            print(f"the cluster as it is: {executions} module executions of a deploy on {host} (goal: 15)", flush=True)
        run("sovereign.ai_stack.lab", "-e", "lab_state=absent")


if __name__ == "__main__":
    sys.exit(main())
