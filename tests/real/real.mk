# Real Kubernetes in Docker: kubelets, API servers and controllers as released, built from Go modules. LAYOUT names what
# the cluster is like (kubeadm, kublr), KUBERNETES and ETCD its versions (`newest` for the newest pair); REAL and
# REAL_SUBNET another cluster beside the default.
REAL_CHOICE = LAYOUT=$(LAYOUT) KUBERNETES=$(KUBERNETES) ETCD=$(ETCD)

.PHONY: real-up real-down real-test
real-up real-down: $(VENV_READY)
	@$(REAL_CHOICE) .venv/bin/python -m tests.real $(@:real-%=%)

# On a cluster that is brought up for it; one that was up before stays up. ALL=1: each layout in each pair of versions.
real-test: $(VENV_READY)
ifneq ($(ALL),)
	for layout in kubeadm kublr; do for versions in '' newest; do \
		$(MAKE) real-test ALL= LAYOUT=$$layout KUBERNETES=$$versions || exit 1; \
	done; done
else
	$(REAL_CHOICE) $(PYTEST) --durations=0 --durations-min=5 tests/real
endif
