"""The generated pages of docs/reference/, each with the function that makes it."""

from __future__ import annotations

from pathlib import Path

from tests.docs import commands, inventory

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
PAGES = {REFERENCE / "commands.md": commands.page, REFERENCE / "inventory.md": inventory.page}
