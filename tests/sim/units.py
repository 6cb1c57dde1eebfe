"""The parts of systemd that a restore uses: units, drop-ins with a condition, and the start at boot."""

from __future__ import annotations

import re

from tests.sim.disk import Disk

FOLDER = "/etc/systemd/system"
KUBLR, KUBELET, DOCKER, SOCKET = "kublr.service", "kublr-kubelet.service", "docker.service", "docker.socket"
ALL = (KUBLR, KUBELET, DOCKER, SOCKET)


class Units:
    """The active units of one host, and since when. A drop-in has an effect after it is loaded."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._conditions: dict[str, str] = {}
        self.since: dict[str, float] = {}

    def reload(self) -> None:
        """Do what `systemctl daemon-reload` does."""
        self._conditions = {}
        for path in self._disk.below(FOLDER):
            if found := re.search(r"^ConditionPathExists=!(.+)$", self._disk.text(path), re.MULTILINE):
                self._conditions[path.removeprefix(f"{FOLDER}/").split(".d/")[0]] = found[1]

    def is_active(self, unit: str) -> bool:
        return unit in self.since

    def start(self, unit: str, now_s: float) -> None:
        """Start a unit. If its condition is not met, the unit stays down, without an error."""
        unwanted = self._conditions.get(unit)
        if unit not in self.since and not (unwanted and self._disk.is_file(unwanted)):
            self.since[unit] = now_s

    def stop(self, unit: str) -> None:
        self.since.pop(unit, None)

    def power_off(self) -> None:
        self.since.clear()

    def boot(self, now_s: float) -> None:
        """Start all units. All are enabled: that is the worst case for units that must stay down."""
        self.reload()
        for unit in ALL:
            self.start(unit, now_s)

    def supervise(self, now_s: float, *, docker_is_asked_for: bool) -> None:
        """Start stopped units again, as the agent does. The socket starts Docker when a client connects."""
        if len(self.since) == len(ALL):
            return
        if self.is_active(KUBLR):
            self.start(DOCKER, now_s)
            self.start(SOCKET, now_s)
            self.start(KUBELET, now_s)
        if self.is_active(SOCKET) and docker_is_asked_for:
            self.start(DOCKER, now_s)
