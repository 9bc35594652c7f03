#!/bin/sh
# The state of a node that the role kubernetes is about, one thing a line; runs on the node. What differs with each join or cluster is left out: certificates,
# logins, the key of Secrets, and which part of the network a node has.
part='s/10[.]244[.][0-9]*/10.244.N/'
find /etc/kubernetes /etc/cni/net.d /etc/ai-stack /etc/apt/preferences.d /etc/sysctl.d /usr/local/sbin -type f ! -path '*/pki/*' ! -name '*.conf' \
    ! -name '*.conflist' ! -name encryption.yaml ! -path /etc/ai-stack/kubernetes/routes -exec sha256sum {} + | sort -k 2
find /etc/kubernetes -type f -printf '%p %m\n' | sort
dpkg-query -W -f '${Package} ${Version} ${db:Status-Abbrev}\n' kubeadm kubectl kubelet
apt-mark showhold
sed "$part" /etc/cni/net.d/10-ai-stack.conflist /etc/ai-stack/kubernetes/routes
ip route show protocol 87 | sed "$part"
systemctl is-active kubelet.service ai-stack-kubernetes-network.service
kubectl --kubeconfig /etc/kubernetes/kubelet.conf get node "$(hostname)" --output 'jsonpath={.status.conditions[?(@.type=="Ready")].status}{"\n"}'
find /run/ai-stack-kubernetes -type f
