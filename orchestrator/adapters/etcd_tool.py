"""The operator's own etcdutl, asked on this laptop for its version."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

_ASK_S = 10.0


def tool_version(path: Path) -> str:
    """`3.5.16`; empty if the program does not run here, as one that was built for another machine."""
    try:
        asked = subprocess.run(
            [str(path.absolute()), "version"], capture_output=True, text=True, timeout=_ASK_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return ""
    found = re.match(r"etcd(?:utl|ctl) version: (\S+)", asked.stdout)
    return found[1] if found else ""
