# `make` alone lists what there is. Everything installs itself: Python packages into .venv, the rest by apt where it may.
VENV_READY := .venv/.ready
PYTEST := .venv/bin/python -m pytest -q

.PHONY: help venv packages lint types unit quick-unit sim simulate-all simulate contract demo-test check test

define HELP
To develop:
  make check           lint, types and the quick unit tests: at most a minute
  make test            everything below up to lab-test: at most 15 minutes, installs included
  make lint            ruff, and what else reads the sources
  make types           mypy
  make unit            all unit tests; quick-unit leaves out slow ones and all shells but one
  make sim             restores on simulated hosts, in virtual time; simulate-all interrupts at every point
  make simulate        random crashes on simulated hosts: RUNS=2000
  make contract        real sshd, sudo and object store
  make demo-test       tests of the demo
  make lab-test        three masters and two workers in Docker, with systemd
To try:
  make demo            a small cluster on this machine, damaged and restored: no root, no Docker
  make lab-up          the lab, to play with; lab-reset, lab-down
  make real-up         real Kubernetes in Docker: LAYOUT=kubeadm, KUBERNETES=newest; real-test, real-down
To prove:
  make test-faults     long cases in the lab: what breaks, and what leads back
  make test-paths      every documented path in the lab: manual restore, backups, other distributions
  make fuzz            hostile bytes for the snapshot reader: SECONDS=60
  make bench-outage    the outage of a restore: ours, by hand, by Ansible
  make bench-real      the outage of a restore of real Kubernetes: ours, by hand, a peer's order
  make bench-transfer  one file to every master: ours, scp, Ansible, pyinfra
  make bench-fleet     facts from 200 SSH hosts: ours, Ansible, pyinfra
  make bench-memory    the laptop's memory; bench-snapshot, bench-help, bench-test
To write:
  make docs-reference  the generated pages of docs/reference
endef
export HELP

help:
	@echo "$$HELP"

$(VENV_READY): pyproject.toml
	python3 -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

venv: $(VENV_READY)

packages:
	sh tests/packages.sh

lint: $(VENV_READY) packages
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/python -m tests.shellcheck

types: $(VENV_READY)
	.venv/bin/mypy

unit: $(VENV_READY) packages
	$(PYTEST) -n 3 --dist worksteal tests/unit

quick-unit: $(VENV_READY) packages
	$(PYTEST) -n 3 --dist worksteal --quick tests/unit

sim: $(VENV_READY)
	$(PYTEST) -n 2 tests/sim

simulate-all: $(VENV_READY)
	$(PYTEST) -n 2 tests/sim --all-points

RUNS ?= 2000
simulate: $(VENV_READY)
	.venv/bin/python -m tests.sim $(RUNS)

contract: $(VENV_READY) packages
	$(PYTEST) -n 3 --dist loadfile tests/contract

demo-test: $(VENV_READY) packages
	$(PYTEST) -n 3 tests/demo

# What a change can break.
check: lint packages
	@sh tests/beside.sh types quick-unit

# The lab waits for its hosts most of the time: all else runs meanwhile.
test: lint packages
	@sh tests/beside.sh lab-test types unit sim simulate contract demo-test

include tests/demo/demo.mk
include tests/lab/lab.mk
include tests/bench/bench.mk
include tests/fuzz/fuzz.mk
include tests/real/real.mk
include tests/docs/docs.mk

.NOTPARALLEL:
