"""One host as the planner sees it: machine, data volume, member, API server, run markers.

The shape is the same for every distribution. ``distros/`` reads it from what the host said.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from orchestrator.core.hosts.etcd_tools import Tool
from orchestrator.core.model.finding import Finding
from orchestrator.core.timeouts import BEAT_S

SILENT_S = 4 * BEAT_S
"""After four missed heartbeats a holder counts as silent. That is not dead: settle and fence keep it harmless."""


@dataclass(frozen=True, slots=True)
class Tls:
    """Paths on the master. The keys never leave it."""

    ca: str
    cert: str
    key: str


@dataclass(frozen=True, slots=True)
class EtcdConfig:
    """One member's configuration, from the manifest or unit that starts it.

    ``member_path`` is the folder ``member`` on the host; ``address`` is where the member listens there;
    ``aliases`` are names that its pod resolves alone, without the host's hosts file; ``owner`` is the user that it runs
    as, `UID:GID`; ``lists_all`` says that its initial cluster must name every member, not only some; ``program`` is
    etcd's program on the host, empty if it is in an image; ``join_flags`` are flags that a process of etcd outside its
    service must share.
    """

    member: str
    peer_url: str
    client_url: str
    initial_cluster: dict[str, str]
    token: str
    data: str
    member_path: str
    peer_tls: Tls
    client_tls: Tls
    address: str
    aliases: frozenset[str] = frozenset()
    image: str = ""
    wal_dir: str = ""
    owner: str = "0:0"
    lists_all: bool = True
    program: str = ""
    join_flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ApiServer:
    """The API server of a host: its port, and the settings that all masters must share. Paths are the host's own.

    ``is_there`` is false on a host without one: there is nothing to stop and to start.
    """

    port: int = 6443
    is_there: bool = True
    client_ca: str = ""
    service_account_keys: tuple[str, ...] = ()
    encryption: str = ""
    etcd_prefix: str = "/registry"

    @property
    def shared_files(self) -> tuple[str, ...]:
        """Paths of the files that must be equal on all masters."""
        found = (self.client_ca, *self.service_account_keys, self.encryption)
        return tuple(path for path in found if path)


@dataclass(frozen=True, slots=True)
class Certificate:
    """One of etcd's certificates, as openssl reads it on its host. ``state`` is empty, `soon` if it expires within a
    week, `expired`, or `unread`; ``ends`` is the date that openssl prints; ``names`` are subject alternative names."""

    path: str
    state: str
    ends: str
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Trust:
    """Certificates and keys of a master, which make its members, tokens and Secrets valid. ``files`` is the sha256 by
    path of files that all masters must share. ``encryption_keys`` are `PROVIDER NAME` from the configuration, never a
    key; None without a configuration."""

    certificates: tuple[Certificate, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    encryption_keys: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Disk:
    """The space of one filesystem. ``device`` distinguishes the filesystems of a host."""

    device: str
    free_bytes: int


@dataclass(frozen=True, slots=True)
class LiveMember:
    """The answers of a live member: its cluster, its revision, and whether a quorum answers through it."""

    version: str
    cluster_id: str
    members: dict[str, tuple[str, ...]]
    revision: int
    hash_kv: int
    has_quorum: bool
    answers_clients: bool = True
    kube_system_uid: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """The claim on a host: the run, its laptop, and the seconds for which its holder is silent (None: it ended)."""

    run: str
    attempt: str
    laptop: str
    taken_at_utc: str
    silent_s: int | None

    @property
    def is_held(self) -> bool:
        """Whether the holder may still be running: its heartbeat comes every 15 s."""
        return self.silent_s is not None and self.silent_s < SILENT_S


@dataclass(frozen=True, slots=True)
class MachineView:
    """The machine itself: clock, programs, units, addresses, names.

    ``clock_offset_s`` is seconds that its clock is ahead of the laptop's, at least. ``units`` is the state of each
    unit, `not-found` without one. ``listens`` are TCP ports in use. ``resolves`` is addresses by the name of a peer.
    ``state_disk`` is the filesystem of the project's own state folder.
    """

    hostname: str = ""
    clock_offset_s: float = 0.0
    missing_tools: frozenset[str] = frozenset()
    systemd: bool = False
    kills_user_processes: bool = False
    live_restore: bool = False
    selinux_enforces: bool = False
    units: dict[str, str] = field(default_factory=dict)
    units_sha256: str = ""
    own_addresses: frozenset[str] = frozenset()
    listens: frozenset[int] = frozenset()
    resolves: dict[str, tuple[str, ...]] = field(default_factory=dict)
    hosts_file: str = ""
    state_disk: Disk | None = None


@dataclass(frozen=True, slots=True)
class VolumeView:
    """The data volume of a member, and what is on it. Empty until the second look has read it.

    ``owner`` is of the live member folder, `UID:GID MODE LABEL`: mode in octal, the SELinux label or `?`.
    ``data_bytes`` is of the whole data volume, ``database_bytes`` of the member's database alone, 0 without one;
    ``data_written_s`` is its time of modification, in seconds since 1970. ``keeps_beside`` says that a folder
    beside the data is on the same filesystem.
    """

    data_disk: Disk | None = None
    wal_disk: Disk | None = None
    free_inodes: int | None = None
    data_bytes: int = 0
    database_bytes: int = 0
    data_written_s: int = 0
    keeps_beside: bool = True
    owner: str = ""
    members_on_disk: tuple[str, ...] = ()
    data_entries: tuple[str, ...] = ()
    member_links: tuple[str, ...] = ()
    mounts_within: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MemberView:
    """The etcd member of a master: its configuration, what it trusts, the tools to restore it, and its live answers.

    ``config`` is None if it could not be read; the view's ``faults`` say why. ``other_data`` is the data path that
    a second source names, ``other_source``; both are empty if the distribution has only one. ``live`` is None if the
    member does not answer.
    """

    config: EtcdConfig | None = None
    manifest_sha256: str = ""
    other_data: str = ""
    other_source: str = ""
    tools: tuple[Tool, ...] = ()
    trust: Trust = Trust()
    missing_certificates: tuple[str, ...] = ()
    live: LiveMember | None = None

    @property
    def has_quorum(self) -> bool:
        """Whether it answers, and a quorum answers through it."""
        return self.live is not None and self.live.has_quorum

    @property
    def revision(self) -> int:
        """The revision that it is at; 0 if it does not answer."""
        return self.live.revision if self.live else 0

    @property
    def version(self) -> str:
        """The version that the member reports; empty if it does not answer."""
        return self.live.version if self.live else ""

    @property
    def cluster_id(self) -> str:
        """The cluster that it belongs to; empty if it does not answer."""
        return self.live.cluster_id if self.live else ""


@dataclass(frozen=True, slots=True)
class RunMarkers:
    """The markers of runs on a host: the claim, the run that holds its units down, and the newest attempt by run."""

    claim: Claim | None = None
    hold: str = ""
    attempts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MasterView:
    """One host as observed; a worker has only the machine and the markers.

    ``faults`` say why a configuration could not be read or used; ``unfit`` says what else the host's distribution
    needs for a restore and does not find.
    """

    host: str
    machine: MachineView = MachineView()
    volume: VolumeView = VolumeView()
    member: MemberView = MemberView()
    api: ApiServer = ApiServer()
    markers: RunMarkers = RunMarkers()
    faults: tuple[Finding, ...] = ()
    unfit: tuple[Finding, ...] = ()


def owner_of(view: MasterView, all_masters: Iterable[MasterView]) -> str:
    """The owner that restored data must have, `UID:GID MODE LABEL`: that of the old data; if it is gone, that on the
    other masters; if no master has data, the user that etcd runs as. Empty if the other masters differ."""
    if view.volume.owner:
        return view.volume.owner
    owners = {other.volume.owner for other in all_masters if other.volume.owner}
    if not owners and view.member.config:
        return f"{view.member.config.owner} 700 ?"
    return owners.pop() if len(owners) == 1 else ""
