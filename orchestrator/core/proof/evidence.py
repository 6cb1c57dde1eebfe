"""What a restored cluster holds, in addition to the proof that it was restored: the start of a run's report.

Pure: from each member's answers (`templates/host/observe/contents.sh`) and the live keys to values. Only keys and
revisions are read, never the contents of objects: if a lease's revision is not newer than the snapshot's, the lease
was not renewed since.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

from orchestrator.core.hosts.facts import parse_facts
from orchestrator.core.hosts.http import parse_http
from orchestrator.core.hosts.questions import client_values, peer_values
from orchestrator.core.hosts.view import EtcdConfig
from orchestrator.core.model.cost import MASTERS, NODES, ResourceCount
from orchestrator.core.model.plan import MasterFacts, Script
from orchestrator.core.model.restored import Restored
from orchestrator.core.text import quoted
from orchestrator.core.timeouts import HOLDS_S
from orchestrator.etcd.frozen import Frozen
from orchestrator.etcd.ids import ClusterIds
from orchestrator.etcd.members import AnswerError, HashKv, Status, parse_hash_kv, parse_range, parse_status
from orchestrator.etcd.registry import read_key

_LEASES, _NODE_LEASES = "leases", "kube-node-lease"
_ALARM = re.compile(r"alarm:(\w+)")


class MemberEvidence(Frozen):
    """The evidence of one member.

    Numbers are None if the member did not report them. ``hash_kv`` is at the restored revision: the answer now,
    or the one from the proof. ``id_predicted`` is from the plan.
    """

    host: str
    member: str
    id: str = ""
    id_predicted: str = ""
    version: str = ""
    revision: int | None = None
    compacted_revision: int | None = None
    hash_kv: int | None = None
    keys_then: int | None = None
    keys_now: int | None = None
    alarms: tuple[str, ...] = ()


class ResourceEvidence(Frozen):
    """Objects of one resource. ``before`` is None if no member answered when the plan was made."""

    resource: str
    before: int | None
    snapshot: int
    now: int

    @property
    def is_steady(self) -> bool:
        return self.before in (None, self.snapshot) and self.now == self.snapshot


class StaleKind(StrEnum):
    NODE = "node"
    API_SERVER = "API server"


class Stale(Frozen):
    """Something that the snapshot brought back and nothing has renewed since.

    ``command`` removes it, on ``host`` or, if that is empty, on any machine with kubectl.
    """

    kind: StaleKind
    name: str
    host: str
    command: str


class Evidence(Frozen):
    """The evidence of a run. ``revision`` is that of every member right after the restore.

    ``snapshot_keys`` counts the file's live keys; ``missing`` says what was unreadable.
    """

    revision: int
    snapshot_keys: int
    members: tuple[MemberEvidence, ...] = ()
    resources: tuple[ResourceEvidence, ...] = ()
    stale: tuple[Stale, ...] = ()
    missing: tuple[str, ...] = ()


def holds_look(etcd: EtcdConfig, revision: int) -> Script:
    """Return the look that asks a member what it holds, now and at the restored revision."""
    values = peer_values(etcd) | client_values(etcd) | {"revision": str(revision)}
    return Script(file="observe/contents.sh", values=values, timeout_s=HOLDS_S)


FACTS = {"observe/contents.sh": "hashkv hashkv_now keys_now keys_then status"}


def read_member(
    fact: MasterFacts, printed: str, restored: Restored, ids: ClusterIds, proof: Mapping[str, str]
) -> MemberEvidence:
    """Parse one member's answers.

    ``ids`` are the ids that the plan predicts; ``proof`` has the details of `core.proof`, empty if an earlier
    attempt proved it.
    """
    facts = {name: parse_http(text).body for name, text in parse_facts(printed).items()}
    status = _status(facts.get("status", ""))
    then, now = _hash(facts.get("hashkv", "")), _hash(facts.get("hashkv_now", ""))
    newest = then or now
    shown = proof.get(f"{fact.host} hash_kv", "")
    hash_kv = int(shown) if shown.isdigit() else None
    if then and then.compacted_revision == restored.compacted_revision:  # otherwise the hashes are not comparable
        hash_kv = then.hash_kv
    return MemberEvidence(
        host=fact.host,
        member=fact.member,
        id=status.member_id if status else "",
        id_predicted=ids.members.get(fact.member, ""),
        version=status.version if status else "",
        revision=newest.revision if newest else None,
        compacted_revision=newest.compacted_revision if newest else None,
        hash_kv=hash_kv,
        keys_then=_count(facts.get("keys_then", "")),
        keys_now=_count(facts.get("keys_now", "")),
        alarms=tuple(_ALARM.findall(" ".join(status.errors))) if status else (),
    )


def _status(body: str) -> Status | None:
    with suppress(AnswerError):
        return parse_status(body)
    return None


def _hash(body: str) -> HashKv | None:
    with suppress(AnswerError):
        return parse_hash_kv(body)
    return None


def _count(body: str) -> int | None:
    with suppress(AnswerError):
        return parse_range(body).count
    return None


@dataclass(slots=True)
class Census:
    """Counts the live keys by resource, and records which leases were renewed after the snapshot's revision."""

    prefix: str
    snapshot_revision: int
    _counts: Counter[str] = field(default_factory=Counter)
    _nodes: list[str] = field(default_factory=list)
    _node_leases: dict[str, int] = field(default_factory=dict)
    _api_servers: dict[str, int] = field(default_factory=dict)

    def add(self, key: bytes, mod_revision: int) -> None:
        found = read_key(self.prefix.encode(), key)
        self._counts[found.resource] += 1
        if found.resource == NODES:
            self._nodes.append(found.name)
        elif found.resource == MASTERS:
            self._api_servers[found.name] = mod_revision
        elif (found.resource, found.namespace) == (_LEASES, _NODE_LEASES):
            self._node_leases[found.name] = mod_revision

    def resources(self, planned: tuple[ResourceCount, ...]) -> tuple[ResourceEvidence, ...]:
        """Return every resource that exists in the snapshot, existed when the plan was made, or exists now."""
        before = {row.resource: row for row in planned}
        compared = any(row.live is not None for row in planned)
        rows = []
        for name in sorted(before.keys() | self._counts.keys()):
            row = before.get(name, ResourceCount(resource=name, snapshot=0, live=0 if compared else None))
            rows.append(ResourceEvidence(resource=name, before=row.live, snapshot=row.snapshot, now=self._counts[name]))
        return tuple(rows)

    def stale(self, host: str, etcd: EtcdConfig) -> tuple[Stale, ...]:
        """Return the nodes and API servers that gave no sign of life since the restore. ``host`` has etcdctl.

        If there are no node leases, as before Kubernetes 1.14, nothing is known about the nodes.
        """
        dead = [name for name in self._nodes if self._node_leases.get(name, 0) <= self.snapshot_revision]
        nodes = tuple(
            Stale(kind=StaleKind.NODE, name=name, host="", command=quoted(("kubectl", "delete", "node", name)))
            for name in sorted(dead)
            if self._node_leases
        )
        tls = etcd.client_tls
        flags = (f"--endpoints={etcd.client_url}", f"--cacert={tls.ca}", f"--cert={tls.cert}", f"--key={tls.key}")
        return nodes + tuple(
            Stale(
                kind=StaleKind.API_SERVER,
                name=name,
                host=host,
                command=quoted(("etcdctl", *flags, "del", f"{self.prefix}{MASTERS}/{name}")),
            )
            for name, revision in sorted(self._api_servers.items())
            if revision <= self.snapshot_revision
        )
