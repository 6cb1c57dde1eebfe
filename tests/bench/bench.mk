# make bench-outage    the outage of a restore: ours, by hand, Ansible (about 10 minutes; ROUNDS=1: 4)
# make bench-transfer  one file brought to every master over three links: ours, scp, Ansible, pyinfra (25 minutes; SIZE)
# make bench-real      the outage on real Kubernetes: ours, by hand, a peer's order (about 20 minutes; ROUNDS=1: 7)
# make bench-memory    the laptop's memory for snapshots of 20 MB, 400 MB and 4 GB (10 GB of disk for a while)
# make bench-snapshot  `snapshot inspect` against `etcdutl snapshot status`: time, memory (10 GB of disk for a while)
# make bench-fleet     facts from 200 SSH hosts: ours, Ansible, pyinfra; time, processor, memory (6 minutes)
# make bench-help      how long `orchestrator --help` takes
# make bench-test      the tests among them: imports of --help; the memory for 27 MB and 433 MB; the figures of transfers
BENCHES := bench-outage bench-real bench-transfer bench-memory bench-snapshot bench-fleet bench-help

.PHONY: $(BENCHES) bench-test
bench-outage bench-transfer: export LAB ?= bench
bench-outage bench-transfer: export LAB_SUBNET ?= 172.30.80
$(BENCHES): $(VENV_READY)
	@.venv/bin/python -m tests.bench.$(@:bench-%=%)

bench-test: $(VENV_READY)
	$(PYTEST) tests/bench
