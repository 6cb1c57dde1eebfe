// What is required stands in VERSION.mod, for `go build -modfile`; Go asks for this file to find the module.
module orchestrator.test/kubernetes
