"""The command line: arguments -> one call into `app` -> print -> exit code.

Heavy imports are in the commands, so that `--help` answers at once. `cli.exit` turns our errors into exit codes.
"""

from __future__ import annotations

import signal

import typer

from orchestrator.cli import restore, runs, undo
from orchestrator.cli.backup import backup_app
from orchestrator.cli.exit import fail, leave
from orchestrator.cli.schema import schema
from orchestrator.cli.snapshot import snapshot_app
from orchestrator.errors import InterruptedRunError, OrchestratorError, UsageError, again, program

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

for command in (restore.check, restore.plan, restore.restore, restore.apply, runs.status, runs.resume):
    app.command()(command)
app.command("restart-workers")(runs.restart_workers)
app.command()(runs.reinit)
for kind, text in undo.COMMANDS.items():
    app.command(kind, help=f"{text}\n\nExample: orchestrator {kind} -i cluster.yml")(undo.command_of(kind))
app.command()(schema)
app.add_typer(snapshot_app, name="snapshot")
app.add_typer(backup_app, name="backup")


def main() -> None:
    """The entry point. Typer's own exit code for wrong usage is 2; ours is 64, so that 2 keeps its one meaning."""
    try:
        code = app(prog_name="orchestrator", standalone_mode=False)
    except SystemExit as stop:
        code = stop.code
    except typer.Exit as stop:
        code = stop.exit_code
    except typer.Abort:
        fail(InterruptedRunError("interrupted", signal_number=signal.SIGINT), None)
    except OSError as error:
        if error.filename is not None:  # not standard output's error: our own bug
            raise
        fail(OrchestratorError(f"cannot write to standard output: {error.strerror}", again()), None)
    except Exception as error:  # Typer's usage errors share no public base class
        if not hasattr(error, "format_message"):
            raise
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "orchestrator"
        fail(UsageError(error.format_message(), program(*command.split(), "--help")), None)
    leave(code or 0)
