"""A real OpenSSH server on loopback, with throw-away keys and users, started and stopped by the tests."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.ports import free_ports

CONFIG = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
PidFile none
AuthorizedKeysFile {folder}/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
PermitUserRC no
PrintMotd no
Subsystem sftp internal-sftp
MaxSessions {max_sessions}
LogLevel VERBOSE
SetEnv HOME={folder}
"""
# HOME is set so that no .bashrc of the machine's users slows a login down or prints anything.


def free_port() -> int:
    (port,) = free_ports(1)
    return port


def make_key(path: Path, *, kind: str = "ed25519", passphrase: str = "") -> str:
    """Create a key pair and return its public line."""
    path.unlink(missing_ok=True)
    argv = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "throw-away", "-f", str(path)]
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
    return path.with_name(path.name + ".pub").read_text()


def fingerprint(path: Path) -> str:
    """Return the fingerprint according to ssh-keygen, as an independent check of our own."""
    said = subprocess.run(["ssh-keygen", "-lf", str(path)], check=True, capture_output=True, text=True)
    return said.stdout.split()[1]


@dataclass
class Sshd:
    """One server. ``folder`` holds its host key, the client's key and a matching known_hosts file."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    max_sessions: int = 10

    @classmethod
    def make(cls, folder: Path, *, max_sessions: int = 10) -> Sshd:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        make_key(folder / "host_key")
        (folder / "authorized_keys").write_text(make_key(folder / "id"))
        server = cls(folder, free_port(), max_sessions=max_sessions)
        server.write_known_hosts()
        server.start()
        return server

    @property
    def key(self) -> Path:
        return self.folder / "id"

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def write_known_hosts(self) -> None:
        public = (self.folder / "host_key.pub").read_text()
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {public}")

    def start(self) -> None:
        program = shutil.which("sshd") or "/usr/sbin/sshd"
        if not Path(program).exists():
            raise RuntimeError("these tests need OpenSSH's server: apt-get install openssh-server")
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        config = self.folder / "sshd_config"
        config.write_text(CONFIG.format(port=self.port, folder=self.folder, max_sessions=self.max_sessions))
        argv = [program, "-D", "-f", str(config), "-E", str(self.folder / "log")]
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL)
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise RuntimeError(f"sshd does not start: {self.log}")

    def stop(self) -> None:
        """End the server and its sessions."""
        assert self.process is not None
        while self.cut():  # the sessions first: they survive their server
            time.sleep(0.01)
        self.process.terminate()
        self.process.wait(10)

    def freeze(self) -> None:
        """Stop every session's sshd; to the client it looks like a network that drops everything."""
        assert self.process is not None
        for session in children(self.process.pid):
            _signal(session, signal.SIGSTOP)

    def cut(self) -> int:
        """Kill every session's sshd; to the client it looks like a broken network. Returns the number of sessions."""
        assert self.process is not None
        sessions = children(self.process.pid)
        for session in sessions:
            for pid in (*children(session), session):  # the unprivileged half first
                if _is_sshd(pid):
                    _signal(pid, signal.SIGKILL)
        return len(sessions)


def children(pid: int) -> list[int]:
    """Return a process's children; none if it has just ended (reading its files then fails with ESRCH)."""
    found: list[int] = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            found += [int(child) for child in task.read_text().split()]
    return found


def _is_sshd(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip() == "sshd"
    except OSError:
        return False


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def add_user(name: str, password: str, sudo: str) -> None:
    """Create a throw-away user with a password and a line in the sudoers, without a home folder."""
    if os.getuid() != 0 or shutil.which("sudo") is None:
        raise RuntimeError("these tests make users: they need root and sudo (apt-get install sudo)")
    remove_user(name)
    subprocess.run(["useradd", "--no-create-home", "--shell", "/bin/bash", name], check=True)
    subprocess.run(["chpasswd"], input=f"{name}:{password}\n", text=True, check=True)
    rules = Path(f"/etc/sudoers.d/{name}")
    rules.write_text(sudo.format(name=name))
    rules.chmod(0o440)
    subprocess.run(["visudo", "-cqf", str(rules)], check=True)


def remove_user(name: str) -> None:
    """Undo ``add_user``, also after a test run that was killed."""
    Path(f"/etc/sudoers.d/{name}").unlink(missing_ok=True)
    Path(f"/var/lib/sudo/lectured/{name}").unlink(missing_ok=True)
    subprocess.run(["userdel", "--force", name], check=False, capture_output=True)


def login_name() -> str:
    return pwd.getpwuid(os.getuid()).pw_name
