"""The demo's story: a cluster works, loses its etcd, and is restored.

    python -m tests.demo.story FOLDER KEYS [--no-namespaces] [--keep]

``python -m tests.demo`` starts it, creates the namespaces, and cleans up.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh

from tests import kubernetes_objects
from tests.demo.cluster import NAME, Cluster, NotUpError, hosts
from tests.demo.etcd import SilentError
from tests.demo.host_files import DATA
from tests.demo.hosts import Folders, Host, Namespaces

PREFIX = "/registry/configmaps/demo/"
LATER = 200
HERE = Path.cwd()


class StoryError(Exception):
    """The story took an unexpected turn."""


@dataclass(slots=True)
class Story:
    """One run of the story."""

    cluster: Cluster
    keys: int
    began: float = field(default_factory=time.monotonic)

    def say(self, text: str) -> None:
        print(text, flush=True)

    def chapter(self, title: str) -> None:
        print(f"\n{time.monotonic() - self.began:5.1f} s  {title}", flush=True)

    @property
    def snapshot(self) -> Path:
        return self.cluster.site.folder / "snapshot.db"

    async def tell(self) -> None:
        """Play the whole story. Raises StoryError, NotUpError, SilentError or asyncssh.Error if it fails."""
        await self.bring_up()
        kept = await self.write_and_back_up()
        await self.go_on_writing()
        await self.damage()
        await self.restore()
        await self.prove(kept)

    async def bring_up(self) -> None:
        masters = len(self.cluster.masters)
        workers = len(self.cluster.site.hosts) - masters
        where = "in its own namespaces" if self.cluster.site.isolated else "on a loopback address"
        self.chapter(f"Starting a Kublr cluster: {masters} masters, {workers} workers, each {where}.")
        self.say("         etcd, TLS and SSH are real; the Kublr agent, kubelet, API server, systemd and Docker")
        self.say("         are stand-ins (tests/standins/README.md).")
        self.cluster.make()
        await self.cluster.switch_on()
        await self.cluster.healthy(self.cluster.masters)

    async def write_and_back_up(self) -> dict[str, bytes]:
        """Return the keys that a restore must bring back."""
        first, *_ = self.cluster.masters
        self.chapter(f"Writing {self.keys} ConfigMaps, then making a backup with Kublr's own command on {first.name}.")
        kept = configmaps("before", self.keys)
        await asyncio.to_thread(self.cluster.member(first).put, kept)
        kublr = self.cluster.site.on_host(first, "/opt/kublr/bin/kublr")
        backup = self.cluster.site.on_host(first, "/root/backup.db")
        await self.cluster.run(first, f"{kublr} etcd backup --file {backup}")
        async with self.cluster.connected(first) as connection:
            fetched = await connection.run(f"cat {backup} && rm {backup}", encoding=None, check=True)
        self.snapshot.touch(mode=0o600)
        self.snapshot.write_bytes(fetched.stdout if isinstance(fetched.stdout, bytes) else b"")
        self.say(f"         {show(self.snapshot)}: {self.snapshot.stat().st_size} bytes")
        return kept

    async def go_on_writing(self) -> None:
        self.chapter(f"After the backup: writing {LATER} more ConfigMaps, and changing {LATER} of the first ones.")
        changed = {key: value + b" (changed)" for key, value in configmaps("before", LATER).items()}
        member = self.cluster.member(self.cluster.masters[0])
        await asyncio.to_thread(member.put, configmaps("after", LATER) | changed)

    async def damage(self) -> None:
        survivor, *victims = self.cluster.masters
        names = " and ".join(host.name for host in victims)
        self.chapter(f"Disaster: the databases of {names} are overwritten.")
        await asyncio.gather(*(self._overwrite(host) for host in victims))
        if not await self._is_silent(survivor):
            raise StoryError(f"etcd on {survivor.name} still answers without its peers")
        self.say(f"         The quorum is lost: etcd on {survivor.name} no longer answers.")

    async def _overwrite(self, host: Host) -> None:
        db = self.cluster.site.on_host(host, f"{DATA}/member/snap/db")
        running = "docker ps --format '{{.Names}}' | grep k8s_etcd_"  # prints nothing if etcd has already crashed
        await self.cluster.run(host, f"shred -n 1 {db} && {running} | xargs -r docker stop -t 1")

    async def _is_silent(self, host: Host) -> bool:
        for _ in range(20):
            try:
                await asyncio.to_thread(self.cluster.member(host).revision)
            except SilentError:
                return True
            await asyncio.sleep(0.5)
        return False

    async def restore(self) -> None:
        inventory, snapshot = show(self.cluster.inventory), show(self.snapshot)
        arguments = ["-i", inventory, "--snapshot", snapshot]
        self.chapter("The plan of a restore: what it would do, and what would be lost. A plan changes nothing.")
        await self.orchestrator("plan", *arguments)
        self.chapter("The restore:")
        await self.orchestrator("restore", *arguments, "--confirm", NAME)

    async def orchestrator(self, *arguments: str) -> None:
        """Run the product's command line as the reader would type it."""
        self.say(f"\n$ orchestrator {' '.join(arguments)}\n")
        argv = [sys.executable, "-m", "orchestrator", *arguments]
        process = await asyncio.create_subprocess_exec(*argv, env=self.environment())
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            await process.wait()  # it was interrupted too, and ends in its own way
            raise
        if code != 0:
            raise StoryError(f"orchestrator {arguments[0]} ended with {code}")

    def environment(self) -> Mapping[str, str]:
        """Return the reader's environment, changed so that the orchestrator writes only inside the demo's folder."""
        home = {"HOME": str(self.cluster.laptop), "XDG_STATE_HOME": str(self.cluster.laptop / "state")}
        path = f"{self.cluster.laptop / 'bin'}:{os.environ.get('PATH', '')}"
        kept = {key: value for key, value in os.environ.items() if key != "SSH_AUTH_SOCK"}
        return {**kept, **home, "PATH": path}

    async def prove(self, kept: dict[str, bytes]) -> None:
        self.chapter("A check without the orchestrator: what each member stores.")
        for host in self.cluster.masters:
            found = await asyncio.to_thread(self.cluster.member(host).pairs, PREFIX)
            right = sum(found.get(key) == value for key, value in kept.items())
            more = len(found.keys() - kept.keys())
            self.say(f"         {host.name}: {right} of {len(kept)} ConfigMaps as in the backup, {more} others")
            if found != kept:
                raise StoryError(f"{host.name} does not store what the backup contains")
        self.say(f"         The {LATER} later ones and the {LATER} changes are gone, as the plan announced.")

    def words(self) -> Mapping[str, object]:
        """Return the values for the closing texts."""
        cluster = self.cluster
        return {
            "address": cluster.masters[0].address,
            "folder": show(cluster.site.folder),
            "inventory": show(cluster.inventory),
            "laptop": show(cluster.laptop),
            "port": cluster.site.ssh_port,
            "seconds": time.monotonic() - self.began,
            "snapshot": show(self.snapshot),
        }

    async def keep(self) -> None:
        """Open a shell for the reader, on the laptop that reaches the hosts."""
        programs = self.cluster.laptop / "bin"
        programs.mkdir(exist_ok=True)
        script = programs / "orchestrator"
        script.write_text(f'#!/bin/sh\nPYTHONPATH={HERE} exec {sys.executable} -m orchestrator "$@"\n')
        script.chmod(0o755)
        self.say(SHELL.format(**self.words()))
        shell = os.environ.get("SHELL", "/bin/sh")
        process = await asyncio.create_subprocess_exec(shell, env={**self.environment(), "PS1": "demo$ "})
        await process.wait()


def configmaps(stem: str, count: int) -> dict[str, bytes]:
    """Return keys and values as an API server would store that many ConfigMaps."""
    return {
        f"{PREFIX}{stem}-{n:05d}": kubernetes_objects.object_bytes(
            "v1", "ConfigMap", "demo", f"{stem}-{n:05d}", f"{stem}-{n}"
        )
        for n in range(count)
    }


def show(path: Path) -> str:
    """Return a path as the reader would type it here."""
    return str(path.relative_to(HERE)) if path.is_relative_to(HERE) else str(path)


SHELL = """
This shell is on the operator's laptop. The cluster runs until you leave the shell (exit). Try, for example:
  orchestrator check -i {inventory}
  orchestrator plan -i {inventory} --snapshot {snapshot} --override quorum-healthy -v
  ssh -F none -i {laptop}/id_ed25519 -o UserKnownHostsFile={laptop}/known_hosts -p {port} root@{address} docker ps
"""
END = """
Done in {seconds:.0f} s. No process is left. The files of the hosts are in {folder}/hosts ({size_mb} MB).

Try next:
  make demo DEMO=--keep     run it again, then open a shell while the cluster is still up
  less {inventory}  the cluster's inventory
  less docs/restore.md      how to restore a real cluster
  make demo-clean           remove {folder}
"""


async def tell(arguments: argparse.Namespace) -> None:
    kind: type[Namespaces] | type[Folders] = Folders if arguments.no_namespaces else Namespaces
    cluster = Cluster(kind(arguments.folder, hosts(kind.subnet)))
    story = Story(cluster, arguments.keys)
    try:
        await story.tell()
        if arguments.keep:
            await story.keep()
    finally:
        await cluster.switch_off()
    files = (path.lstat() for path in (cluster.site.folder / "hosts").rglob("*"))
    size_mb = sum(file.st_blocks * 512 for file in files) // 1_000_000
    story.say(END.format(**story.words(), size_mb=size_mb))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("keys", type=int)
    parser.add_argument("--no-namespaces", action="store_true")
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args()
    try:
        asyncio.run(tell(arguments))
    except KeyboardInterrupt:
        print("\nInterrupted. No process is left.", file=sys.stderr)
        return 130
    except (StoryError, NotUpError, SilentError, asyncssh.Error, OSError) as error:
        print(f"\nerror: {error}\nnext: less {show(arguments.folder)}/hosts/*/var/log/*", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
