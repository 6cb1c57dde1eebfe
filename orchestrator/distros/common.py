"""Reading what hosts of every distribution print: facts, disks, addresses, units, etcd's answers. Pure."""

from __future__ import annotations

import json
import re

from orchestrator.core.http import parse_http
from orchestrator.core.masters import Certificate, Claim, Disk, LiveMember, Trust
from orchestrator.etcd.contents import read_uid
from orchestrator.etcd.kubernetes import ObjectError
from orchestrator.etcd.members import (
    AnswerError,
    parse_hash_kv,
    parse_health,
    parse_members,
    parse_range,
    parse_versions,
)


def parse_disk(line: str) -> Disk | None:
    """The last line of `df -P -k` -> a Disk."""
    columns = line.split()
    if len(columns) < 6 or not columns[3].isdigit():
        return None
    return Disk(device=f"{columns[0]} {columns[5]}", free_bytes=int(columns[3]) * 1024)


def parse_units(text: str) -> dict[str, str]:
    """`systemctl show` blocks -> unit name to its state, `not-found` or `active`, `inactive`, ..."""
    units: dict[str, str] = {}
    for block in text.strip().split("\n\n"):
        values = dict(line.partition("=")[::2] for line in block.splitlines())
        if name := values.get("Id"):
            loaded = values.get("LoadState", "loaded")
            units[name] = values.get("ActiveState", "unknown") if loaded == "loaded" else loaded
    return units


def parse_own_addresses(fib_trie: str) -> frozenset[str]:
    """The kernel's routing trie -> the host's own IPv4 addresses. A `host LOCAL` line follows its address."""
    return frozenset(re.findall(r"\|-- ([0-9.]+)\n\s+/32 host LOCAL", fib_trie))


def parse_names(text: str) -> dict[str, tuple[str, ...]]:
    """Lines of name and address -> the addresses by name."""
    names: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        name, _, address = line.partition(" ")
        if address:
            names[name] = (*names.get(name, ()), address)
    return names


def parse_claim(text: str, silent_s: str) -> Claim:
    """The claim's JSON line -> a Claim. One that cannot be read still says that somebody holds the host.

    ``silent_s`` is seconds, or `ended`.
    """
    silent = None if silent_s.strip() == "ended" else int(silent_s or "0")
    try:
        claim = json.loads(text)
        return Claim(claim["run"], claim["attempt"], claim["laptop"], claim["taken_at_utc"], silent)
    except (ValueError, KeyError, TypeError):
        return Claim("unknown", "", "somebody whose claim is damaged", "an unknown time", silent)


def parse_live(facts: dict[str, str]) -> LiveMember | None:
    """The answers of one member on its peer and client port; None where the peer port gave none."""
    peer, version, hashkv, health = (
        parse_http(facts.get(name, "")) for name in ("peer_members", "peer_version", "peer_hashkv", "client_health")
    )
    try:
        answer = parse_hash_kv(hashkv.body)
        return LiveMember(
            version=parse_versions(version.body).server,
            cluster_id=peer.headers.get("x-etcd-cluster-id", ""),
            members={member.name: member.peer_urls for member in parse_members(peer.body)},
            revision=answer.revision,
            hash_kv=answer.hash_kv,
            answers_clients=bool(health.body),
            has_quorum=bool(health.body) and parse_health(health.body).healthy,
            kube_system_uid=_uid(parse_http(facts.get("kube_system", "")).body),
        )
    except AnswerError:
        return None


def _uid(answer: str) -> str | None:
    """The UID of the one object in an answer; None where there is none, or it cannot be read."""
    try:
        found = parse_range(answer)
        return read_uid(found.kvs[0].value) if found.kvs else None
    except (AnswerError, ObjectError):
        return None


def parse_trust(facts: dict[str, str]) -> Trust:
    """What `templates/host/trust.sh` printed, and the lines of sha256sum."""
    shown = [line.split("\t") for line in facts.get("certificates_shown", "").splitlines()]
    sums = [line.split("  ", 1) for line in facts.get("shared_files", "").splitlines() if "  " in line]
    return Trust(
        certificates=tuple(
            Certificate(path, state, ends, frozenset(re.findall(r"(?:DNS|IP Address):([^,\s]+)", names)))
            for path, state, ends, names in (columns for columns in shown if len(columns) == 4)
        ),
        files={path: sha256 for sha256, path in sums},
        encryption_keys=_encryption_keys(facts["encryption_keys"]) if "encryption_keys" in facts else None,
    )


def _encryption_keys(text: str) -> tuple[str, ...]:
    """Lines such as `- aescbc:` and `- name: key1` -> `aescbc key1`; `identity` has no key."""
    keys, provider = [], ""
    for line in text.splitlines():
        word, _, name = (part.strip(" -\"'") for part in line.partition(":"))
        provider = provider if word == "name" else word
        if word in ("name", "identity"):
            keys.append(f"{provider} {name}".strip())
    return tuple(keys)
