#!/bin/sh
# On a control plane: what it has of the cluster, one thing a line. ADDRESS is its own.
set -eu
address=$1
export KUBECONFIG=/etc/kubernetes/admin.conf
here() { kubectl --server "https://$address:6443" "$@"; }
etcd() {
    here --namespace kube-system exec "etcd-$(hostname)" -- etcdctl --endpoints https://127.0.0.1:2379 --cacert /etc/kubernetes/pki/etcd/ca.crt \
        --cert /etc/kubernetes/pki/etcd/server.crt --key /etc/kubernetes/pki/etcd/server.key "$@"
}
echo "members: $(etcd member list --write-out simple | grep -c ', started, ')"
echo "silent: $(etcd endpoint health --cluster 2>&1 | grep -vc 'is healthy' || true)"
echo "servers: $(here --namespace kube-system get pods --selector component=kube-apiserver --no-headers | grep -c ' 1/1 ')"
echo "secret: $(here get secret proof --output 'jsonpath={.data.word}' | base64 -d)"
etcd get /registry/secrets/default/proof --print-value-only >/run/stored
echo "encrypted: $(grep -ac 'k8s:enc:secretbox:v1:key1:' /run/stored) in clear: $(grep -ac clear-word /run/stored || true)"
rm /run/stored
