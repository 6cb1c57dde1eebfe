"""The command `schema`: the JSON Schema of each file format."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from orchestrator.cli.exit import print_json, run_command
from orchestrator.errors import UsageError, program


def schema(
    name: Annotated[str, typer.Argument(help="inventory, plan or snapshot (`inspect --json`).")],
) -> None:
    """Print the JSON Schema of a file format. For editors and other programs.

    Example: orchestrator schema inventory > inventory.schema.json
    """

    async def work() -> None:
        from orchestrator.core.inventory.schema import inventory_schema, naming
        from orchestrator.core.model.plan import Plan
        from orchestrator.core.snapshots.inspection import Inspection
        from orchestrator.distros import DISTROS

        schemas: dict[str, Callable[[], dict[str, Any]]] = {
            "inventory": lambda: inventory_schema(DISTROS),
            "plan": lambda: naming(DISTROS, Plan.model_json_schema()),
            "snapshot": Inspection.model_json_schema,
        }
        if name not in schemas:
            raise UsageError(
                f"unknown schema {name!r} (expected inventory, plan or snapshot)",
                program("orchestrator", "schema", "--help"),
            )
        print_json(schemas[name]())

    run_command(work)
