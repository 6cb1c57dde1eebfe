"""Other tools that copy a file to many hosts: an scp for each, Ansible's `copy`, pyinfra's `files.put`.

Each is a process, or one per host, that opens its own connections as root; each function returns when they have
ended.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.bench.contenders import ANSIBLE
from tests.bench.transfer_file import Sample
from tests.bench.transfer_ours import PLACE
from tests.lab.commands import LabError, run
from tests.lab.lab import REPOSITORY, Lab

PYINFRA = REPOSITORY / ".lab" / "pyinfra"
PLAYBOOK = Path(__file__).with_name("transfer.yml")
MOST_S = 900.0


def install_pyinfra() -> None:
    """Install pyinfra into its own environment, if it is missing."""
    if not (PYINFRA / "bin" / "pyinfra").exists():
        run([sys.executable, "-m", "venv", str(PYINFRA)])
        run([str(PYINFRA / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", "pyinfra"])


def versions() -> Mapping[str, str]:
    """Return each tool's version as it prints it."""
    ssh = subprocess.run(["ssh", "-V"], capture_output=True, check=True).stderr.decode()
    return {
        "scp": ssh.split(",")[0],
        "Ansible": run([str(ANSIBLE / "bin" / "ansible"), "--version"]).splitlines()[0],
        "pyinfra": run([str(PYINFRA / "bin" / "pyinfra"), "--version"]).strip(),
    }


def scp(lab: Lab, hosts: Sequence[str], sample: Sample) -> None:
    """Copy to all hosts at once, with OpenSSH's default ciphers, without compression."""
    with ExitStack() as stack:
        running = [
            stack.enter_context(
                subprocess.Popen(
                    ["scp", "-q", *_ssh_options(lab), str(sample.path), f"root@{lab.addresses[host]}:{PLACE}"],
                    stdin=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                )
            )
            for host in hosts
        ]
        failed = [process for process in running if process.wait()]
        if failed:
            said = [process.stderr.read().decode() for process in failed if process.stderr]
            raise LabError(f"scp: {said}")


def ansible(lab: Lab, hosts: Sequence[str], sample: Sample) -> None:
    """Copy with as many forks as hosts, and pipelining."""
    entries = {name: {"ansible_host": lab.addresses[name], "ansible_user": "root"} for name in hosts}
    variables = {
        "ansible_ssh_common_args": " ".join(_ssh_options(lab)), "file": str(sample.path), "place": PLACE
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        inventory = Path(folder, "inventory.json")
        inventory.write_text(json.dumps({"all": {"hosts": entries, "vars": variables}}))
        environment = {"ANSIBLE_CONFIG": str(PLAYBOOK.with_name("ansible.cfg")), "ANSIBLE_HOME": folder}
        argv = [str(ANSIBLE / "bin" / "ansible-playbook"), f"--forks={len(hosts)}", "-i", str(inventory), str(PLAYBOOK)]
        _ended(argv, environment)


def pyinfra(lab: Lab, hosts: Sequence[str], sample: Sample) -> None:
    """Copy to all hosts at once over SFTP, pyinfra's default."""
    login = {
        "ssh_user": "root",
        "ssh_key": str(lab.folder / "id_ed25519"),
        "ssh_known_hosts_file": str(lab.folder / "known_hosts"),
        "ssh_strict_host_key_checking": "yes",
        "ssh_allow_agent": False,
        "ssh_look_for_keys": False,
        "ssh_config_file": os.devnull,
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "inventory.py").write_text(f"hosts = ({[lab.addresses[host] for host in hosts]}, {login})\n")
        put = f"files.put(src={str(sample.path)!r}, dest={PLACE!r}, mode='600')"
        (folder / "deploy.py").write_text(f"from pyinfra.operations import files\n\n{put}\n")
        argv = [str(PYINFRA / "bin" / "pyinfra"), "-y", str(folder / "inventory.py"), str(folder / "deploy.py")]
        _ended(argv, {})


def _ssh_options(lab: Lab) -> tuple[str, ...]:
    return (
        "-F", "none", "-i", str(lab.folder / "id_ed25519"), "-o", "IdentitiesOnly=yes",
        "-o", f"UserKnownHostsFile={lab.folder / 'known_hosts'}",
    )  # fmt: skip


def _ended(argv: list[str], environment: Mapping[str, str]) -> None:
    variables = {**os.environ, **environment}
    try:
        done = subprocess.run(
            argv, env=variables, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=MOST_S
        )
    except subprocess.TimeoutExpired as error:
        raise LabError(str(error)) from error
    if done.returncode:
        raise LabError(f"{argv[0]}: exit {done.returncode}\n{done.stdout.decode()}{done.stderr.decode()}")
