"""The table of documented paths: `make test-paths` writes `docs/evidence/paths.md`.

It writes a row as soon as a case has ended. Rows of cases that a run does not try stay.
"""

from __future__ import annotations

from datetime import UTC, datetime

from tests.lab.lab import REPOSITORY

PAGE = REPOSITORY / "docs" / "evidence" / "paths.md"
_HEAD = """# Documented paths in the lab

`make test-paths` writes this page: real etcd, OpenSSH, systemd, Docker and containerd; stand-ins
for Kublr's agent, kubelet and API server. Each case runs from the plan to the proof, or to a
refusal. Its test says what it breaks on the way, and who continues.

| path | case | outcome | run |
| --- | --- | --- | --- |
"""


def record(node: str, seconds: float, *, passed: bool) -> None:
    """Write the row of a case. ``node`` is pytest's name of it: `tests/lab/test_manual.py::test_...`."""
    file, _, name = node.partition("::")
    path = file.rpartition("test_")[2].removesuffix(".py")
    case = name.removeprefix("test_").replace("_", " ")
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    rows = _rows()
    rows[path, case] = f"{'passed' if passed else '**FAILED**'}, {seconds:.0f} s | {now}"
    PAGE.write_text(_HEAD + "".join(f"| {path} | {case} | {rest} |\n" for (path, case), rest in sorted(rows.items())))


def _rows() -> dict[tuple[str, str], str]:
    lines = PAGE.read_text().splitlines() if PAGE.exists() else []
    cells = [line.removeprefix("| ").removesuffix(" |").split(" | ", 2) for line in lines if line.endswith(" UTC |")]
    return {(path, case): rest for path, case, rest in cells}
