# Real Kubernetes in Docker: kubelets, API servers and controllers as released, built from Go modules. LAYOUT names what
# the cluster is like, KUBERNETES and ETCD its versions (`newest` for the newest pair); REAL and REAL_SUBNET another one
# beside the default.
.PHONY: real-up real-down real-test
real-up real-down: $(VENV_READY)
	@LAYOUT=$(LAYOUT) KUBERNETES=$(KUBERNETES) ETCD=$(ETCD) .venv/bin/python -m tests.real $(@:real-%=%)

# On a cluster that is brought up for it; one that was up before stays up.
real-test: $(VENV_READY)
	LAYOUT=$(LAYOUT) KUBERNETES=$(KUBERNETES) ETCD=$(ETCD) $(PYTEST) --durations=0 --durations-min=5 tests/real
