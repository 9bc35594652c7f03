// What resolves names in a cluster; which plugins it has stands in main.go.
module ai-stack-lab.invalid/coredns

go 1.26.0

require github.com/coredns/coredns v1.15.0
