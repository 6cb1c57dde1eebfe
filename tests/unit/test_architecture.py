"""The house's rules, read from the source: who may import whom, and which rooms are pure.

    cli -> app -> {engine, adapters} -> {distros, ports} -> core -> etcd -> errors

A room may import what stands further right, itself, and nobody beside it: the coordinator knows no adapter.
`core` has rooms of its own, with an order of their own.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "orchestrator"
ORDER = (
    ("errors",),
    ("etcd",),
    ("core.timeouts", "core.text"),
    ("core.inventory", "core.transfer"),
    ("core.model",),
    ("core.hosts", "core.runs", "core.scripts"),
    ("core.cost", "core.proof", "core.snapshots"),
    ("core.checks", "core.report"),
    ("core.plans",),
    ("distros", "ports"),
    ("engine", "adapters"),
    ("app",),
    ("cli",),
    ("__main__",),
)
RANK = {room: rank for rank, rooms in enumerate(ORDER) for room in rooms}

PURE = ("errors", "etcd", "core", "distros")
# fmt: off
EFFECTS = {
    "asyncio", "builtins", "ctypes", "fcntl", "getpass", "glob", "importlib", "io", "logging", "mmap",
    "multiprocessing", "os", "pathlib", "platform", "pty", "random", "secrets", "select", "selectors",
    "shutil", "signal", "socket", "socketserver", "ssl", "subprocess", "sys", "tempfile", "threading", "time",
    "urllib.request", "uuid",
}
# fmt: on
"""Modules of the standard library with which a room could do, draw or read more than it was given."""

OUTER = {
    "errors": set(),
    "etcd": {"pydantic", "crc32c"},
    "core": {"pydantic", "pydantic_core", "jinja2"},
    "distros": {"yaml"},
    "ports": set(),
    "engine": set(),
    "adapters": {"asyncssh", "backports", "compression", "obstore", "pydantic", "rich", "tenacity", "yaml"},
    "app": {"platformdirs"},
    "cli": {"typer"},
    "__main__": set(),
}
"""The libraries that each room may use: an outer library has one door."""

FILES = sorted(PACKAGE.rglob("*.py"))


def room_of(module: str) -> str:
    """`orchestrator.core.plans.restore` -> `core.plans`, `orchestrator.app.undo` -> `app`; the package itself is ``."""
    parts = module.split(".")[1:]
    return ".".join(parts[:2] if parts[:1] == ["core"] else parts[:1])


def top_of(room: str) -> str:
    """The folder or file of the package in which a room is."""
    return room.partition(".")[0]


def module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and module of every import, also of those inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute here"
            yield node.lineno, node.module or ""
            for (
                alias
            ) in node.names:  # `from orchestrator import cli`, `from orchestrator.core import text` import rooms
                if (
                    node.module in ("orchestrator", "orchestrator.core")
                    and room_of(f"{node.module}.{alias.name}") in RANK
                ):
                    yield node.lineno, f"{node.module}.{alias.name}"


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def offences(source: str, room: str) -> list[str]:
    """What a file of that room must not import or call."""
    tree = ast.parse(source)
    return [*_wrong_way(tree, room), *_outer(tree, room), *(_effects(tree) if top_of(room) in PURE else ())]


def _wrong_way(tree: ast.Module, room: str) -> Iterator[str]:
    for line, module in imports(tree):
        other = room_of(module)
        if module.partition(".")[0] != "orchestrator" or other in ("", "core", room):
            continue
        if RANK[other] >= RANK[room]:
            yield f"line {line}: {room} must not import {module}"


def _outer(tree: ast.Module, room: str) -> Iterator[str]:
    for line, module in imports(tree):
        top = module.partition(".")[0]
        if top != "orchestrator" and top not in sys.stdlib_module_names and top not in OUTER[top_of(room)]:
            yield f"line {line}: {room} must not use {top}"


def _effects(tree: ast.Module) -> Iterator[str]:
    for line, module in imports(tree):
        if module in EFFECTS or module.partition(".")[0] in EFFECTS:
            yield f"line {line}: {module} in a pure room"
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncFunctionDef | ast.Await):
            yield f"line {node.lineno}: nothing waits in a pure room"
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in ("open", "print", "input", "exec", "eval", "__import__"):
                yield f"line {node.lineno}: {called}() in a pure room"
            if called.rpartition(".")[2] in ("now", "utcnow", "today"):
                yield f"line {node.lineno}: {called}() reads the clock"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_keeps_to_its_room(path: Path) -> None:
    room = room_of(module_of(path))
    if room in RANK:
        assert offences(path.read_text(encoding="utf-8"), room) == []
    else:
        assert list(imports(parsed(path))) == []


def test_every_room_has_its_place_in_the_order() -> None:
    assert {room_of(module_of(path)) for path in FILES} - {"", "core"} == set(RANK)


def test_core_has_eleven_rooms_and_three_loose_modules() -> None:
    inside = list((PACKAGE / "core").iterdir())
    assert sum(1 for path in inside if (path / "__init__.py").exists()) == 11
    assert {path.stem for path in inside if path.suffix == ".py"} == {"__init__", "scripts", "text", "timeouts"}


def test_the_package_has_at_most_fifteen_entries_and_eight_floors() -> None:
    entries = [path for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()]
    assert len(entries) <= 15
    assert len({frozenset(map(top_of, rooms)) for rooms in ORDER}) <= 8


@pytest.mark.parametrize(
    ("source", "room"),
    [
        ("from orchestrator.core import model", "etcd"),
        ("from orchestrator.core.plans import restore", "core.proof"),
        ("from orchestrator.core.checks import member", "core.report"),
        ("from orchestrator.core import scripts", "core.inventory"),
        ("def f():\n    from orchestrator.app import planning", "engine"),
        ("from orchestrator.adapters.ssh.fleet import Fleet", "engine"),
        ("import orchestrator.ports", "distros"),
        ("from orchestrator import cli", "app"),
        ("import asyncssh", "engine"),
        ("import os.path", "core.plans"),
        ("from time import time", "etcd"),
        ("def f():\n    import random", "distros"),
        ("async def f(): ...", "core.text"),
        ("text = open('x').read()", "core.hosts"),
        ("from datetime import datetime\nat = datetime.now()", "core.cost"),
    ],
)
def test_an_offence_is_found(source: str, room: str) -> None:
    assert len(offences(source, room)) == 1


def test_the_heavy_libraries_come_in_only_where_they_are_used() -> None:
    """`--help` answers at once: the top of `cli/` imports Typer, the errors, itself and the standard library."""
    later = (ast.FunctionDef, ast.AsyncFunctionDef, ast.If)  # an If at the top asks for TYPE_CHECKING
    body = [
        node for path in (PACKAGE / "cli").glob("*.py") for node in parsed(path).body if not isinstance(node, later)
    ]
    tops = {module.partition(".")[0] for _, module in imports(ast.Module(body, []))}
    rooms = {room_of(module) for _, module in imports(ast.Module(body, [])) if module.startswith("orchestrator")}
    assert tops - set(sys.stdlib_module_names) == {"typer", "orchestrator"}
    assert rooms - {""} == {"cli", "errors"}


DISTRIBUTIONS = re.compile(r"[Kk]ublr|[Kk]ubeadm|reinitialize\b|Systemd|distribution systemd|[\"']systemd[\"'] *[=!]=")
"""What names a distribution, or is known of one alone. systemd itself may supervise the hosts of any."""
INVENTORY_KEYS = "core/inventory/declared.py"  # `units.kublr`, `paths.kublr`: an operator's inventory has these keys


def test_core_names_no_distribution() -> None:
    core = [path for path in (PACKAGE / "core").rglob("*.py") if not path.match(INVENTORY_KEYS)]
    lines = [(path, line) for path in core for line in path.read_text(encoding="utf-8").splitlines()]
    assert [f"{path.relative_to(PACKAGE)}: {line.strip()}" for path, line in lines if DISTRIBUTIONS.search(line)] == []


LONGEST_FUNCTION, LONGEST_FILE = 40, 300
"""A function fits on a screen. In `cli` only its body counts: a command's signature is the table of its options."""

LONGER: dict[str, str] = {}
"""What may be longer, as `core/plans/restore.py` or `app/undo.py:plan_undo`, and why."""


def lines_of(node: ast.FunctionDef | ast.AsyncFunctionDef, *, whole: bool) -> int:
    return (node.end_lineno or 0) - (node.lineno if whole else node.body[0].lineno) + 1


def too_long(path: Path) -> list[str]:
    """The file, and the functions in it, that are longer than they should be."""
    text, name = path.read_text(encoding="utf-8"), str(path.relative_to(PACKAGE))
    long = [name] if text.count("\n") > LONGEST_FILE else []
    whole = not name.startswith("cli/")
    functions = (it for it in ast.walk(ast.parse(text)) if isinstance(it, ast.FunctionDef | ast.AsyncFunctionDef))
    return [*long, *(f"{name}:{it.name}" for it in functions if lines_of(it, whole=whole) > LONGEST_FUNCTION)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_and_functions_stay_readable(path: Path) -> None:
    assert [it for it in too_long(path) if it not in LONGER] == []


def test_every_exception_is_needed() -> None:
    assert {it for path in FILES for it in too_long(path)} >= set(LONGER)
