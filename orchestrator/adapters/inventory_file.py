"""Files on the operator's laptop, read into models."""

import os
from pathlib import Path

from orchestrator.adapters.yaml import read_yaml
from orchestrator.core.inventory.document import Fault, Mark, faults_error
from orchestrator.core.inventory.inventory import Host, Inventory
from orchestrator.core.inventory.parser import parse_inventory
from orchestrator.distros import DISTROS
from orchestrator.errors import UsageError, program

# 1,000 hosts take about 100 kB; a snapshot given by mistake is refused before it is read.
_LARGEST_INVENTORY_BYTES = 4 << 20


def load_inventory(path: Path) -> Inventory:
    """Read the inventory from a YAML file. Its laptop paths (key, known_hosts, config) become absolute.

    ``~`` is the home folder; relative paths start at the folder of the file. Raises UsageError: no such file, or
    all faults in it.
    """
    inventory = parse_inventory(read_yaml(_text(path)), str(path), DISTROS)
    folder = path.resolve().parent
    hosts = tuple(_with_absolute_paths(host, folder) for host in inventory.hosts)
    return inventory.model_copy(update={"hosts": hosts})


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST_INVENTORY_BYTES:
            raise UsageError(f"{path} is too large for an inventory: name a YAML file with -i")
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"cannot read the inventory {path}: {error.strerror}", program("ls", "-l", str(path))
        ) from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        mark = Mark(before.count(b"\n") + 1, error.start - before.rfind(b"\n"))
        raise faults_error(str(path), [Fault(mark, "", "not UTF-8: save the file as UTF-8")]) from error


def _with_absolute_paths(host: Host, folder: Path) -> Host:
    return host.model_copy(
        update={
            "key": host.key and _absolute(host.key, folder),
            "known_hosts": tuple(_absolute(name, folder) for name in host.known_hosts),
            "config": host.config if host.config in (None, "none") else _absolute(host.config, folder),
        }
    )


def _absolute(name: str, folder: Path) -> str:
    try:
        return os.path.normpath(folder / Path(name).expanduser())
    except RuntimeError as error:
        raise UsageError(f"{name}: home folder does not exist; write the full path in the inventory") from error
