#!/bin/sh
# On a control plane: pods of two tenants ask for cards; prints one line for each thing that was seen. NODE has two cards, research may hold one, health both.
# share, shares: the same of a cluster where pods of research share cards, and may hold the shares of one.
set -u
node=$1
export KUBECONFIG=/etc/kubernetes/admin.conf
resource=nvidia.com/gpu
pod() { # NAMESPACE NAME CARDS [FIELD]
    limits='{}'
    [ "$3" = 0 ] || limits="{\"$resource\": $3}"
    printf '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "%s", "namespace": "%s"}, "spec": {%s "terminationGracePeriodSeconds": 1,
        "nodeSelector": {"kubernetes.io/hostname": "%s"}, "containers": [{"name": "one", "image": "registry.k8s.io/lab/toolbox:1",
        "command": ["/bin/sh", "-c", "sleep 1000000"], "resources": {"limits": %s}}]}}' "$2" "$1" "${4:-}" "$node" "$limits" |
        kubectl create --filename - 2>&1 | grep -v '^Warning: ' | sed 's/.*\(exceeded quota\|cards are for namespaces of tenants\|cannot use cards\).*/\1/'
}
runs() { kubectl --namespace "$1" wait --for condition=Ready "pod/$2" --timeout 90s >/dev/null 2>&1 && echo yes || echo no; }
# a number behind the name is a card
seen() { kubectl --namespace "$1" exec "$2" -- ls /dev | sed -n 's/^nvidia\([0-9][0-9]*\)$/\1/p' | tr '\n' ' '; }
had() {
    kubectl get node "$node" --output 'jsonpath={.status.allocatable.nvidia\.com/gpu\.shared} {.status.allocatable.nvidia\.com/gpu}' |
        { read -r shares whole; echo "can be had: $shares shares, ${whole:-0} whole"; }
}
# the same of each pod that has a share
shared() { for at in 1 2 3 4; do "$1" research "share-$at"; done | xargs; }
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
    ;;
again)
    # a kubelet that was started anew has to find its pods first
    for _ in $(seq 60); do
        kubectl --namespace research exec one -- true 2>/dev/null && kubectl --namespace health exec two -- true 2>/dev/null && break
        sleep 1
    done
    echo "cards: $(seen research one | wc -w) $(seen health two | wc -w)"
    ;;
ill)
    for _ in $(seq 60); do
        now=$(kubectl get node "$node" --output 'jsonpath={.status.allocatable.nvidia\.com/gpu}')
        [ "$now" != "$3" ] || break
        sleep 1
    done
    echo "can be had: $now"
    ;;
share)
    resource=nvidia.com/gpu.shared
    echo "quotas: $(kubectl --namespace research get resourcequota ai-stack-accelerators --output 'jsonpath={.spec.hard}')"
    had
    echo "isolation: $(kubectl get node "$node" --output 'jsonpath={.metadata.labels.ai-stack/isolation}')"
    pod research two-of-one 2
    kubectl --namespace research wait --for 'jsonpath={.status.phase}=Failed' pod/two-of-one --timeout 60s >/dev/null 2>&1
    echo "two of one: $(kubectl --namespace research get pod two-of-one --output 'jsonpath={.status.phase} {.status.reason}')"
    kubectl --namespace research delete --wait --timeout 60s pod two-of-one >/dev/null
    for at in 1 2 3 4 5; do pod research "share-$at" 1; done
    echo "run: $(shared runs)"
    echo "cards of each: $(for at in 1 2 3 4; do seen research "share-$at" | wc -w; done | xargs)"
    echo "a card of several: $(shared seen | tr ' ' '\n' | sed '/^$/d' | sort | uniq -d | grep -q . && echo yes)"
    ;;
shares)
    for _ in $(seq 60); do
        had | grep -q '12 shares' && break
        sleep 1
    done
    had
    echo "run: $(shared runs)"
    restarts='jsonpath={range .items[*]}{.status.containerStatuses[0].restartCount}{"\n"}{end}'
    echo "started again: $(kubectl --namespace research get pods --output "$restarts" | sort -u)"
    ;;
gone) kubectl delete --wait --timeout 90s --namespace research pod --all >/dev/null && kubectl delete --wait --timeout 90s --namespace health pod --all >/dev/null ;;
esac
