#!/bin/sh
# On a control plane: pods on both nodes reach each other by address, the service by its name, and their logs and commands go through the kubelet's own
# certificate. Prints one line for each thing that was seen.
set -eu
export KUBECONFIG=/etc/kubernetes/admin.conf
kubectl apply --filename - >/dev/null
kubectl rollout status daemonset/web --timeout=120s >/dev/null
kubectl get pods --selector app=web --output 'jsonpath={range .items[*]}{.metadata.name} {.spec.nodeName} {.status.podIP}{"\n"}{end}' | sort -k 2 >/run/web
from() { sed -n "$1p" /run/web | cut -d ' ' -f "$2"; }
pull() { # from the pod of line $1
    for _ in $(seq 30); do
        kubectl exec "$(from "$1" 1)" -- wget -qO- "$2" 2>/dev/null && return
        sleep 1
    done
    return 1
}
echo "nodes: $(from 1 2) $(from 2 2)"
echo "across: $(pull 1 "http://$(from 2 3):8080/") $(pull 2 "http://$(from 1 3):8080/")"
echo "same node: $(pull 2 "http://$(from 2 3):8080/")"
for line in 1 2; do pull $line http://web.default.svc.cluster.local/ >/dev/null; done
echo "service by name: both"
echo "log: $(kubectl logs "$(from 2 1)" | head -n 1)"
