# The Docker lab, for play and for the tests. LAB and LAB_SUBNET name another one beside the default.
.PHONY: lab-up lab-down lab-reset
lab-up lab-down lab-reset: $(VENV_READY)
	@.venv/bin/python -m tests.lab $(@:lab-%=%)

# The covering cases, on a lab that is brought up for them; one that was up before stays up.
.PHONY: lab-test
lab-test: $(VENV_READY)
	$(PYTEST) -m 'not faults and not paths' --durations=0 --durations-min=5 tests/lab

# Faults and what leads back from them: long cases, each on a fresh lab.
.PHONY: test-faults test-paths
test-faults: $(VENV_READY)
	$(PYTEST) -m faults tests/lab

# Every documented path, each end to end: the manual restore, backups, schedules, other distributions.
test-paths: $(VENV_READY) packages
	$(PYTEST) -m paths --durations=0 --durations-min=5 tests/lab
