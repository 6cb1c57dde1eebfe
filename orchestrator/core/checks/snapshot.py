"""Checks of the snapshot: does it fit the cluster that it is restored to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from orchestrator.core.hosts.view import MasterView
from orchestrator.core.inventory.inventory import Host
from orchestrator.core.model.finding import Finding, block, warn
from orchestrator.etcd.snapshot import SnapshotFacts


def snapshot_fits(snapshot: SnapshotFacts, masters: Sequence[tuple[Host, MasterView]]) -> Iterator[Finding]:
    """Findings of the snapshot file. Blocks if it is from another cluster: its members have other names."""
    names = {view.member.config.member for _, view in masters if view.member.config}
    came_from = {member.name for member in snapshot.members}
    if names and came_from and not came_from & names:
        yield block(
            "other-cluster",
            "",
            f"snapshot of members {', '.join(sorted(came_from))}; the masters are {', '.join(sorted(names))}",
            "take a snapshot of this cluster; if you have renamed the members: --override other-cluster",
            can_override=True,
        )
    elif others := came_from - names.union(
        *(view.member.config.initial_cluster for _, view in masters if view.member.config)
    ):
        what = f"snapshot with members that are not masters here: {', '.join(sorted(others))}"
        yield warn(
            "other-members", "", what, "make sure that it is a snapshot of this cluster; members may have changed since"
        )
    yield from same_kubernetes(snapshot, masters)
    yield from secrets_can_be_read(snapshot, masters)
    yield from versions_fit(snapshot, masters)
    for alarm in snapshot.alarms:
        yield warn(
            "alarm",
            "",
            f"the snapshot has the alarm {alarm}: the restored cluster may be read-only",
            "after the restore: etcdctl alarm disarm",
        )


def same_kubernetes(snapshot: SnapshotFacts, masters: Iterable[tuple[Host, MasterView]]) -> Iterator[Finding]:
    """Blocks if kube-system's UID differs: members may have equal names in two clusters, but this UID is unique."""
    for host, view in masters:
        runs = view.member.live.kube_system_uid if view.member.live else None
        if runs and snapshot.kube_system_uid and runs != snapshot.kube_system_uid:
            yield block(
                "other-cluster",
                host.name,
                f"snapshot of another Kubernetes cluster: it has {snapshot.kube_system_uid}, this one {runs} "
                "(the UID of the namespace kube-system)",
                "take a snapshot of this cluster; to replace this cluster: --override other-cluster",
                can_override=True,
            )


def secrets_can_be_read(snapshot: SnapshotFacts, masters: Iterable[tuple[Host, MasterView]]) -> Iterator[Finding]:
    """Blocks if an API server lacks the key of encrypted Secrets in the snapshot: it could not read them."""
    for host, view in masters:
        known = view.member.trust.encryption_keys
        if known is None and snapshot.secret_keys and not view.api.client_ca:
            what = f"cannot read its API server's manifest to find the encryption key {', '.join(snapshot.secret_keys)}"
            yield warn(
                "encryption-key", host.name, what, "make sure that it has this key; Secrets in the snapshot need it"
            )
        elif missing := sorted(set(snapshot.secret_keys) - set(known or ())):
            yield block(
                "encryption-key",
                host.name,
                f"its API server lacks the encryption key of Secrets in the snapshot: {', '.join(missing)}",
                "add the key to the encryption configuration of every master, as an additional key for reading",
                can_override=True,
            )


def versions_fit(snapshot: SnapshotFacts, masters: Iterable[tuple[Host, MasterView]]) -> Iterator[Finding]:
    """Blocks if the installed etcd is older than the snapshot's; warns of versions that are known to corrupt data."""
    for host, view in masters:
        installed = installed_version(view)
        if installed is None:
            continue
        written = parse_version(snapshot.cluster_version or "")
        if written and written[:2] > installed[:2]:
            yield block(
                "newer-version",
                host.name,
                f"the snapshot was written by etcd {dotted(written[:2])}, but etcd {dotted(installed)} is installed",
                "restore with the version that wrote it; an older one may reject or misread its data",
                can_override=True,
            )
        if reason := _known_bad(installed):
            what = f"etcd {dotted(installed)} is installed, which {reason}"
            yield warn("known-bad", host.name, what, "compare backups of several members, and update etcd afterwards")


def installed_version(view: MasterView) -> tuple[int, int, int] | None:
    """The version that the member reports, or else its image's tag; None if neither is a version."""
    told = (
        view.member.live.version
        if view.member.live
        else view.member.config.image.rpartition(":")[2]
        if view.member.config
        else ""
    )
    return parse_version(told)


def parse_version(text: str) -> tuple[int, int, int] | None:
    """`v3.5.1`, `3.5.1-0` -> (3, 5, 1); None if the text is not a version."""
    found = re.match(r"v?(\d+)\.(\d+)(?:\.(\d+))?", text)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


def dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _known_bad(version: tuple[int, int, int]) -> str:
    """Why that version's data may be wrong, or an empty text."""
    minor, patch = version[:2], version[2]
    if minor == (3, 5) and patch <= 2:
        return "can lose writes on one member when it is killed (fixed in 3.5.3)"
    if (minor == (3, 5) and patch <= 5) or (minor == (3, 4) and patch <= 21):
        return "can let members diverge, with authentication or after a defragmentation (fixed in 3.5.6, 3.4.22)"
    return ""
