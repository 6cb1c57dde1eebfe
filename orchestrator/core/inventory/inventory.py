"""The inventory: a cluster as its operator declares it, and as the rest of the program sees it.

The operator writes an `InventoryDocument`: settings for all hosts, for a group, for one host. The program uses the
`Inventory`: each `Host` has every setting resolved key by key; the host's own overrides its group's, and that the
defaults. No field holds a password: an inventory, and the plan that contains it, can be shown.
"""

from collections.abc import Collection
from enum import StrEnum
from typing import Literal, Self

from orchestrator.core.inventory.declared import Policies, Settings, _Model
from orchestrator.core.inventory.document import did_you_mean
from orchestrator.core.inventory.values import (
    Address,
    DistributionName,
    Name,
)
from orchestrator.errors import UsageError


class Role(StrEnum):
    """The role of a host in the restore.

    A master has an etcd member, an api host only an API server. A master that is lost, and that the operator
    excludes, is left out; the file does not say so, the command does.
    """

    MASTER = "master"
    LEFT_OUT = "left-out"
    WORKER = "worker"
    BASTION = "bastion"
    API = "api"


class Host(Settings):
    """One machine with every setting resolved."""

    name: Name
    role: Role
    address: Address
    node: Name


class Inventory(_Model):
    """The whole cluster, resolved; hosts in the order of the file, masters first."""

    format: Literal[1]
    cluster: Name
    distribution: DistributionName
    policies: Policies
    hosts: tuple[Host, ...]

    def of_role(self, role: Role) -> tuple[Host, ...]:
        """Return all hosts of one role."""
        return tuple(host for host in self.hosts if host.role is role)

    @property
    def masters(self) -> tuple[Host, ...]:
        """The hosts with an etcd member."""
        return self.of_role(Role.MASTER)

    @property
    def api_hosts(self) -> tuple[Host, ...]:
        """The hosts with an API server but no etcd member: stopped, held and started together with the masters."""
        return self.of_role(Role.API)

    @property
    def stopped(self) -> tuple[Host, ...]:
        """Every host whose services a restore stops."""
        return (*self.masters, *self.api_hosts)

    @property
    def left_out(self) -> tuple[Host, ...]:
        """The lost masters: no step runs on them, and no barrier waits for them."""
        return self.of_role(Role.LEFT_OUT)

    def leave_out(self, names: Collection[str]) -> Self:
        """Return the same cluster without these masters. Raises UsageError if a host is not a master."""
        for name in names:
            if self.host(name).role not in (Role.MASTER, Role.LEFT_OUT):
                raise UsageError(f"{name} is not a master: only a master can be left out")
        hosts = tuple(
            host.model_copy(update={"role": Role.LEFT_OUT}) if host.name in names else host for host in self.hosts
        )
        return self.model_copy(update={"hosts": hosts})

    @property
    def workers(self) -> tuple[Host, ...]:
        """The nodes to restart after the restore."""
        return self.of_role(Role.WORKER)

    @property
    def bastions(self) -> tuple[Host, ...]:
        """The hosts that only lead to others."""
        return self.of_role(Role.BASTION)

    def host(self, name: str) -> Host:
        """Return the host of that name. Raises UsageError."""
        for host in self.hosts:
            if host.name == name:
                return host
        guess = did_you_mean(name, (host.name for host in self.hosts))
        raise UsageError(f"{name} is not a host of {self.cluster}{guess}")

    def jumps(self, host: Host) -> tuple[Host, ...]:
        """Return the bastions on the way to ``host``, the one nearest to the laptop first."""
        way: list[Host] = []
        while host.jump is not None:
            host = self.host(host.jump)
            way.insert(0, host)
        return tuple(way)
