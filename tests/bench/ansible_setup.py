"""What Ansible needs and the other contenders do without: ansible-core on this machine, a Python on every host."""

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


def furnish(lab: Lab, hosts: Iterable[Host] = MASTERS) -> None:
    """Does nothing where all is there already."""
    if not (ANSIBLE / "bin" / "ansible-playbook").exists():
        run([sys.executable, "-m", "venv", str(ANSIBLE)])
        run([str(ANSIBLE / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", "ansible-core"])
    bare = [host for host in hosts if not lab.succeeds(host.name, ["python3", "-c", "import ssl, json, hashlib"])]
    if bare:
        python = _python()
        each(bare, lambda host: _install(lab, host, python))


def version() -> str:
    """Of ansible-core, as it names itself."""
    return run([str(ANSIBLE / "bin" / "ansible"), "--version"]).splitlines()[0]


def _install(lab: Lab, host: Host, python: bytes) -> None:
    run(["docker", "cp", "-", f"{lab.container(host.name)}:/"], python)


def _python() -> bytes:
    """Debian's Python with its libraries, a tar. It comes out of the image of the stand-in API server, which has the
    same base as the hosts; the C library and what else the hosts have anyway stays out."""
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
    """Where a file goes on a host, whose /lib is a link to /usr/lib; empty for what the host has itself."""
    path = PurePosixPath(name)
    if name.startswith(("usr/bin/python", "usr/lib/python")):
        return name
    needed = ("libexpat", "libffi", "libsqlite3", "libbz2", "liblzma", "libuuid", "libdb", "libreadline", "libnsl")
    return f"usr/lib/x86_64-linux-gnu/{path.name}" if path.name.startswith(needed) else ""
