#!/bin/sh
# What a cluster was told of cards, one object a line, and what pods can have of it; runs on a control plane.
export KUBECONFIG=/etc/kubernetes/admin.conf
kinds=namespaces,daemonsets,priorityclasses,configmaps,resourcequotas,validatingadmissionpolicies,validatingadmissionpolicybindings
kubectl get $kinds --all-namespaces --selector app.kubernetes.io/managed-by=sovereign.ai_stack --output \
    'go-template={{range .items}}{{.kind}} {{.metadata.namespace}} {{.metadata.name}} {{.metadata.labels}} {{.spec}} {{.data}}{{"\n"}}{{end}}'
kubectl get nodes --output 'jsonpath={range .items[*]}{.metadata.name} {.metadata.labels} {.status.allocatable.nvidia\.com/gpu}{"\n"}{end}'
