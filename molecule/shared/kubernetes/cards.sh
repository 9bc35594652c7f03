#!/bin/sh
# On a control plane: pods of two tenants ask for cards; prints one line for each thing that was seen. NODE has two cards, research may hold one, health both.
set -u
node=$1
export KUBECONFIG=/etc/kubernetes/admin.conf
pod() { # NAMESPACE NAME CARDS [FIELD]
    limits='{}'
    [ "$3" = 0 ] || limits="{\"nvidia.com/gpu\": $3}"
    printf '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "%s", "namespace": "%s"}, "spec": {%s "terminationGracePeriodSeconds": 1,
        "nodeSelector": {"kubernetes.io/hostname": "%s"}, "containers": [{"name": "one", "image": "registry.k8s.io/lab/toolbox:1",
        "command": ["/bin/sh", "-c", "sleep 1000000"], "resources": {"limits": %s}}]}}' "$2" "$1" "${4:-}" "$node" "$limits" |
        kubectl create --filename - 2>&1 | grep -v '^Warning: ' | sed 's/.*\(exceeded quota\|cards are for namespaces of tenants\|cannot use cards\).*/\1/'
}
runs() { kubectl --namespace "$1" wait --for condition=Ready "pod/$2" --timeout 90s >/dev/null 2>&1 && echo yes || echo no; }
# a number behind the name is a card
seen() { kubectl --namespace "$1" exec "$2" -- ls /dev | sed -n 's/^nvidia\([0-9][0-9]*\)$/\1/p' | tr '\n' ' '; }
# no driver answers behind the device, which says so; whoever may not use a card is told another reason
opens() { kubectl --namespace "$1" exec "$2" -- head -c 0 "/dev/nvidia$(seen "$1" "$2" | tr -d ' ')" 2>&1 | grep -o 'No such device or address\|not permitted'; }
case $2 in
ask)
    echo "quotas: $(for one in research health; do kubectl --namespace $one get resourcequota ai-stack-accelerators --output 'jsonpath={.spec.hard}'; done)"
    pod research one 1
    pod research another 1
    pod health two 1
    pod health third 1
    pod health none 0
    pod default stranger 1
    pod health apart 1 '"hostUsers": false,'
    echo "run: $(runs research one) $(runs health two) $(runs health none)"
    echo "waits: $(kubectl --namespace health get pod third --output 'jsonpath={.status.conditions[?(@.type=="PodScheduled")].message}' | grep -o 'Insufficient nvidia.com/gpu')"
    echo "cards: $( (seen research one; seen health two) | tr ' ' '\n' | sort | xargs)"
    echo "without asking: $(seen health none)."
    echo "opens: $(opens research one)"
    ;;
again)
    # a kubelet that was started anew has to find its pods first
    for _ in $(seq 60); do
        kubectl --namespace research exec one -- true 2>/dev/null && kubectl --namespace health exec two -- true 2>/dev/null && break
        sleep 1
    done
    echo "cards: $(seen research one | wc -w) $(seen health two | wc -w)"
    echo "opens: $(opens research one)"
    ;;
ill)
    for _ in $(seq 60); do
        now=$(kubectl get node "$node" --output 'jsonpath={.status.allocatable.nvidia\.com/gpu}')
        [ "$now" != "$3" ] || break
        sleep 1
    done
    echo "can be had: $now"
    ;;
gone) kubectl delete --wait --timeout 90s --namespace research pod --all >/dev/null && kubectl delete --wait --timeout 90s --namespace health pod --all >/dev/null ;;
esac
