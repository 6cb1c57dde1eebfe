"""Two hundred hosts on loopback, each a real OpenSSH server, and the inventories of the contenders."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from tests.contract.sshd import Sshd, login_name, make_key

_ANSIBLE_CFG = """[defaults]
gathering = explicit
interpreter_python = {python}
nocows = true
[ssh_connection]
pipelining = true
control_path_dir = {folder}/cp
ssh_common_args = -F none -o UserKnownHostsFile={folder}/known_hosts
"""


LOOK_S = 0.05
"""How long the look at a worker takes on an idle host."""

_ANSWER = """case $SSH_ORIGINAL_COMMAND in
*' sh -s '*) cat >/dev/null; sleep {look_s}; cat {folder}/answer ;;
*base64*) sleep {look_s}; cat {folder}/answer ;;
*) exec sh -c "$SSH_ORIGINAL_COMMAND" ;;
esac
"""


@dataclass(frozen=True)
class Hosts:
    """The servers, their host keys in one known_hosts file, and one key that can log in to all of them.

    ``recorded``: with another key, they answer the look with a recorded answer after the time that it took, like
    hosts with their own processors.
    """

    folder: Path
    servers: Sequence[Sshd]
    recorded: bool = False

    @property
    def key(self) -> Path:
        return self.folder / ("id-recorded" if self.recorded else "id")

    def first(self, many: int) -> Hosts:
        """Return only the first hosts, for a trial."""
        return replace(self, servers=self.servers[:many])

    def record(self, look: str) -> Hosts:
        """Run the look once; from now on logins with the other key get that answer."""
        answer = subprocess.run(["sh", "-c", look], check=True, capture_output=True).stdout
        (self.folder / "answer").write_bytes(answer)
        (self.folder / "answer.sh").write_text(_ANSWER.format(look_s=LOOK_S, folder=self.folder))
        public = make_key(self.folder / "id-recorded")
        for server in self.servers:
            with (server.folder / "authorized_keys").open("a") as keys:
                keys.write(f'command="sh {self.folder}/answer.sh" {public}')
        return replace(self, recorded=True)

    def cut(self) -> None:
        """End every session, so that the next contender finds no connection of the previous one."""
        for server in self.servers:
            while server.cut():
                pass

    def cpu_s(self) -> float:
        """Return the CPU time of the servers and their ended sessions so far (proc(5), /proc/pid/stat)."""
        ticks = 0
        for server in self.servers:
            assert server.process is not None
            fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(int(field) for field in fields[11:15])
        return ticks / os.sysconf("SC_CLK_TCK")

    def ours(self) -> Path:
        """Write our inventory. It must name a master, but nobody logs in to it."""
        defaults = {"user": login_name(), "key": str(self.key), "known_hosts": [str(self.folder / "known_hosts")]}
        hosts = {f"worker-{port}": {"address": "127.0.0.1", "port": port} for port in self._ports()}
        return self._write(
            f"ours-{len(self.servers)}-{self.key.name}.yml",
            yaml.safe_dump(
                {
                    "format": 1,
                    "cluster": "bench",
                    "distribution": "kublr",
                    "defaults": {**defaults, "config": "none", "paths": {"state": str(self.folder / "state")}},
                    "masters": {"hosts": {"master-1": {"address": "127.0.0.1"}}},
                    "workers": {"hosts": hosts},
                }
            ),
        )

    def ansible(self) -> Path:
        """Write Ansible's inventory and its configuration: pipelining, persistent connections, host keys checked."""
        self._write("ansible.cfg", _ANSIBLE_CFG.format(python=sys.executable, folder=self.folder))
        common = f"ansible_user={login_name()} ansible_ssh_private_key_file={self.key}"
        lines = (f"worker-{port} ansible_host=127.0.0.1 ansible_port={port} {common}" for port in self._ports())
        return self._write(f"ansible-{len(self.servers)}-{self.key.name}.ini", "\n".join(lines) + "\n")

    def pyinfra(self) -> Path:
        """Write pyinfra's inventory, a Python file."""
        data = {
            "ssh_hostname": "127.0.0.1",
            "ssh_user": login_name(),
            "ssh_key": str(self.key),
            "ssh_known_hosts_file": str(self.folder / "known_hosts"),
            "ssh_strict_host_key_checking": "yes",
        }
        hosts = [(f"worker-{port}", {**data, "ssh_port": port}) for port in self._ports()]
        return self._write(f"pyinfra_{len(self.servers)}_{self.recorded}.py", f"workers = {hosts!r}\n")

    def _ports(self) -> list[int]:
        return [server.port for server in self.servers]

    def _write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path


@contextmanager
def serving(folder: Path, many: int) -> Iterator[Hosts]:
    """Run that many servers for the duration of the block. Each costs about 2 MB."""
    folder.chmod(0o755)  # a login reads its keys there
    public = make_key(folder / "id")
    with ExitStack() as stack:
        servers = []
        for number in range(many):
            server = Sshd.make(folder / f"host-{number}")
            stack.callback(server.stop)
            (server.folder / "authorized_keys").write_text(public)
            servers.append(server)
        (folder / "known_hosts").write_text("".join(server.known_hosts.read_text() for server in servers))
        yield Hosts(folder, servers)
