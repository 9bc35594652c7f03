// The command line of a runtime.
module ai-stack-lab.invalid/cri

go 1.26.0

tool sigs.k8s.io/cri-tools/cmd/crictl

require sigs.k8s.io/cri-tools v1.37.0
