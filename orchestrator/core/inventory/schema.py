"""The JSON Schema of the inventory file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from orchestrator.core.inventory.declared import InventoryDocument


def inventory_schema(distributions: Iterable[str]) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the operator's document, not of the resolved inventory."""
    schema = naming(distributions, InventoryDocument.model_json_schema())
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {**dialect, **schema, "title": "orchestrator inventory"}


def naming(distributions: Iterable[str], schema: dict[str, Any]) -> dict[str, Any]:
    """Insert the names of the known distributions into the JSON Schema of a model that contains an inventory."""
    names = {
        "description": "What runs etcd on the masters.",
        "enum": list(distributions),
        "title": "Distribution",
        "type": "string",
    }
    parts = dict(sorted({**schema["$defs"], "Distribution": names}.items()))
    for part in (schema, *parts.values()):
        if "distribution" in part.get("properties", {}):
            part["properties"]["distribution"] = {"$ref": "#/$defs/Distribution"}
    return {**schema, "$defs": parts}
