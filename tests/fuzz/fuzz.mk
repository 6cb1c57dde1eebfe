# Hostile bytes for the snapshot reader, for as long as it is told; atheris is installed for this alone.
SECONDS ?= 60
FUZZ_READY := .venv/.fuzz-ready
$(FUZZ_READY): $(VENV_READY)
	.venv/bin/pip install --quiet --disable-pip-version-check 'atheris>=2.3'
	@touch $@

.PHONY: fuzz
fuzz: $(FUZZ_READY)
	@mkdir -p .fuzz
	cd .fuzz && ../.venv/bin/python -m tests.fuzz -max_total_time=$(SECONDS) . ../tests/fuzz/corpus
