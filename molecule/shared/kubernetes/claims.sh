#!/bin/sh
# On a control plane: pods of two tenants claim cards (DRA); prints one line for each thing that was seen. NODE has two cards, research may hold one, health both.
set -u
node=$1
export KUBECONFIG=/etc/kubernetes/admin.conf
told='exceeded quota\|cannot allocate all claims\|cards of a class are for namespaces of tenants\|a class of the vendor is of no pool'
told="$told\\|adminAccess is for namespaces\\|asked for by claims\\|cannot use cards\\|tells of the devices of its own node"
make() { kubectl create --filename - 2>&1 | grep -v '^Warning: ' | sed "s/.*\\($told\\).*/\\1/"; }
# what would become of it; nothing is made, and no quota counts it
would() { kubectl create --dry-run=server --filename - 2>&1 | sed "s/.*\\($told\\).*/\\1/"; }
request() { # CLASS [FIELD]
    printf '{"devices": {"requests": [{"name": "card", "exactly": {"deviceClassName": "%s"%s}}]}}' "$1" "${2:-}"
}
claim() { # NAMESPACE CLASS [FIELD]
    printf '{"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim", "metadata": {"name": "own", "namespace": "%s"}, "spec": %s}' \
        "$1" "$(request "$2" "${3:-}")" | make
}
first() { # NAMESPACE CLASS CLASS: one device of the first of both that has one
    printf '{"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim", "metadata": {"name": "first", "namespace": "%s"}, "spec": {"devices": {"requests":
        [{"name": "card", "firstAvailable": [{"name": "one", "deviceClassName": "%s"}, {"name": "other", "deviceClassName": "%s"}]}]}}}' "$1" "$2" "$3" | would
}
# as the driver of NODE alone: administrators have a certificate, which counts before a token
as_driver() { # FILE
    space=ai-stack-accelerators
    driver=$(kubectl --namespace $space get pods --selector ai-stack/pool --field-selector "spec.nodeName=$node" --output 'jsonpath={.items[0].metadata.name}')
    token=$(kubectl --namespace $space create token ai-stack-accelerators-claims --bound-object-kind Pod --bound-object-name "$driver")
    here='jsonpath="server": "{.clusters[0].cluster.server}", "certificate-authority-data": "{.clusters[0].cluster.certificate-authority-data}"'
    printf '{"apiVersion": "v1", "kind": "Config", "current-context": "one", "contexts": [{"name": "one", "context": {"cluster": "one", "user": "one"}}],
        "clusters": [{"name": "one", "cluster": {%s}}], "users": [{"name": "one", "user": {"token": "%s"}}]}' \
        "$(kubectl config view --raw --minify --output "$here")" "$token" >"$1"
}
slice() { # NODE
    printf '{"apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": {"name": "probe"}, "spec": {"driver": "probe.example.com",
        "nodeName": "%s", "pool": {"name": "%s", "generation": 1, "resourceSliceCount": 1}, "devices": [{"name": "gpu-0"}]}}' "$1" "$1" | would
}
template() { # NAMESPACE CLASS
    printf '{"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaimTemplate", "metadata": {"name": "one-card", "namespace": "%s"}, "spec": {"spec": %s}}' \
        "$1" "$(request "$2")" | make
}
pod() { # NAMESPACE NAME RESOURCES [FIELD]
    printf '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "%s", "namespace": "%s"}, "spec": {%s "terminationGracePeriodSeconds": 1,
        "nodeSelector": {"kubernetes.io/hostname": "%s"}, "containers": [{"name": "one", "image": "registry.k8s.io/lab/toolbox:1",
        "command": ["/bin/sh", "-c", "sleep 1000000"], "resources": {%s}}]}}' "$2" "$1" "${4:-}" "$node" "$3" | make
}
by='"resourceClaims": [{"name": "card", "resourceClaimTemplateName": "one-card"}],'
claimed() { pod "$1" "$2" '"claims": [{"name": "card"}]' "$by ${3:-}"; }
runs() { kubectl --namespace "$1" wait --for condition=Ready "pod/$2" --timeout 90s >/dev/null 2>&1 && echo yes || echo no; }
# a number behind the name is a card
seen() { kubectl --namespace "$1" exec "$2" -- ls /dev | sed -n 's/^nvidia\([0-9][0-9]*\)$/\1/p' | tr '\n' ' '; }
# whether it is the one that its claim was given
given() {
    name=$(kubectl --namespace "$1" get pod "$2" --output 'jsonpath={.status.resourceClaimStatuses[0].resourceClaimName}')
    device=$(kubectl --namespace "$1" get resourceclaim "$name" --output 'jsonpath={.status.allocation.devices.results[*].device}')
    [ "$device" = "gpu-$(seen "$1" "$2" | xargs)" ] && echo yes || echo "no: $device"
}
had() {
    devices=$(kubectl get resourceslices --output 'jsonpath={range .items[?(@.spec.driver=="gpu.nvidia.com")].spec.devices[*]}{.name}{"\n"}{end}' | grep -c .)
    names=$(kubectl get node "$node" --output 'jsonpath={.status.allocatable.nvidia\.com/gpu}')
    echo "devices: $devices, by names: ${names:-0}"
}
# what keeps a pod from its claim, or its claim from a card, is said a moment later
says() { # NAMESPACE NAME
    for _ in $(seq 60); do
        found=$( (kubectl --namespace "$1" get events --field-selector "involvedObject.name=$2" --output 'jsonpath={.items[*].message}'
            kubectl --namespace "$1" get pod "$2" --output 'jsonpath={.status.conditions[?(@.type=="PodScheduled")].message}') | grep -o "$told" | head -n 1)
        [ -z "$found" ] || break
        sleep 1
    done
    echo "$2: $found"
}
case $2 in
ask)
    echo "quotas: $(for one in research health; do kubectl --namespace $one get resourcequota ai-stack-accelerators --output 'jsonpath={.spec.hard}'; done)"
    had
    for one in research health default; do template "$one" ai-stack-training; done
    claim research gpu.nvidia.com
    template research mig.nvidia.com
    # Kubernetes itself refuses it without the label
    kubectl label namespace research resource.kubernetes.io/admin-access=true >/dev/null
    claim research ai-stack-training ', "adminAccess": true'
    kubectl label namespace research resource.kubernetes.io/admin-access- >/dev/null
    pod research by-name '"limits": {"nvidia.com/gpu": 1}'
    pod research implied '"limits": {"deviceclass.resource.kubernetes.io/ai-stack-training": 1}'
    first default ai-stack-training ai-stack-training
    first research ai-stack-training gpu.nvidia.com
    first health ai-stack-training ai-stack-training
    theirs=$(mktemp)
    as_driver "$theirs"
    (
        KUBECONFIG=$theirs
        slice k8s-cp1
        slice "$node"
    )
    rm "$theirs"
    claimed research one
    claimed health two
    runs research one >/dev/null
    runs health two >/dev/null
    claimed research another
    claimed health third
    pod health none ''
    claimed health apart '"hostUsers": false,'
    echo "run: $(runs research one) $(runs health two) $(runs health none)"
    echo "cards: $( (seen research one; seen health two) | tr ' ' '\n' | sort | xargs)"
    echo "as the claims say: $(given research one) $(given health two)"
    echo "without asking: $(seen health none)."
    says research another
    says health third
    used='jsonpath={.status.used.ai-stack-training\.deviceclass\.resource\.k8s\.io/devices}'
    echo "used: $(kubectl --namespace research get resourcequota ai-stack-accelerators --output "$used")"
    ;;
gone) for one in research health; do kubectl delete --wait --timeout 90s --namespace $one pod,resourceclaim,resourceclaimtemplate --all >/dev/null; done ;;
left)
    for _ in $(seq 60); do
        had | grep -q 'devices: 0' && break
        sleep 1
    done
    had
    ours=app.kubernetes.io/managed-by=sovereign.ai_stack
    kinds=deviceclasses,resourceclaimtemplates,clusterroles,clusterrolebindings,serviceaccounts
    echo "of ours: $(kubectl get "$kinds" --all-namespaces --selector "$ours" --output name | grep -c .)"
    ;;
esac
