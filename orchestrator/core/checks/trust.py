"""Checks of trust: are the masters' certificates valid, and do all masters use the same CAs and keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from orchestrator.core.hosts.network import name_of
from orchestrator.core.hosts.view import MasterView
from orchestrator.core.inventory.inventory import Host
from orchestrator.core.model.finding import Finding, block, warn


def certificates(host: Host, view: MasterView) -> Iterator[Finding]:
    """Findings for etcd's certificates: a member with an expired one starts, but its peers reject it."""
    remedy = "renew the certificate before the restore"
    for shown in view.member.trust.certificates:
        if shown.state == "expired":
            what = f"etcd's certificate {shown.path} has expired ({shown.ends}): its peers will reject it"
            yield block("certificate-expiry", host.name, what, remedy, can_override=True)
        elif shown.state == "soon":
            what = f"etcd's certificate {shown.path} expires within a week ({shown.ends})"
            yield warn("certificate-expiry", host.name, what, remedy)
    if view.member.config is None:
        return
    peer = name_of(view.member.config.peer_url)
    for shown in view.member.trust.certificates:
        if shown.path == view.member.config.peer_tls.cert and shown.names and not _names(shown.names, peer):
            what = f"etcd's certificate {shown.path} is valid for {', '.join(sorted(shown.names))}, not for {peer}"
            yield warn("certificate-names", host.name, what, f"peers connect to {peer}; {remedy}")


def _names(names: frozenset[str], host: str) -> bool:
    """Whether a certificate with these names is valid for that host (RFC 6125, 6.4.3: a star matches one label)."""
    return host in names or f"*.{host.partition('.')[2]}" in names


def trust_is_shared(masters: Iterable[tuple[Host, MasterView]]) -> Iterator[Finding]:
    """Blocks if API servers differ in their CA or keys: one would then refuse tokens that another has signed."""
    known = [(host.name, view) for host, view in masters if view.member.trust.files]
    authorities = {host: frozenset((view.member.trust.files.get(view.api.client_ca, ""),)) for host, view in known}
    keys = {
        host: frozenset(view.member.trust.files.get(path, "") for path in view.api.service_account_keys)
        for host, view in known
    }
    remedy = "find out which files are the cluster's, and copy them to all masters"
    if groups := _differ(authorities):
        what = f"the masters' API servers have different client certificate authorities: {groups}"
        yield block("client-ca", "", what, remedy, can_override=True)
    if groups := _differ(keys):
        what = f"the masters' API servers have different service account keys: {groups}"
        yield block("service-account-keys", "", what, remedy, can_override=True)


def _differ(files: dict[str, frozenset[str]]) -> str:
    """The hosts, grouped by equal files; empty if all are equal."""
    groups = [", ".join(host for host, mine in files.items() if mine == some) for some in set(files.values())]
    return " | ".join(sorted(groups)) if len(groups) > 1 else ""
