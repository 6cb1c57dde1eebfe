"""Look, plan, restore: the commands that bring a cluster back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli import options
from orchestrator.cli.confirm import confirm_destroyed, confirm_plan
from orchestrator.cli.exit import fail, print_ended, print_json, run_command
from orchestrator.cli.session import opened, opened_maybe_with, opened_with
from orchestrator.errors import NextStep, UsageError, ours, program

if TYPE_CHECKING:
    from orchestrator.core.model.plan import Plan


def check(
    inventory: options.Inventory,
    snapshot: options.MaybeSnapshot = None,
    override: options.Override = None,
    without: options.Without = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Check every host and say what would block a restore. Changes nothing.

    Example: orchestrator check -i cluster.yml --snapshot backup.db
    """
    from orchestrator.adapters.screen import report
    from orchestrator.app import planning, refusals

    async def work() -> None:
        overrides = frozenset(override or ())
        async with opened_maybe_with(snapshot, inventory, quiet=quiet, without=without) as (cluster, found):
            facts = planning.read_snapshot(cluster, found.path, overrides).facts if found else None
            checked = await planning.check(cluster, facts, overrides, kept_facts=found.facts if found else b"")
        if as_json:
            print_json(report.check_json(checked.findings, tuple(checked.seen.views)))
        else:
            report.print_findings(report.stdout(), checked.findings, tuple(checked.seen.views))
        refusals.refuse_claimed(checked.seen)
        refusals.refuse_blocked(checked.findings)

    run_command(work, inventory)


def plan(
    inventory: options.Inventory,
    snapshot: options.Snapshot,
    out: Annotated[Path | None, typer.Option("-o", "--out", metavar="FILE", help="Save the plan for `apply`.")] = None,
    strategy: options.Strategy = "",
    etcdutl: options.Tool = None,
    override: options.Override = None,
    without: options.Without = None,
    diff: options.Diff = False,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit 2 instead of 0: a plan always has changes.")
    ] = False,
    as_json: options.Json = False,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Show what a restore will do and what will be lost. Changes nothing on any host.

    Example: orchestrator plan -i cluster.yml --snapshot backup.db -o restore.plan
    """
    from orchestrator.adapters.screen import report
    from orchestrator.app import planning, saved_plan

    async def work() -> None:
        async with opened_with(snapshot, inventory, quiet=quiet, without=without) as (cluster, found):
            overrides = frozenset(override or ())
            planned = await planning.make_plan(
                cluster, found, overrides, inventory, strategy=strategy, tool=etcdutl, every_name=diff
            )
        made = planned.plan
        if out:
            saved_plan.write_plan(made, out)
        if as_json:
            print_json(report.plan_json(made, planned.rows))
        else:
            following = _restore_command(made, snapshot, override, without)
            if out:
                following = program("orchestrator", "apply", str(out))
            line, rows = following.line(str(inventory)), planned.rows if diff else ()
            report.print_plan(report.stdout(), made, verbose=verbose, next_step=line, rows=rows)
        if detailed_exitcode:
            raise typer.Exit(2)

    run_command(work, inventory)


def restore(
    inventory: options.Inventory,
    snapshot: options.Snapshot,
    strategy: options.Strategy = "",
    etcdutl: options.Tool = None,
    override: options.Override = None,
    without: options.Without = None,
    diff: options.Diff = False,
    destroyed: options.Destroyed = None,
    confirm: options.Confirm = None,
    volumes_done: options.VolumesDone = False,
    limit_rate: options.LimitRate = "",
    as_json: options.Json = False,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Restore every master from one snapshot. Shows the plan, asks you to confirm, runs it and proves the result.

    Example: orchestrator restore -i cluster.yml --snapshot backup.db
    """
    from orchestrator.app import planning, running

    async def work() -> None:
        async with opened_with(snapshot, inventory, quiet=quiet, without=without) as (cluster, found):
            overrides = frozenset(override or ())
            planned = await planning.make_plan(
                cluster, found, overrides, inventory, strategy=strategy, tool=etcdutl, every_name=diff
            )
            made = planned.plan
            await confirm_plan(cluster, made, confirm, verbose, planned.rows if diff else ())
            await confirm_destroyed(cluster, made.inventory.left_out, destroyed)
            ended = await running.run_plan(
                cluster, made, snapshot=found.path, answers=options.answers(volumes_done), limit=limit_rate
            )
        print_ended(ended, inventory, as_json=as_json)

    run_command(work, inventory)


def apply(
    planfile: Annotated[Path, typer.Argument(help="Plan saved by `plan -o`.")],
    inventory: options.MaybeInventory = None,
    destroyed: options.Destroyed = None,
    confirm: options.Confirm = None,
    volumes_done: options.VolumesDone = False,
    limit_rate: options.LimitRate = "",
    as_json: options.Json = False,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Run a saved plan; refuse it if it is stale or used.

    Example: orchestrator apply restore.plan --confirm prod-1
    """
    from orchestrator.app import running, saved_plan

    async def work() -> None:
        async with opened(inventory or made.inventory, quiet=quiet, without=without) as cluster:
            await saved_plan.refuse_stale(cluster, made)
            await confirm_plan(cluster, made, confirm, verbose)
            await confirm_destroyed(cluster, made.inventory.left_out, destroyed)
            ended = await running.run_plan(cluster, made, answers=options.answers(volumes_done), limit=limit_rate)
        print_ended(ended, where, as_json=as_json)

    try:
        made = saved_plan.read_plan(planfile)
    except UsageError as error:
        fail(error, inventory)
    without = [host.name for host in made.inventory.left_out]
    where = inventory or Path(made.inventory_path)
    run_command(work, where)


def _restore_command(made: Plan, snapshot: str, override: list[str] | None, without: list[str] | None) -> NextStep:
    extra = [word for name in override or () for word in ("--override", name)]
    extra += [word for name in without or () for word in ("--without", name)]
    extra += ["--strategy", "manual"] if made.strategy == "manual" else []
    extra += ["--etcdutl", made.tool.path] if made.tool else []
    return ours("restore", "--snapshot", snapshot, *extra)
