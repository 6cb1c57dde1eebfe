"""The inventory file as declared: one pydantic model per mapping."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

from orchestrator.core.inventory.document import as_whole_number
from orchestrator.core.inventory.values import (
    Address,
    Argv,
    Batch,
    Bump,
    DistributionName,
    HostKey,
    HostPath,
    Jump,
    LaptopPath,
    Name,
    Port,
    Truth,
    UnitName,
    UserName,
    WholeNumber,
)


class Sudo(StrEnum):
    """How to become root. auto: root needs nothing; other users try `sudo -n`, then a password."""

    AUTO = "auto"
    NEVER = "never"
    PASSWORD = "password"  # noqa: S105 - a way to become root, not a secret


class Volumes(StrEnum):
    """Persistent volumes before the start: pause for the operator, or leave them unchanged."""

    PAUSE = "pause"
    NONE = "none"


class HookPlace(StrEnum):
    """Where a hook runs: once, on the laptop that runs the command, or on every master, as root."""

    LAPTOP = "laptop"
    MASTERS = "masters"


class Restart(StrEnum):
    """How a worker is restarted after the restore: the machine, its services, or not at all."""

    REBOOT = "reboot"
    SERVICES = "services"
    NONE = "none"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Units(_Model):
    """Names of the systemd units."""

    kublr: UnitName = Field("kublr", description="Kublr's agent; it starts kubelet and runtime.")
    kubelet: UnitName = Field("kubelet", description="The kubelet. Default with kublr: kublr-kubelet.")
    runtime: UnitName = Field("containerd", description="The container runtime. Default with kublr: docker.")
    runtime_socket: UnitName = Field("docker.socket", description="The socket that can start the runtime.")
    etcd: UnitName = Field("etcd", description="etcd (distribution systemd).")
    api_server: UnitName = Field(
        "kube-apiserver", description="The API server (distribution systemd), if a unit runs it."
    )
    controller_manager: UnitName = Field(
        "kube-controller-manager", description="The controller-manager (distribution systemd)."
    )
    scheduler: UnitName = Field("kube-scheduler", description="The scheduler (distribution systemd).")


class Paths(_Model):
    """Paths on the hosts. Each is absolute, without `.`, `..`, blanks or a slash at its end."""

    state: HostPath = Field("/var/lib/orchestrator", description="The orchestrator's own folder.")
    kublr: HostPath = Field("/opt/kublr/bin/kublr", description="Kublr's program.")
    manifests: HostPath = Field("/etc/kubernetes/manifests", description="Folder of the static pods' manifests.")
    data: HostPath | None = Field(None, description="etcd's data volume. Default: found on the host.")
    hosts: HostPath = Field("/etc/hosts", description="The hosts file.")
    units: HostPath = Field("/etc/systemd/system", description="systemd's unit folder, for drop-ins.")
    certificates: HostPath | None = Field(
        None, description="Root of etcd's certificates. Default: found in the manifest."
    )
    kubeconfig: HostPath = Field(
        "/etc/kubernetes/admin.conf",
        description="A kubeconfig on hosts with an API server, with a client certificate, for the proof of the API.",
    )


class Settings(_Model):
    """How to reach a host and where things are on it. Its own settings override its group's, these the defaults."""

    port: Port | None = Field(None, description="TCP port of sshd. Default: from ssh_config, else 22.")
    user: UserName | None = Field(None, description="Login name. Default: from ssh_config, else the laptop's user.")
    key: LaptopPath | None = Field(
        None, description="Private key file on the laptop, relative to this file. Keys of the ssh-agent are tried too."
    )
    jump: Jump = Field(None, description="Name of the bastion to connect through, or none.")
    sudo: Sudo = Field(Sudo.AUTO, description="How to become root: auto, never or password.")
    host_key: tuple[HostKey, ...] = Field(
        (), description="The only host keys to accept: SHA256 fingerprints or public key lines."
    )
    known_hosts: tuple[LaptopPath, ...] = Field(
        (), description="Additional known_hosts files on the laptop, relative to this file."
    )
    config: LaptopPath | None = Field(
        None, description="ssh_config file on the laptop, relative to this file, or none."
    )
    units: Units = Field(default_factory=Units, description="Names of the systemd units.")
    paths: Paths = Field(default_factory=Paths, description="Paths on the host.")


class HostDeclaration(Settings):
    """One host: its address and its own settings."""

    address: Address = Field(description="IP address or DNS name that the laptop (or bastion) connects to.")
    node: Name | None = Field(None, description="Name of its Kubernetes Node. Default: the host's name.")


class Group(_Model):
    """Hosts of one role, with their shared settings."""

    settings: Settings = Field(default_factory=Settings, description="Settings for all hosts of this group.")
    hosts: dict[Name, HostDeclaration] = Field(
        min_length=1,
        description="The hosts, by name.",
        json_schema_extra={"additionalProperties": False},
    )


class WorkerPolicy(_Model):
    """How the workers are restarted after the restore."""

    batch: Batch = Field(1, description="Number of workers restarted at the same time, or a percentage such as 25%.")
    restart: Restart = Field(Restart.REBOOT, description="reboot, services (restart the kubelet), or none.")
    max_failures: WholeNumber = Field(
        0, ge=0, description="Number of failed workers after which no more batches start."
    )
    ready_timeout_s: WholeNumber = Field(600, ge=1, description="Seconds that a worker may take to become Ready again.")

    def batch_size(self, workers: int) -> int:
        """Return the number of hosts per batch among ``workers``: a percentage rounds down, but never below 1."""
        if isinstance(self.batch, int):
            return self.batch
        return max(1, workers * int(self.batch.removesuffix("%")) // 100)


class VolumesHook(_Model):
    """A program that restores the persistent volumes while all masters are down, and one that undoes it."""

    hook: Argv = Field(
        description="Program and arguments, without a shell. The plan shows them, so do not put a secret here."
    )
    on: HookPlace = Field(
        description="laptop: once, on the laptop. masters: on every master at the same time, as root."
    )
    undo: Argv | None = Field(
        None, description="Program that undoes the hook in an abort or a rollback. Default: you are asked to do it."
    )
    timeout_s: WholeNumber = Field(3600, ge=1, description="Seconds after which the hook, or its undo, is killed.")
    rerunnable: Truth = Field(
        False, description="true: the hook, or its undo, may run again when its result is unknown."
    )


def _volumes_kind(value: object) -> str:
    return "[hook]" if isinstance(value, Mapping | VolumesHook) else "[word]"


class Policies(_Model):
    """What the operator has decided in advance."""

    volumes: (
        Annotated[
            Annotated[Volumes, Tag("[word]")] | Annotated[VolumesHook, Tag("[hook]")], Discriminator(_volumes_kind)
        ]
        | None
    ) = Field(
        None,
        description="What to do with persistent volumes: pause, none, or a hook. Required for a restore.",
    )
    stop_timeout: WholeNumber = Field(
        3, ge=1, description="Seconds after which a hanging API server or controller gets SIGTERM again, then SIGKILL."
    )
    workers: WorkerPolicy = Field(default_factory=WorkerPolicy, description="How to restart the workers.")
    bump_revision: Bump = Field(
        "auto",
        description="By how much a manual restore raises the revision, so that clients list again: a number, or off. "
        "auto: 1000000000 if the etcd tools of all masters can do it.",
    )


class InventoryDocument(_Model):
    """A cluster and the hosts on which its etcd is restored."""

    format: Annotated[Literal[1], BeforeValidator(as_whole_number)] = Field(
        description="Version of this file's format: 1."
    )
    cluster: Name = Field(description="Name of the cluster. You type it to confirm a restore.")
    distribution: DistributionName = Field(description="What runs etcd on the masters.")
    policies: Policies = Field(default_factory=Policies, description="Decisions that a run needs.")
    defaults: Settings = Field(default_factory=Settings, description="Settings for all hosts.")
    masters: Group = Field(description="Every host with an etcd member.")
    workers: Group | None = Field(None, description="The other nodes of the cluster.")
    bastions: Group | None = Field(None, description="Hosts to connect through (SSH jump hosts).")
    api_servers: Group | None = Field(
        None, description="Hosts with an API server but without an etcd member; not with kublr."
    )
