"""What real hosts answered to `observe.sh` and `volume.sh`: one file per fact, below `recorded/`.

Taken from Docker hosts with systemd and etcd 3.5.1: `master` asks etcd with curl, `master-without-curl` with openssl.
"""

from __future__ import annotations

from pathlib import Path

from orchestrator.core.inventory.declared import Paths
from orchestrator.core.inventory.inventory import Host, Role
from tests.unit.builders import KUBLR_UNITS

_FOLDER = Path(__file__).parent / "recorded"


def recorded(name: str) -> dict[str, str]:
    """The facts of one host by name; line ends as they came."""
    return {path.name: path.read_bytes().decode() for path in sorted((_FOLDER / name).iterdir())}


def host(role: Role = Role.MASTER, **paths: str) -> Host:
    """The recorded hosts as an inventory names them."""
    return Host(
        name="master-1", role=role, address="172.30.80.11", node="master-1", paths=Paths(**paths), units=KUBLR_UNITS
    )
