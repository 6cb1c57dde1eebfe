"""The templates that are part of the program."""

from __future__ import annotations

from pathlib import Path

import orchestrator

_PACKAGE = Path(orchestrator.__file__).parent


def folder(name: str) -> Path:
    """Return `templates` or `inventories`: inside the package if installed, beside it in a checkout."""
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


def read_templates() -> dict[str, str]:
    """Read every template, by its path below `templates`."""
    root = folder("templates")
    return {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }
