# `make` alone lists what there is. Everything installs itself: Python packages into .venv, the lab's engine by apt.
VENV_READY := .venv/.ready
PYTEST := .venv/bin/python -m pytest

.PHONY: help venv lint types unit sim contract demo-test lab-test test bench-outage wheel

help:
	@echo 'make demo          a small cluster on this machine, damaged and restored; no root, no Docker'
	@echo 'make lab-up        three masters and two workers in Docker, to play with; lab-down takes them away'
	@echo 'make test          everything: lint, types, unit, simulation, contract, demo, lab'
	@echo 'make bench-outage  the outage of a restore: ours, by hand, Ansible'

$(VENV_READY): pyproject.toml
	python3 -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

venv: $(VENV_READY)

lint: $(VENV_READY)
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

types: $(VENV_READY)
	.venv/bin/mypy

unit: $(VENV_READY)
	$(PYTEST) -q -n 2 tests/unit

sim: $(VENV_READY)
	$(PYTEST) -q -n 2 tests/sim

include tests/demo/demo.mk
include tests/lab/lab.mk
