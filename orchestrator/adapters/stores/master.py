"""A snapshot that is stored on a master, read over SSH."""

from __future__ import annotations

from orchestrator.core.model.outcome import Command
from orchestrator.core.snapshots.backups import MOST_FACTS_BYTES, beside
from orchestrator.core.timeouts import HASH_S, LOOK_S
from orchestrator.ports import HostError, Remote


async def read_beside(remote: Remote, path: str) -> bytes:
    """Return the facts beside a snapshot, read as root like the snapshot itself; empty if they cannot be read."""
    facts = beside(path)
    if not facts:
        return b""
    output = await remote.look(Command(("beside", facts, str(MOST_FACTS_BYTES)), 'head -c "$2" "$1"', timeout_s=LOOK_S))
    return output.stdout if output.exit_code == 0 else b""


async def measure(remote: Remote, path: str, *, hashed: bool = True) -> tuple[int, str]:
    """Return size and, if ``hashed``, sha256 of a file, computed by its host. Raises HostError."""
    script = 'stat -L -c "%s %F" "$1" && { [ -z "$2" ] || sha256sum <"$1"; }'
    output = await remote.look(Command(("measure", path, "yes" if hashed else ""), script, timeout_s=HASH_S))
    words = output.text.split()
    if output.exit_code != 0 or "regular" not in words:
        why = output.detail or output.stderr.decode("utf-8", "replace").strip() or "it is no file"
        raise HostError(f"{remote.name}: {path} cannot be read there: {why}")
    return int(words[0]), words[-2] if hashed else ""
