#!/bin/sh
# On a control plane: whether pods may name devices by annotations of NVIDIA's operator, under the policy on standard input; one line for each. It goes again.
set -u
export KUBECONFIG=/etc/kubernetes/admin.conf
policy=$(cat)
refused='annotations of nvidia.cdi.k8s.io are for pods of the GPU operator'
would() { kubectl "$@" --dry-run=server 2>&1 | grep -v '^Warning: ' | sed "s/.*\\($refused\\).*/\\1/"; }
pod() { # NAMESPACE ANNOTATION
    printf '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "by-annotation", "namespace": "%s", "annotations": {"%s": "nvidia.com/gpu=0"}},
        "spec": {"containers": [{"name": "one", "image": "registry.k8s.io/lab/toolbox:1"}]}}' "$1" "$2"
}
kubectl create namespace gpu-operator >/dev/null
pod default nvidia.cdi.k8s.io/pod | kubectl create --filename - >/dev/null
echo "$policy" | kubectl apply --server-side --filename - >/dev/null
# it counts a moment later
for _ in $(seq 60); do
    pod research nvidia.cdi.k8s.io | would create --filename - | grep -q "$refused" && break
    sleep 1
done
pod research nvidia.cdi.k8s.io/container.one | would create --filename -
pod research example.com/any | would create --filename -
pod gpu-operator nvidia.cdi.k8s.io/pod | would create --filename -
# of one that was there before
for change in any=other nvidia.cdi.k8s.io/pod=nvidia.com/gpu=1 nvidia.cdi.k8s.io/pod-; do would annotate --overwrite --namespace default pod by-annotation $change; done
echo "$policy" | kubectl delete --filename - >/dev/null
kubectl delete --namespace default --grace-period 1 pod by-annotation >/dev/null
kubectl delete namespace gpu-operator >/dev/null
