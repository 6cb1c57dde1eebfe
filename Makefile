# `make` alone lists what there is. Everything installs itself: Python packages into .venv, the rest by apt where it may.
VENV_READY := .venv/.ready
PYTEST := .venv/bin/python -m pytest -q

.PHONY: help venv packages lint types unit sim simulate-all simulate contract demo-test test

help:
	@echo 'make demo          a small cluster on this machine, damaged and restored; no root, no Docker'
	@echo 'make lab-up        three masters and two workers in Docker, to play with; lab-reset, lab-down'
	@echo 'make real-up       real Kubernetes in Docker: LAYOUT=kubeadm, KUBERNETES=newest; real-test, real-down'
	@echo 'make test          everything: lint, types, unit, simulation, contract, demo, lab'
	@echo 'make test-paths    every documented path in the lab: manual restore, backups, other distributions'
	@echo 'make docs-reference  write the generated pages of docs/reference'
	@echo 'make simulate      random crashes on simulated hosts (RUNS=2000)'
	@echo 'make simulate-all  an undo interrupted at every point; make test takes every third'
	@echo 'make fuzz          hostile bytes for the snapshot reader (SECONDS=60)'
	@echo 'make bench-outage  the outage of a restore: ours, by hand, by Ansible; and a plain stop and start'
	@echo 'make bench-transfer  one file brought to every master: ours, scp, Ansible, pyinfra'
	@echo 'make bench-fleet   facts from 200 SSH hosts: ours, Ansible, pyinfra; the cost of each host'

$(VENV_READY): pyproject.toml
	python3 -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

venv: $(VENV_READY)

packages:
	sh tests/packages.sh

lint: $(VENV_READY)
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

types: $(VENV_READY)
	.venv/bin/mypy

unit: $(VENV_READY) packages
	$(PYTEST) -n 2 tests/unit

sim: $(VENV_READY)
	$(PYTEST) -n 2 tests/sim

simulate-all: $(VENV_READY)
	$(PYTEST) -n 2 tests/sim --all-points

RUNS ?= 2000
simulate: $(VENV_READY)
	.venv/bin/python -m tests.sim $(RUNS)

contract: $(VENV_READY) packages
	$(PYTEST) tests/contract

demo-test: $(VENV_READY) packages
	$(PYTEST) tests/demo

# Not in parallel: on two cores, clusters beside each other only slow one another down.
test: lint types unit sim simulate contract demo-test lab-test

include tests/demo/demo.mk
include tests/lab/lab.mk
include tests/bench/bench.mk
include tests/fuzz/fuzz.mk
include tests/real/real.mk
include tests/docs/docs.mk

.NOTPARALLEL:
