# make docs-reference  write docs/reference/commands.md and inventory.md from the program
.PHONY: docs-reference
docs-reference: $(VENV_READY)
	.venv/bin/python -m tests.docs
