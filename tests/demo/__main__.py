"""Sets up the demo, plays the story, and leaves only the folder: see ``python -m tests.demo --help``.

This process only starts the one that plays the story, and ends everything that is left after it.
"""

from __future__ import annotations

import argparse
import fcntl
import functools
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.demo import cluster, hosts
from tests.demo.host import init

PROJECT = Path(__file__).parents[2]
README = """\
Created by `make demo` of the orchestrator project. You can delete it when no demo runs.

inventory.yml  the demo cluster, as its operator declares it
snapshot.db    the backup that the demo restored
laptop/        the operator's laptop: keys, certificates, the orchestrator's journal
hosts/         one folder per host, with everything that its services wrote
venv/, cache/  Python packages
"""


class NotPossibleError(Exception):
    """The demo cannot run here now; nothing was started."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.demo",
        description="Start a small Kublr cluster on this machine, break its etcd, and restore it.",
    )
    parser.add_argument(
        "--folder", type=Path, default=PROJECT / ".demo", help="folder for all files (default: %(default)s)"
    )
    parser.add_argument(
        "--no-namespaces", action="store_true", help="use loopback addresses and folders even if namespaces work"
    )
    parser.add_argument("--keys", type=int, default=5000, help="keys to write (default: %(default)s)")
    parser.add_argument("--keep", action="store_true", help="at the end, open a shell while the cluster is still up")
    return parser.parse_args()


@contextmanager
def _claimed(folder: Path) -> Iterator[None]:
    """Claim the folder for this demo alone until the end. Raises NotPossibleError."""
    readme = folder / "README"
    if folder.is_dir() and not readme.exists() and any(path.name not in ("venv", "cache") for path in folder.iterdir()):
        raise NotPossibleError(f"{folder} contains files that are not a demo's: use another --folder")
    if len(str(folder).split()) != 1:
        raise NotPossibleError(f"{folder}: the path contains a blank: use another --folder")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with readme.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NotPossibleError(f"another demo runs in {folder}: end it, or use another --folder") from None
        readme.write_text(README)
        yield


def _refuse_taken_ports() -> None:
    """Raise NotPossibleError if the hosts' loopback addresses are in use."""
    for host in cluster.hosts(hosts.Folders.subnet):
        for port in cluster.ports(hosts.Folders, host):
            with socket.socket() as trial:
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    trial.bind((host.address, port))
                except OSError as error:
                    raise NotPossibleError(
                        f"{host.name} needs {host.address}:{port}: {error.strerror}; "
                        f"find the process with: ss -ltnp 'sport = :{port}'"
                    ) from error


def _story_argv(arguments: argparse.Namespace, folder: Path) -> list[str]:
    """Return the command that plays the story, in namespaces if they work."""
    why_not = "--no-namespaces" if arguments.no_namespaces else hosts.why_no_namespaces(folder)
    if why_not:
        _refuse_taken_ports()
        if not arguments.no_namespaces:
            print(f"Namespaces are not available to this user ({why_not}), so the hosts are folders.")
            print("If an administrator allows them, the demo is closer to real hosts:")
            print("  sysctl kernel.unprivileged_userns_clone=1   (older Debian)")
            print("  sysctl kernel.apparmor_restrict_unprivileged_userns=0   (Ubuntu)\n")
    story = [sys.executable, "-m", "tests.demo.story", str(folder), str(arguments.keys)]
    story += ["--no-namespaces"] if why_not else []
    story += ["--keep"] if arguments.keep else []
    return story if why_not else [*hosts.LAPTOP_NAMESPACES, *story]


def _play(argv: list[str]) -> int:
    """Run the story to its end; nothing that it started survives this call."""
    init.adopt_orphans()
    story = subprocess.Popen(
        argv,
        cwd=PROJECT,
        preexec_fn=functools.partial(init.die_with_parent, signal.SIGKILL),
    )
    # The terminal sends Ctrl-C to the story too, which ends the run in its own way.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        return story.wait()
    finally:
        init.end_descendants()


def main() -> int:
    arguments = _arguments()
    folder = arguments.folder.resolve()
    os.environ.setdefault("PYTHONPYCACHEPREFIX", str(folder / "cache/python"))
    try:
        with _claimed(folder):
            return _play(_story_argv(arguments, folder))
    except NotPossibleError as error:
        print(f"error: {error}", file=sys.stderr)
        return 64


if __name__ == "__main__":
    sys.exit(main())
