#!/bin/sh
# What a cluster was told of cards, one object a line, and what pods can have of it; runs on a control plane.
export KUBECONFIG=/etc/kubernetes/admin.conf
kinds=namespaces,daemonsets,priorityclasses,configmaps,resourcequotas,validatingadmissionpolicies,validatingadmissionpolicybindings,serviceaccounts
kinds=$kinds,clusterroles,clusterrolebindings
# these the API may not have, and kubectl knows no such kind then
for kind in $(kubectl api-resources --output name |
    grep -E '^(((cluster|local)queues|cohorts|resourceflavors)\.kueue\.x-k8s\.io|(deviceclasses|resourceclaimtemplates)\.resource\.k8s\.io)$'); do
    kinds=$kinds,$kind
done
kubectl get "$kinds" --all-namespaces --selector app.kubernetes.io/managed-by=sovereign.ai_stack --output 'go-template={{range .items -}}
    {{.kind}} {{.metadata.namespace}} {{.metadata.name}} {{.metadata.labels}} {{.spec}} {{.data}} {{.rules}} {{.roleRef}} {{.subjects}}{{"\n"}}{{end}}'
kubectl get nodes --output 'jsonpath={range .items[*]}{.metadata.name} {.metadata.labels} {.status.allocatable.nvidia\.com/gpu}{"\n"}{end}'
