"""The document of `snapshot inspect`, and the words for it and for `snapshot verify`. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from orchestrator.core.text import count, duration, listed, size
from orchestrator.etcd.contents import Contents
from orchestrator.etcd.details import Bump, Details
from orchestrator.etcd.ids import predict_ids
from orchestrator.etcd.snapshot import SnapshotFacts
from orchestrator.etcd.verify import Trailer, Verification

Lines = tuple[tuple[str, str], ...]


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Ids(_Document):
    """The ids after a restore with that token and these members, by etcdutl or by an agent that uses it."""

    token: str
    cluster: str
    members: dict[str, str]  # name -> id


class Inspection(_Document):
    """A snapshot file. ``contents`` are the Kubernetes objects in it, empty if the store is not Kubernetes's."""

    format: Literal[1] = 1
    kind: Literal["snapshot"] = "snapshot"
    path: str
    snapshot: SnapshotFacts
    details: Details
    contents: Contents
    ids: Ids | None = None
    bump: Bump | None = None


def ids_of(initial_cluster: dict[str, tuple[str, ...]], token: str) -> Ids:
    found = predict_ids(initial_cluster, token)
    return Ids(token=token, cluster=found.cluster, members=dict(found.members))


def verification_lines(found: Verification) -> Lines:
    """Labels and values of a verification: at most six lines, plus one for each described damage."""
    trailers = {
        Trailer.FITS: "matches the file",
        Trailer.ALTERED: "does NOT match: the file was altered after it was saved",
        Trailer.MISSING: "missing at the end (a copied member/snap/db?): the file cannot be proven intact",
    }
    lines = [("result", "intact" if found.is_whole else "NOT intact: do not restore it")]
    lines += [("size", f"{size(found.size_bytes)} ({found.size_bytes:,} bytes)"), ("sha256", trailers[found.trailer])]
    if found.pages:
        page = f"of {size(found.page_size_bytes or 0)}"
        lines.append(("pages", f"{found.pages_read:,} of {found.pages:,} {page} in use, all read"))
    lines += [("damage", text) for text in found.damages]
    if more := found.damage_count - len(found.damages):
        lines.append(("", f"and {more:,} more"))
    readable = f"{count(found.readable_entries, 'revision')} of keys, up to revision {found.readable_revision:,}"
    lines.append(("readable", readable if found.readable_entries else "no keys"))
    return tuple(lines)


def etcd_lines(found: Inspection) -> Lines:
    """etcd's own figures. The hash and the numbers of keys have the names that etcd's tools use."""
    facts, details = found.snapshot, found.details
    hashed = "" if facts.hashed else " (none at the end of the file: it cannot be proven intact)"
    lines = [
        ("file", found.path),
        ("size", f"{size(facts.size_bytes)} ({facts.size_bytes:,} bytes)"),
        ("sha256", facts.sha256 + hashed),
        (
            "hash",
            f"{details.status_hash:x}, as `etcdutl snapshot status` prints it; it identifies this file, not its data",
        ),
        ("revision", f"{facts.last_entry_revision}, compacted at {facts.compacted_revision}".replace("at -1", "never")),
        ("keys", f"{facts.live_keys:,} live (totalKey of etcd 3.6), {facts.total_entries:,} entries (3.4 and 3.5)"),
        ("HashKV", f"{facts.hash_kv} at revision {facts.revision}, which every restored member must have"),
        ("etcd", _versions(found)),
        ("members", listed([f"{member.name} ({member.id})" for member in facts.members]) or "unknown"),
        ("alarms", listed(facts.alarms) or "none"),
        ("auth", _auth(details)),
        ("leases", f"{details.leases:,}"),
    ]
    if found.ids:
        lines.append(("cluster id", f"{found.ids.cluster} with the token {found.ids.token}"))
        lines += [(name, f"member id {member}") for name, member in found.ids.members.items()]
    if bump := found.bump:
        lines.append(("bumped", f"by {bump.amount:,}: HashKV {bump.hash_kv} at revision {bump.revision}"))
    return tuple(lines)


def _versions(found: Inspection) -> str:
    facts, details = found.snapshot, found.details
    words = [f"cluster version {facts.cluster_version or 'unknown'}"]
    words += [f"storage version {details.storage_version}"] if details.storage_version else []
    words += [f"term {facts.term}"] if facts.term is not None else ["saved by an etcd before 3.5"]
    words += [f"downgrade to {details.downgrade_to} in progress"] if details.downgrade_to else []
    return ", ".join(words)


def _auth(details: Details) -> str:
    accounts = f"{count(details.users, 'user')}, {count(details.roles, 'role')}"
    return f"enabled, {accounts}" if details.auth_enabled else f"off{f', {accounts}' if details.users else ''}"


def kubernetes_lines(found: Inspection, now_s: float) -> Lines:
    """The Kubernetes objects in the file; empty if there are none."""
    contents = found.contents
    if not contents.nodes and not contents.kube_system_uid:
        return ()
    drivers = Counter(volume.driver for volume in contents.volumes)
    sources = ", ".join(f"{number} {driver}" for driver, number in sorted(drivers.items()))
    lines = [
        ("cluster", f"kube-system has UID {contents.kube_system_uid or 'unknown'}, keys below {contents.prefix}"),
        ("time", _clock(contents, now_s)),
        ("nodes", f"{len(contents.nodes)}: {listed(contents.nodes)}"),
        ("API servers", listed(contents.master_leases) or "no leases"),
        ("volumes", sources or "none"),
        ("claims", f"{len(contents.claims)}"),
        ("CRDs", f"{len(contents.definitions)}: {listed([it.name for it in contents.definitions])}".rstrip(": ")),
        ("webhooks", listed([f"{it.name} ({it.failure_policy})" for it in contents.webhooks]) or "none"),
        ("Secrets", "; ".join(_secrets(contents))),
    ]
    if contents.unreadable:
        lines.append(("unreadable", f"{count(contents.unreadable, 'object')} could not be read"))
    return tuple(lines)


def _clock(contents: Contents, now_s: float) -> str:
    if not contents.newest_renewal_utc:
        return "unknown: no node leases"
    moment = datetime.fromisoformat(contents.newest_renewal_utc)
    ago = duration(now_s - moment.timestamp())
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC, {ago} ago, from the newest renewal of a node's lease"


def _secrets(contents: Contents) -> Iterator[str]:
    for it in contents.encryption:
        if it.resource == "secrets":
            yield f"{it.objects:,} encrypted by {it.provider}, key {it.key or 'unnamed'}"
    yield f"{contents.plain_secrets:,} readable by anyone who has the file"


def resource_rows(contents: Contents) -> tuple[tuple[int, str, str], ...]:
    """Rows of (objects, resource, namespaces), most objects first."""
    totals: Counter[str] = Counter()
    spaces: dict[str, list[str]] = {}
    for row in contents.objects:
        totals[row.resource] += row.objects
        if row.namespace:
            spaces.setdefault(row.resource, []).append(f"{row.namespace} {row.objects:,}")
    return tuple((number, name, listed(spaces.get(name, []))) for name, number in totals.most_common())
