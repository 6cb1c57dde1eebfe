"""Parser from the operator's document to the resolved `Inventory`, or to all of its faults at once.

The rules between keys (names, addresses, jumps) read the document as written, so they report faults even if some
value is wrong; they ignore what the models have already refused.
"""

import ipaddress
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from pydantic import ValidationError

from orchestrator.core.inventory.declared import InventoryDocument
from orchestrator.core.inventory.document import (
    Fault,
    MarkedDocument,
    Path,
    did_you_mean,
    dotted,
    faults_error,
    model_faults,
)
from orchestrator.core.inventory.inventory import Host, Inventory, Role
from orchestrator.core.inventory.schema import inventory_schema

_GROUPS = {
    "masters": Role.MASTER,
    "workers": Role.WORKER,
    "bastions": Role.BASTION,
    "api_servers": Role.API,
}

_SYNONYMS = {
    **dict.fromkeys(("host", "hostname", "ip", "ansible_host"), "address"),
    **dict.fromkeys(("login", "username", "ansible_user"), "user"),
    **dict.fromkeys(("ssh_port", "ansible_port"), "port"),
    **dict.fromkeys(("identity_file", "private_key", "ansible_ssh_private_key_file"), "key"),
    **dict.fromkeys(("bastion", "proxy_jump", "gateway"), "jump"),
    **dict.fromkeys(("become", "ansible_become"), "sudo"),
}


@dataclass(frozen=True, slots=True)
class _Entry:
    """One host of the document: its place and its settings, the layers merged but not validated."""

    group: str
    name: str
    layers: Mapping[Path, Mapping[str, object]]
    settings: Mapping[str, object]

    @property
    def path(self) -> Path:
        return (self.group, "hosts", self.name)

    def origin(self, key: str) -> Path:
        """Return the path at which the effective setting was written."""
        writers = [path for path, layer in self.layers.items() if key in layer]
        return (*(writers or [self.path])[-1], key)


class Distribution(Protocol):
    """What the inventory needs from a distribution: part of `hosts.distro.Distro`."""

    @property
    def default_units(self) -> Mapping[str, str]: ...

    @property
    def api_apart(self) -> bool: ...


def parse_inventory(document: MarkedDocument, source: str, distros: Mapping[str, Distribution]) -> Inventory:
    """Parse and resolve an inventory.

    ``source`` is the file's name for messages; ``distros`` has all distributions by name.
    Raises UsageError with every fault of the document, each ``file:line:column path: what``.
    """
    if document.data is None and document.faults:
        raise faults_error(source, document.faults)
    entries = _entries(document.data)
    faults = [*document.faults, *_model_faults(document, distros), *_misplaced_api_servers(document, distros)]
    for rule in (_repeated_names, _same_addresses, _same_nodes, _wrong_jumps):
        faults += rule(entries, document)
    if faults:
        raise faults_error(source, faults)
    declared = InventoryDocument.model_validate(document.data)
    return Inventory(
        format=declared.format,
        cluster=declared.cluster,
        distribution=declared.distribution,
        policies=declared.policies,
        hosts=tuple(_host(entry, distros[declared.distribution].default_units) for entry in entries),
    )


def _host(entry: _Entry, units: Mapping[str, str]) -> Host:
    node = entry.settings.get("node") or entry.name
    own = {"name": entry.name, "role": _GROUPS[entry.group], "node": node}
    return Host.model_validate({**_merged({"units": units} if units else {}, entry.settings), **own})


def _model_faults(document: MarkedDocument, distributions: Collection[str]) -> Iterator[Fault]:
    try:
        InventoryDocument.model_validate(document.data, context={"distributions": tuple(distributions)})
    except ValidationError as error:
        yield from model_faults(error, document, inventory_schema(distributions), _SYNONYMS)


def _entries(data: object) -> tuple[_Entry, ...]:
    """Return every host, masters first. A value that should be a mapping and is not counts as empty."""
    entries = []
    for group in _GROUPS:
        shared = _below(data, group)
        for name, own in _below(shared, "hosts").items():
            layers: dict[Path, Mapping[str, object]] = {
                ("defaults",): _below(data, "defaults"),
                (group, "settings"): _below(shared, "settings"),
                (group, "hosts", name): own if isinstance(own, Mapping) else {},
            }
            settings: dict[str, object] = {}
            for layer in layers.values():
                settings = _merged(settings, layer)
            entries.append(_Entry(group, str(name), layers, settings))
    return tuple(entries)


def _below(data: object, key: str) -> Mapping[str, object]:
    value = data.get(key) if isinstance(data, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _merged(under: Mapping[str, object], over: Mapping[str, object]) -> dict[str, object]:
    """Merge two mappings key by key, also inside nested mappings; ``over`` wins."""
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        merged[key] = _merged(below, value) if both else value  # type: ignore[arg-type]
    return merged


def _repeated_names(entries: tuple[_Entry, ...], document: MarkedDocument) -> Iterator[Fault]:
    first: dict[str, _Entry] = {}
    for entry in entries:
        other = first.setdefault(entry.name, entry)
        if other is not entry:
            text = f"the name {entry.name} is already used by {dotted(other.path)}"
            yield document.fault(entry.path, text, at_key=True)


def _same_addresses(entries: tuple[_Entry, ...], document: MarkedDocument) -> Iterator[Fault]:
    """Find two nodes with the same address: they are never behind one sshd. A bastion may also be a master."""
    first: dict[tuple[str, str], str] = {}
    for entry in entries:
        address = entry.settings.get("address")
        if entry.group == "bastions" or not isinstance(address, str):
            continue
        place = (_normalised(address), str(entry.settings.get("port") or "22"))
        other = first.setdefault(place, entry.name)
        if other != entry.name:
            text = f"{address} port {place[1]} is already the address of {other}"
            yield document.fault(entry.origin("address"), text)


def _normalised(address: str) -> str:
    """Normalise an address: IPv6 has many spellings, DNS ignores case and a dot at the end."""
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return address.lower().removesuffix(".")


def _same_nodes(entries: tuple[_Entry, ...], document: MarkedDocument) -> Iterator[Fault]:
    first: dict[str, str] = {}
    for entry in entries:
        if entry.group == "bastions":
            continue
        node = str(entry.settings.get("node") or entry.name)
        other = first.setdefault(node, entry.name)
        if other != entry.name:
            yield document.fault(entry.origin("node"), f"{node} is already the Node of {other}")


def _wrong_jumps(entries: tuple[_Entry, ...], document: MarkedDocument) -> Iterator[Fault]:
    """Find jumps that do not name a bastion, and bastions that are reached through themselves."""
    jumps = {entry.name: _jump(entry) for entry in entries if entry.group == "bastions"}
    groups = {entry.name: entry.group for entry in entries}
    for entry in entries:
        jump = _jump(entry)
        if jump is None:
            continue
        cycle = _cycle(entry.name, jumps)
        if jump not in groups:
            text = f"{jump} is not a bastion{did_you_mean(jump, jumps)}"
        elif jump not in jumps:
            text = f"{jump} is in {groups[jump]}; a jump must be in bastions"
        elif cycle and entry.name == min(cycle):
            text = f"the jumps form a circle: {' -> '.join((*cycle, entry.name))}; set `jump: none` on one of them"
        else:
            continue
        yield document.fault(entry.origin("jump"), text)


def _jump(entry: _Entry) -> str | None:
    jump = entry.settings.get("jump")
    return str(jump) if isinstance(jump, str) and jump != "none" else None


def _cycle(start: str, jumps: Mapping[str, str | None]) -> tuple[str, ...]:
    """Return the bastions from ``start`` back to it; empty if the way from ``start`` does not come back."""
    way: list[str] = []
    name: str | None = start
    while name is not None and name not in way:
        way.append(name)
        name = jumps.get(name)
    return tuple(way) if name == start else ()


def _misplaced_api_servers(document: MarkedDocument, distros: Mapping[str, Distribution]) -> Iterator[Fault]:
    declared = document.data if isinstance(document.data, Mapping) else {}
    name = str(declared.get("distribution"))
    if name in distros and not distros[name].api_apart and declared.get("api_servers"):
        text = f"with {name} every API server runs on a master: list these hosts under masters"
        yield document.fault(("api_servers",), text, at_key=True)
