"""What a master is to the planner: the same shape for every distribution, read from what the host said."""

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
    ``aliases`` are names that its pod resolves by itself, whatever the host's own hosts file says; ``owner`` is as
    whom it runs, `UID:GID`; ``lists_all`` says that its initial cluster must name every member, not only some;
    ``program`` is etcd itself on the host, empty where it lies in an image; ``join_flags`` are those that a run
    beside its service must share.
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
class ApiConfig:
    """What an API server's manifest says of what every master must share; paths are the host's own."""

    client_ca: str = ""
    service_account_keys: tuple[str, ...] = ()
    encryption: str = ""
    etcd_prefix: str = "/registry"

    @property
    def shared_files(self) -> tuple[str, ...]:
        """Paths of what every master's API server must have the same of."""
        found = (self.client_ca, *self.service_account_keys, self.encryption)
        return tuple(path for path in found if path)


@dataclass(frozen=True, slots=True)
class Certificate:
    """One of etcd's certificates, as openssl reads it on its host. ``state`` is empty, `soon` where it ends within a
    week, `expired`, or `unread`; ``ends`` is as openssl prints it; ``names`` are its subject's alternative names."""

    path: str
    state: str
    ends: str
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Trust:
    """What makes a master's members, tokens and Secrets valid. ``files`` is sha256 by path, of files that all masters
    must share. ``encryption_keys`` are `PROVIDER NAME` as the configuration has them, never a key; None without one.
    """

    certificates: tuple[Certificate, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    encryption_keys: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Disk:
    """Of one filesystem; ``device`` tells filesystems of one host apart."""

    device: str
    free_bytes: int


@dataclass(frozen=True, slots=True)
class LiveMember:
    """What a member that answers says: its cluster, how far it is, and whether a quorum stands behind it."""

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
    """Whose a host is: the run, its laptop, and for how many seconds its holder has been silent (None: it ended)."""

    run: str
    attempt: str
    laptop: str
    taken_at_utc: str
    silent_s: int | None

    @property
    def is_held(self) -> bool:
        """Whether the holder may still be at work: its heartbeat comes every 15 s."""
        return self.silent_s is not None and self.silent_s < SILENT_S


@dataclass(frozen=True, slots=True)
class MasterView:
    """One master as observed. ``etcd`` is None where its configuration could not be read; ``faults`` say why. ``unfit``
    says what else its distribution needs for a restore, and has not.

    ``owner`` is of the live member folder, `UID:GID MODE LABEL`: mode in octal, the SELinux label or `?`.
    ``data_bytes`` is of the whole data volume, ``database_bytes`` of the member's database alone, 0 without one.
    ``serves_api`` says that an API server is stopped and started there; ``listens`` are ports in use.
    """

    host: str
    hostname: str = ""
    clock_offset_s: float = 0.0
    missing_tools: frozenset[str] = frozenset()
    systemd: bool = False
    kills_user_processes: bool = False
    own_addresses: frozenset[str] = frozenset()
    units: dict[str, str] = field(default_factory=dict)
    units_sha256: str = ""
    manifest_sha256: str = ""
    etcd: EtcdConfig | None = None
    other_data: str = ""
    api_port: int = 6443
    serves_api: bool = True
    listens: frozenset[int] = frozenset()
    resolves: dict[str, tuple[str, ...]] = field(default_factory=dict)
    hosts_file: str = ""
    state_disk: Disk | None = None
    data_disk: Disk | None = None
    wal_disk: Disk | None = None
    free_inodes: int | None = None
    data_bytes: int = 0
    database_bytes: int = 0
    data_written_s: int = 0
    keeps_beside: bool = True
    owner: str = ""
    tools: tuple[Tool, ...] = ()
    members_on_disk: tuple[str, ...] = ()
    data_entries: tuple[str, ...] = ()
    member_links: tuple[str, ...] = ()
    missing_certificates: tuple[str, ...] = ()
    mounts_within: tuple[str, ...] = ()
    api: ApiConfig = ApiConfig()
    trust: Trust = Trust()
    live_restore: bool = False
    selinux_enforces: bool = False
    live: LiveMember | None = None
    claim: Claim | None = None
    hold: str = ""
    attempts: dict[str, str] = field(default_factory=dict)
    faults: tuple[Finding, ...] = ()
    unfit: tuple[Finding, ...] = ()


def owner_of(view: MasterView, all_masters: Iterable[MasterView]) -> str:
    """Whose restored data must be, `UID:GID MODE LABEL`: the old data's owner; where that is gone, that on the other
    masters; where none has any, as whom etcd runs. Empty where the other masters differ."""
    if view.owner:
        return view.owner
    owners = {other.owner for other in all_masters if other.owner}
    if not owners and view.etcd:
        return f"{view.etcd.owner} 700 ?"
    return owners.pop() if len(owners) == 1 else ""
