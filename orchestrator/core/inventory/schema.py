"""The JSON Schema of the inventory file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from orchestrator.core.inventory.declared import InventoryDocument


def inventory_schema(distributions: Iterable[str]) -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the document an operator writes, not of the resolved inventory."""
    schema = naming(distributions, InventoryDocument.model_json_schema())
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {**dialect, **schema, "title": "orchestrator inventory"}


def naming(distributions: Iterable[str], schema: dict[str, Any]) -> dict[str, Any]:
    """The JSON Schema of a model that has an inventory in it, with the names of the distributions that there are."""
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
