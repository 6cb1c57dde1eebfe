"""docs/reference/inventory.md, from the JSON Schema of the inventory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from orchestrator.core.inventory.schema import inventory_schema
from orchestrator.distros import DISTROS

HEAD = """\
# The inventory file

`make docs-reference` writes this page from the JSON Schema. Do not edit it by hand. Your editor can
use the same schema: `orchestrator schema inventory` prints it. There is a
[complete example](../../inventories/) for every distribution.

- A host's own settings win over its group's, and these win over `defaults`, key by key.
- The program reports all faults at once: file, line, column, what is wrong, and what you may have
  meant.
- Your `~/.ssh/config` and your agent count. Host keys are always checked; no setting turns that
  off.
- No password belongs in this file.
"""

SECTIONS = (
    ("The file", "", "The top level of the file."),
    ("Groups", "Group", "`masters`, `workers`, `bastions` and `api_servers` are groups."),
    ("Hosts", "HostDeclaration", "Each host has an address, and may have any of the [settings](#settings) too."),
    ("Settings", "Settings", "`defaults`, the `settings` of a group, and each host accept these keys."),
    (
        "Units",
        "Units",
        "`units` names systemd units. With kubeadm and systemd, the kubelet's unit is `kubelet` by default.",
    ),
    ("Paths", "Paths", "`paths` names files and folders on the hosts."),
    ("Policies", "Policies", "`policies` records what you decide before a restore."),
    ("Workers", "WorkerPolicy", "`policies.workers` decides how a restore restarts the workers."),
    ("A hook for the volumes", "VolumesHook", "`policies.volumes` may be this mapping: see [volumes](../volumes.md)."),
)
LINKS = {
    "Group": "[group](#groups)",
    "HostDeclaration": "[host](#hosts)",
    "Settings": "[settings](#settings)",
    "Units": "[units](#units)",
    "Paths": "[paths](#paths)",
    "Policies": "[policies](#policies)",
    "WorkerPolicy": "[workers](#workers)",
    "VolumesHook": "[hook](#a-hook-for-the-volumes)",
}


def page() -> str:
    """The whole page."""
    schema = inventory_schema(DISTROS)
    return HEAD + "".join(_section(schema, *section) for section in SECTIONS)


def _section(schema: dict[str, Any], title: str, name: str, text: str) -> str:
    model = schema["$defs"][name] if name else schema
    settings = set(schema["$defs"]["Settings"]["properties"]) if name == "HostDeclaration" else set()
    rows = [
        f"| `{key}` | {_kind(schema, value)} | {_default(model, key, value)} | {_meaning(schema, value)} |"
        for key, value in _in_order(model["properties"], model.get("required", []))
        if key not in settings
    ]
    head = ("", f"## {title}", "", text, "", "| key | value | default | meaning |", "| --- | --- | --- | --- |")
    return "\n".join((*head, *rows, ""))


def _in_order(properties: dict[str, Any], required: list[str]) -> Iterator[tuple[str, Any]]:
    """Required keys first, as the schema orders them; then the others by name."""
    yield from ((key, properties[key]) for key in required)
    yield from sorted((key, value) for key, value in properties.items() if key not in required)


def _kind(schema: dict[str, Any], value: dict[str, Any]) -> str:
    """The kind of value, in words: `text`, `number`, `list of text`, or the words that it may be."""
    if "const" in value:
        return f"`{json.dumps(value['const'])}`"
    if name := value.get("$ref", "").rpartition("/")[2]:
        if name in LINKS:
            return LINKS[name]
        return _either([f"`{word}`" for word in schema["$defs"][name]["enum"]])
    if choices := value.get("anyOf") or value.get("oneOf"):
        return _either([_kind(schema, choice) for choice in choices if choice.get("type") != "null"])
    if value["type"] == "array":
        return f"list of {_kind(schema, value['items'])}"
    if "patternProperties" in value:
        return "names, each with a " + " ".join(_kind(schema, inner) for inner in value["patternProperties"].values())
    return {"string": "text", "integer": "number", "boolean": "`true` or `false`"}[value["type"]]


def _either(words: list[str]) -> str:
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _default(model: dict[str, Any], key: str, value: dict[str, Any]) -> str:
    if key in model.get("required", []):
        return "required"
    default = value.get("default")
    return "" if default in (None, []) else f"`{default if isinstance(default, str) else json.dumps(default)}`"


def _meaning(schema: dict[str, Any], value: dict[str, Any]) -> str:
    name = value.get("$ref", "").rpartition("/")[2]
    text = value.get("description") or (schema["$defs"][name].get("description", "") if name else "")
    return str(text).replace("|", "\\|")
