"""The command line: arguments -> one call into `app` -> print -> exit code.

Heavy imports stand in the commands, so that `--help` answers at once. The only place that catches our errors.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli import options
from orchestrator.cli import undo as undo_commands
from orchestrator.cli.backup import backup_app
from orchestrator.cli.confirm import confirm_destroyed, confirm_plan
from orchestrator.cli.exit import fail, leave, print_ended, print_json, run_command
from orchestrator.cli.session import opened, opened_maybe_with, opened_with
from orchestrator.cli.snapshot import snapshot_app
from orchestrator.errors import OrchestratorError, UsageError

if TYPE_CHECKING:
    from orchestrator.core.model.plan import Plan

app = typer.Typer(
    name="orchestrator",
    help="Restore etcd on every master of a Kubernetes cluster from one snapshot.\n\n"
    "Begin with `orchestrator plan -i cluster.yml --snapshot backup.db`: it changes nothing on any host.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich's own help takes twice as long to import as all else together
    context_settings={"max_content_width": 120},
    add_completion=True,
)

app.add_typer(snapshot_app, name="snapshot")
app.add_typer(backup_app, name="backup")


@app.command()
def check(
    inventory: options.Inventory,
    snapshot: options.MaybeSnapshot = None,
    override: options.Override = None,
    without: options.Without = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Look at every host, and say what would keep a restore from working. Changes nothing.

    Example: orchestrator check -i cluster.yml --snapshot backup.db
    """
    from orchestrator.adapters.screen import report
    from orchestrator.app import planning

    async def work() -> None:
        overrides = frozenset(override or ())
        async with opened_maybe_with(snapshot, inventory, quiet=quiet, without=without) as (cluster, found):
            facts = planning.read_snapshot(cluster, found.path, overrides).facts if found else None
            checked = await planning.check(cluster, facts, overrides, beside=found.beside if found else b"")
        if as_json:
            print_json(report.check_json(checked.findings, tuple(checked.seen.views)))
        else:
            report.print_findings(report.stdout(), checked.findings, tuple(checked.seen.views))
        planning.refuse_claimed(checked.seen)
        planning.refuse_blocked(checked.findings)

    run_command(work, inventory)


@app.command()
def plan(
    inventory: options.Inventory,
    snapshot: options.Snapshot,
    out: Annotated[Path | None, typer.Option("-o", "--out", metavar="FILE", help="Save the plan, for `apply`.")] = None,
    strategy: options.Strategy = "",
    etcdutl: options.Tool = None,
    override: options.Override = None,
    without: options.Without = None,
    diff: options.Diff = False,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit 2 where the plan would change something: always.")
    ] = False,
    as_json: options.Json = False,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Show what a restore will do and what will be lost. Changes nothing on any host.

    Example: orchestrator plan -i cluster.yml --snapshot backup.db -o restore.plan
    """
    from orchestrator.adapters.screen import report
    from orchestrator.app import planning

    async def work() -> None:
        async with opened_with(snapshot, inventory, quiet=quiet, without=without) as (cluster, found):
            overrides = frozenset(override or ())
            planned = await planning.make_plan(
                cluster, found, overrides, inventory, strategy=strategy, tool=etcdutl, every_name=diff
            )
        made = planned.plan
        if out:
            planning.write_plan(made, out)
        if as_json:
            print_json(report.plan_json(made, planned.rows))
        else:
            line = f"orchestrator apply {out}" if out else _restore_line(made, inventory, snapshot, override, without)
            rows = planned.rows if diff else ()
            report.print_plan(report.stdout(), made, verbose=verbose, next_step=line, rows=rows)
        if detailed_exitcode:
            raise typer.Exit(2)

    run_command(work, inventory)


@app.command()
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
    """Restore every master from one snapshot: plan, confirm, run, prove.

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


@app.command()
def apply(
    planfile: Annotated[Path, typer.Argument(help="A plan that `plan -o` has saved.")],
    inventory: options.MaybeInventory = None,
    destroyed: options.Destroyed = None,
    confirm: options.Confirm = None,
    volumes_done: options.VolumesDone = False,
    limit_rate: options.LimitRate = "",
    as_json: options.Json = False,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Carry out exactly that saved plan, or refuse it as stale or already used.

    Example: orchestrator apply restore.plan --confirm prod-1
    """
    from orchestrator.app import planning, running

    async def work() -> None:
        async with opened(inventory or made.inventory, quiet=quiet, without=without) as cluster:
            await planning.refuse_stale(cluster, made)
            await confirm_plan(cluster, made, confirm, verbose)
            await confirm_destroyed(cluster, made.inventory.left_out, destroyed)
            ended = await running.run_plan(cluster, made, answers=options.answers(volumes_done), limit=limit_rate)
        print_ended(ended, where, as_json=as_json)

    try:
        made = planning.read_plan(planfile)
    except UsageError as error:
        fail(error, inventory)
    without = [host.name for host in made.inventory.left_out]
    where = inventory or Path(made.inventory_path)
    run_command(work, where)


@app.command()
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
    from orchestrator.app.cluster import run_folder

    async def work() -> None:
        async with opened(inventory, quiet=quiet) as cluster:
            state = await history.find_run(cluster, run)
            made = await state.plan(cluster)
            silent = tuple(sorted(cluster.opened.keys() - cluster.remotes.keys()))
        events = tuple(read_journal(run_folder(made.inventory.cluster, state.run)))
        if as_json:
            print_json(report.status_json(made, state.records, state.claims, events, state.undone_by, silent))
        else:
            known = (state.records, state.claims, events, inventory, state.undone_by, silent)
            report.print_status(report.stdout(), made, *known)

    run_command(work, inventory)


@app.command()
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
    """Go on with an interrupted run, from this laptop or another one.

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


@app.command("restart-workers")
def restart_workers(
    inventory: options.Inventory,
    confirm: options.Confirm = None,
    without: options.Without = None,
    destroyed: options.Destroyed = None,
    as_json: options.Json = False,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Restart the workers batch by batch: all of them, or the rest of a restore's.

    Example: orchestrator restart-workers -i cluster.yml
    """
    from orchestrator.app import running

    async def work() -> None:
        async with opened(inventory, quiet=quiet, without=without) as cluster:
            await confirm_destroyed(cluster, cluster.inventory.left_out, destroyed)
            unfinished = await running.open_workers_run(cluster)
            if unfinished:
                ended = await running.resume(cluster, unfinished.run)
            else:
                made = await running.plan_workers(cluster)
                await confirm_plan(cluster, made, confirm, verbose)
                ended = await running.run_plan(cluster, made)
        print_ended(ended, inventory, as_json=as_json)

    run_command(work, inventory)


@app.command()
def reinit(
    host: Annotated[str, typer.Argument(help="The master whose member has failed.")],
    inventory: options.Inventory,
    dry_run: options.DryRun = False,
    override: options.Override = None,
    confirm: options.Confirm = None,
    as_json: options.Json = False,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Have one failed member thrown away, and join the others anew. Needs a quorum of the others, which serve on.

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
            line = f"orchestrator reinit {host} -i {inventory}"
            report.print_plan(report.stdout(), made, verbose=verbose, next_step=line)

    run_command(work, inventory)


undo_commands.add_to(app)


@app.command()
def schema(
    name: Annotated[str, typer.Argument(help="inventory, plan or snapshot, as `inspect --json` prints it.")],
) -> None:
    """Print the JSON Schema of a file format, for editors and other programs.

    Example: orchestrator schema inventory > inventory.schema.json
    """

    async def work() -> None:
        from orchestrator.core.inventory.inventory import inventory_schema, naming
        from orchestrator.core.model.plan import Plan
        from orchestrator.core.snapshots.inspection import Inspection
        from orchestrator.distros import DISTROS

        schemas: dict[str, Callable[[], dict[str, Any]]] = {
            "inventory": lambda: inventory_schema(DISTROS),
            "plan": lambda: naming(DISTROS, Plan.model_json_schema()),
            "snapshot": Inspection.model_json_schema,
        }
        if name not in schemas:
            raise UsageError(f"there is no schema {name}", f"orchestrator schema {' | '.join(schemas)}")
        print_json(schemas[name]())

    run_command(work)


# --- between arguments and app --------------------------------------------------------------------------


def _restore_line(
    made: Plan, inventory: Path, snapshot: str, override: list[str] | None, without: list[str] | None
) -> str:
    extra = [f" --override {name}" for name in override or ()] + [f" --without {name}" for name in without or ()]
    extra += [" --strategy manual"] if made.strategy == "manual" else []
    extra += [f" --etcdutl {made.tool.path}"] if made.tool else []
    return f"orchestrator restore -i {inventory} --snapshot {snapshot}{''.join(extra)}"


def main() -> None:
    """The entry point. Typer's own exit code for wrong usage is 2; ours is 64, so that 2 keeps its one meaning."""
    try:
        code = app(standalone_mode=False)
    except SystemExit as stop:
        code = stop.code
    except typer.Exit as stop:
        code = stop.exit_code
    except typer.Abort:
        code = 128 + signal.SIGINT
    except OSError as error:
        if error.filename is not None:  # not of standard output: a fault of ours
            raise
        fail(OrchestratorError(f"the answer could not be written: {error.strerror}", "the same command again"), None)
    except Exception as error:  # Typer's usage errors share no public base class
        if not hasattr(error, "format_message"):
            raise
        fail(UsageError(error.format_message(), "orchestrator --help"), None)
    leave(code or 0)
