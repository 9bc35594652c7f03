#!/bin/sh
# On a control plane: jobs of two tenants wait for the two cards of a node; prints one line for each thing that was seen. research may hold both, one of
# which is guaranteed to health.
set -u
export KUBECONFIG=/etc/kubernetes/admin.conf
resource=nvidia.com/gpu
label='"labels": {"kueue.x-k8s.io/queue-name": "ai-stack-accelerators"},'
pod_of() {
    printf '"terminationGracePeriodSeconds": 1, "restartPolicy": "Never", "containers": [{"name": "one", "image": "registry.k8s.io/lab/toolbox:1",
        "command": ["/bin/sh", "-c", "trap exit TERM; sleep 1000000 & wait"], "resources": {"limits": {"%s": 1}}}]' $resource
}
created() { kubectl create --filename - 2>&1 | grep -v '^Warning: ' | sed 's/.*\(exceeded quota\|cards of this namespace are waited for in a queue\).*/\1/'; }
job() { # NAMESPACE NAME
    printf '{"apiVersion": "batch/v1", "kind": "Job", "metadata": {%s "name": "%s", "namespace": "%s"}, "spec": {"template": {"spec": {%s}}}}' \
        "$label" "$2" "$1" "$(pod_of)" | created
}
pod() { # NAMESPACE NAME [LABEL]
    printf '{"apiVersion": "v1", "kind": "Pod", "metadata": {%s "name": "%s", "namespace": "%s"}, "spec": {%s}}' "${3:-}" "$2" "$1" "$(pod_of)" | created
}
# what a command says, as soon as that is what is waited for, else what it says at the end
until_said() { # WANTED COMMAND...
    wanted=$1
    shift
    for _ in $(seq 90); do
        [ "$("$@")" != "$wanted" ] || break
        sleep 1
    done
    "$@"
}
running() { # NAMESPACE
    kubectl --namespace "$1" get pods --output 'jsonpath={range .items[*]}{.status.containerStatuses[0].ready}{.metadata.deletionTimestamp}{"\n"}{end}' |
        grep -c '^true$'
}
both() { echo "$(running research) $(running health)"; }
work() { # what is asked of each queue
    kubectl get "$@" --output 'jsonpath={range .items[*]}{.status.conditions[?(@.type=="Active")].status}{"\n"}{end}' | xargs
}
of_research() { kubectl get clusterqueue ai-stack-research --output "jsonpath={$1}"; }
conditions() { # TYPE: reasons of those of the workloads of research
    kubectl --namespace research get workloads --output "jsonpath={range .items[*]}{.status.conditions[?(@.type==\"$1\")].reason}{\"\\n\"}{end}" | sort -u | xargs
}
left() {
    kubectl get localqueues.kueue.x-k8s.io,clusterqueues,cohorts,resourceflavors --all-namespaces --output name | xargs
}
kueue() { kubectl --namespace kueue-system rollout status deployment/kueue-controller-manager --timeout 60s >/dev/null && echo "kueue runs"; }
case $1 in
ask)
    echo "queues: $(work clusterqueues) of tenants, $(work localqueues.kueue.x-k8s.io --all-namespaces) of namespaces"
    job research one
    job research two
    echo "run: $(until_said '2 0' both)"
    echo "borrowed: $(until_said 2 of_research '.status.flavorsUsage[0].resources[0].borrowed')"
    job health own
    echo "run: $(until_said '1 1' both)"
    echo "taken back: $(conditions Preempted)"
    kubectl --namespace health delete job own --wait >/dev/null
    echo "run: $(until_said '2 0' both)"
    pod research stranger
    pod health queued "$label"
    echo "run: $(until_said '1 1' both)"
    kubectl --namespace health delete pod queued --wait >/dev/null
    echo "run: $(until_said '2 0' both)"
    ;;
edit) kubectl patch clusterqueue ai-stack-research --type json --patch '[{"op": "replace", "path": "/spec/resourceGroups/0/flavors/0/resources/0/borrowingLimit", "value": "1"}]' ;;
limit) of_research '.spec.resourceGroups[0].flavors[0].resources[0].borrowingLimit' ;;
run) both ;;
end) kubectl --namespace research delete job --all --wait >/dev/null && until_said '' kubectl --namespace research get workloads --output name ;;
left) left ;;
gone)
    echo "left: $(until_said '' left)" | sed 's/ $//'
    pod health free
    kubectl --namespace health delete pod free --wait >/dev/null
    kueue
    ;;
absent)
    echo "left: $(until_said '' left)" | sed 's/ $//'
    kueue
    ;;
esac
