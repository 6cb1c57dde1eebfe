"""What only Ansible needs: ansible-core on this machine, and Python on every host."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from collections.abc import Iterable
from pathlib import PurePosixPath

from tests.bench.contenders import ANSIBLE
from tests.lab.commands import each, run
from tests.lab.hosts import MASTERS, Host
from tests.lab.lab import POD_IMAGES, Lab


def install(lab: Lab, hosts: Iterable[Host] = MASTERS) -> None:
    """Install what is missing."""
    if not (ANSIBLE / "bin" / "ansible-playbook").exists():
        run([sys.executable, "-m", "venv", str(ANSIBLE)])
        run([str(ANSIBLE / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", "ansible-core"])
    bare = [host for host in hosts if not lab.succeeds(host.name, ["python3", "-c", "import ssl, json, hashlib"])]
    if bare:
        python = _python()
        each(bare, lambda host: _install(lab, host, python))


def version() -> str:
    """Return the version of ansible-core as it prints it."""
    return run([str(ANSIBLE / "bin" / "ansible"), "--version"]).splitlines()[0]


def _install(lab: Lab, host: Host, python: bytes) -> None:
    run(["docker", "cp", "-", f"{lab.container(host.name)}:/"], python)


def _python() -> bytes:
    """Return Debian's Python with its libraries as a tar.

    It comes from the image of the stand-in API server, which has the same base as the hosts; the C library and
    other files that the hosts already have are left out.
    """
    container = run(["docker", "create", POD_IMAGES[1]]).strip()
    try:
        image = subprocess.run(["docker", "export", container], capture_output=True, check=True).stdout
    finally:
        run(["docker", "rm", container])
    kept = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(image)) as source, tarfile.open(fileobj=kept, mode="w") as target:
        for entry in source:
            if entry.isfile() and (name := _place(entry.name)):
                content = source.extractfile(entry)
                entry.name = name
                target.addfile(entry, content)
            elif entry.issym() and "/python3" in entry.name:
                target.addfile(entry)
    return kept.getvalue()


def _place(name: str) -> str:
    """Return a file's place on a host, whose /lib links to /usr/lib; empty if the host has the file."""
    path = PurePosixPath(name)
    if name.startswith(("usr/bin/python", "usr/lib/python")):
        return name
    needed = ("libexpat", "libffi", "libsqlite3", "libbz2", "liblzma", "libuuid", "libdb", "libreadline", "libnsl")
    return f"usr/lib/x86_64-linux-gnu/{path.name}" if path.name.startswith(needed) else ""
