"""Runs under way and parts of a restore: status, resume, restart-workers, reinit."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestrator.cli import options
from orchestrator.cli.confirm import confirm_destroyed, confirm_plan
from orchestrator.cli.exit import print_ended, print_json, run_command
from orchestrator.cli.session import opened, opened_maybe_with
from orchestrator.errors import ours


def status(
    inventory: options.Inventory,
    run: options.Run = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Show what a run has done, from the markers on the hosts. Changes nothing.

    Example: orchestrator status -i cluster.yml
    """
    from orchestrator.adapters.journal import read_journal
    from orchestrator.adapters.screen import report
    from orchestrator.app import history
    from orchestrator.app.identity import run_folder

    async def work() -> None:
        async with opened(inventory, quiet=quiet) as cluster:
            state = await history.find_run(cluster, run)
            made = await state.plan(cluster)
            silent = tuple(sorted(cluster.opened.keys() - cluster.remotes.keys()))
        events = tuple(read_journal(run_folder(made.inventory.cluster, state.run)))
        if as_json:
            print_json(report.status_json(made, state.records, state.claims, events, state.undone_by, silent))
        else:
            known = (state.records, state.claims, inventory, events, state.undone_by, silent)
            report.print_status(report.stdout(), made, *known)

    run_command(work, inventory)


def resume(
    inventory: options.Inventory,
    run: options.Run = None,
    snapshot: options.MaybeSnapshot = None,
    without: options.Without = None,
    destroyed: options.Destroyed = None,
    volumes_done: options.VolumesDone = False,
    limit_rate: options.LimitRate = "",
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Continue an interrupted run, from this or another laptop.

    Example: orchestrator resume -i cluster.yml
    """
    from orchestrator.app import running

    async def work() -> None:
        async with opened_maybe_with(snapshot, inventory, quiet=quiet, without=without) as (cluster, found):
            await confirm_destroyed(cluster, cluster.inventory.left_out, destroyed)
            path = found.path if found else None
            ended = await running.resume(
                cluster, run, snapshot=path, answers=options.answers(volumes_done), limit=limit_rate
            )
        print_ended(ended, inventory, as_json=as_json)

    run_command(work, inventory)


def restart_workers(
    inventory: options.Inventory,
    confirm: options.Confirm = None,
    without: options.Without = None,
    destroyed: options.Destroyed = None,
    as_json: options.Json = False,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Restart the workers in batches. If a restore has workers left to restart, restarts only those.

    Example: orchestrator restart-workers -i cluster.yml
    """
    from orchestrator.app import running, workers

    async def work() -> None:
        async with opened(inventory, quiet=quiet, without=without) as cluster:
            await confirm_destroyed(cluster, cluster.inventory.left_out, destroyed)
            unfinished = await workers.open_workers_run(cluster)
            if unfinished:
                ended = await running.resume(cluster, unfinished.run)
            else:
                made = await workers.plan_workers(cluster)
                await confirm_plan(cluster, made, confirm, verbose)
                ended = await running.run_plan(cluster, made)
        print_ended(ended, inventory, as_json=as_json)

    run_command(work, inventory)


def reinit(
    host: Annotated[str, typer.Argument(help="Master whose member has failed.")],
    inventory: options.Inventory,
    dry_run: options.DryRun = False,
    override: options.Override = None,
    confirm: options.Confirm = None,
    as_json: options.Json = False,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Replace one failed etcd member: remove, wipe, rejoin. The other members need a quorum; they keep serving.

    Example: orchestrator reinit master-2 -i cluster.yml
    """
    from orchestrator.adapters.screen import report
    from orchestrator.app import reinit as reiniting
    from orchestrator.app import running

    async def work() -> None:
        ended = None
        async with opened(inventory, quiet=quiet) as cluster:
            made = await reiniting.plan_reinit(cluster, host, frozenset(override or ()))
            if not dry_run:
                await confirm_plan(cluster, made, confirm, verbose)
                ended = await running.run_plan(cluster, made)
                await reiniting.tell_result(cluster, made, host)
        if ended:
            print_ended(ended, inventory, as_json=as_json)
        elif as_json:
            print_json(report.plan_json(made))
        else:
            line = ours("reinit", host).line(str(inventory))
            report.print_plan(report.stdout(), made, verbose=verbose, next_step=line)

    run_command(work, inventory)
