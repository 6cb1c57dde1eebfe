"""The commands that take a run back, or end it for good: they differ in their plans alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from orchestrator.cli import options
from orchestrator.cli.confirm import confirm_destroyed, confirm_plan
from orchestrator.cli.exit import print_ended, print_json, run_command
from orchestrator.cli.session import opened
from orchestrator.errors import ours

if TYPE_CHECKING:
    from orchestrator.app.undo import Kind


COMMANDS: dict[Kind, str] = {
    "abort": "Undo a restore before its point of no return. Start what was stopped again, on the old data.",
    "rollback": "Undo a restore after its point of no return. Stop all masters, put the old data back, start them.",
    "finish": "Delete the old data and files that a proven run kept. The run can no longer be rolled back.",
    "unlock": "Free the masters from a run that has stopped nothing. The laptop of that run must be silent.",
}
"""Help texts by command."""


def command_of(kind: Kind) -> Callable[..., None]:
    """The command that takes a run back in that way."""

    def command(
        inventory: options.Inventory,
        run: options.Run = None,
        dry_run: options.DryRun = False,
        without: options.Without = None,
        destroyed: options.Destroyed = None,
        confirm: options.Confirm = None,
        volumes_done: options.VolumesDone = False,
        as_json: options.Json = False,
        verbose: options.Verbose = 0,
        quiet: options.Quiet = False,
    ) -> None:
        from orchestrator.adapters.screen import report
        from orchestrator.app import undo as undoing

        async def work() -> None:
            ended = None
            async with opened(inventory, quiet=quiet, without=without) as cluster:
                found = await undoing.plan_undo(cluster, kind, run)
                if not dry_run:
                    await confirm_plan(cluster, found.plan, confirm, verbose)
                    await confirm_destroyed(cluster, cluster.inventory.left_out, destroyed)
                    ended = await undoing.carry_out(found, answers=options.answers(volumes_done))
            if ended:
                print_ended(ended, inventory, as_json=as_json)
            elif as_json:
                print_json(report.plan_json(found.plan))
            else:
                line = ours(kind, found.plan.undoes).line(str(inventory))
                report.print_plan(report.stdout(), found.plan, verbose=verbose, next_step=line)

        run_command(work, inventory)

    return command
