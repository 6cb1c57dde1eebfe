"""Looks that all distributions share, and parsers for the answers: disks, addresses, units, etcd's answers. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace

from orchestrator.core import timeouts
from orchestrator.core.hosts.etcd_tools import parse_tools
from orchestrator.core.hosts.http import parse_http
from orchestrator.core.hosts.questions import client_values, peer_values
from orchestrator.core.hosts.view import (
    ApiServer,
    Certificate,
    Claim,
    Disk,
    LiveMember,
    MachineView,
    MasterView,
    RunMarkers,
    Trust,
    VolumeView,
)
from orchestrator.core.inventory.inventory import Host
from orchestrator.core.model.finding import Finding, Severity
from orchestrator.core.model.plan import Exec, Script
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

FACTS = {
    "lib/host_facts.sh": "fib_trie hostname hosts kill_user_processes listens missing_tools names selinux_enforces"
    " state_disk systemd units units_sha256",
    "lib/pod_facts.sh": "live_restore",
    "lib/run_facts.sh": "attempts claim hold silent_s",
    "observe/volume.sh": "certificates_shown client_health data_disk data_entries data_inodes data_kib data_stat"
    " data_written database_bytes encryption_keys kube_system member_links members_on_disk missing_certificates"
    " mounts_within owner parent_device peer_hashkv peer_members peer_version shared_files tools wal_disk",
}

ETCD_POD = "etcd.yaml"
"""The file name that kubeadm gives the manifest of etcd's static pod."""


def read_basics(host: Host, facts: Mapping[str, str], clock_offset_s: float) -> MasterView:
    """Parse the output of `templates/host/lib/host_facts.sh`, for a host of any role."""
    machine = MachineView(
        hostname=facts.get("hostname", "").strip(),
        clock_offset_s=clock_offset_s,
        missing_tools=frozenset(facts.get("missing_tools", "").split()),
        systemd="systemd" in facts and facts["systemd"].strip() == "yes",
        kills_user_processes="=yes" in facts.get("kill_user_processes", ""),
        own_addresses=parse_own_addresses(facts.get("fib_trie", "")),
        units=parse_units(facts.get("units", "")),
        listens=frozenset(int(number) for number in facts.get("listens", "").split()),
        units_sha256=facts.get("units_sha256", "").split(" ")[0],
        resolves=parse_names(facts.get("names", "")),
        hosts_file=facts.get("hosts", ""),
        state_disk=parse_disk(facts.get("state_disk", "")),
        live_restore=bool(facts.get("live_restore", "").strip()),
        selinux_enforces=facts.get("selinux_enforces", "").strip() == "1",
    )
    markers = RunMarkers(
        claim=parse_claim(facts["claim"], facts.get("silent_s", "")) if "claim" in facts else None,
        hold=facts.get("hold", "").strip(),
        attempts=dict(line.split(" ", 1) for line in facts.get("attempts", "").splitlines() if " " in line),
    )
    return MasterView(host=host.name, machine=machine, markers=markers)


def look_at_volume(host: Host, view: MasterView) -> Script | None:
    """Make the look at a master's data volume; None if etcd's configuration is unknown."""
    etcd = view.member.config
    if etcd is None:
        return None
    values: dict[str, str | tuple[str, ...]] = {
        **peer_values(etcd),
        **client_values(etcd),
        "data": etcd.data,
        "member": etcd.member_path,
        "wal": etcd.wal_dir,
        "image": etcd.image,
        "prefix": view.api.etcd_prefix,
        "encryption": view.api.encryption,
        "shared": view.api.shared_files,
    }
    return Script(file="observe/volume.sh", values=values, timeout_s=timeouts.LOOK_S)


def read_volume(view: MasterView, facts: dict[str, str]) -> MasterView:
    """Add the output of that look to the view."""
    stat = facts.get("data_stat", "").split()
    inodes = facts.get("data_inodes", "").split()
    kib = facts.get("data_kib", "").split()
    volume = VolumeView(
        data_disk=parse_disk(facts.get("data_disk", "")),
        free_inodes=int(inodes[3]) if len(inodes) > 3 and inodes[3].isdigit() else None,
        data_bytes=int(kib[0]) * 1024 if kib else 0,
        database_bytes=int(facts.get("database_bytes", "").strip() or 0),
        data_written_s=int(facts.get("data_written", "").strip() or 0),
        keeps_beside=bool(stat) and stat[0] == facts.get("parent_device", "").strip(),
        members_on_disk=tuple(facts.get("members_on_disk", "").split()),
        data_entries=tuple(facts.get("data_entries", "").splitlines()),
        member_links=tuple(facts.get("member_links", "").splitlines()),
        wal_disk=parse_disk(facts.get("wal_disk", "")),
        owner=facts.get("owner", "").strip(),
        mounts_within=tuple(facts.get("mounts_within", "").splitlines()),
    )
    member = replace(
        view.member,
        missing_certificates=tuple(facts.get("missing_certificates", "").split()),
        tools=parse_tools(facts.get("tools", "")),
        trust=parse_trust(facts),
        live=parse_live(facts),
    )
    return replace(view, volume=volume, member=member)


def save(view: MasterView) -> Script:
    """Take a safety snapshot through etcd's own gateway."""
    assert view.member.config is not None
    values = {"member": view.member.config.member_path, **client_values(view.member.config)}
    return Script(file="safeguard/take.sh", values=values, timeout_s=timeouts.BACKUP_S)


def start(*units: str) -> Exec:
    """Start the units; do not wait until they are up."""
    return Exec(argv=("systemctl", "start", "--no-block", *units), timeout_s=timeouts.START_UNIT_S, lets_go=True)


def move(file: str, host: Host, run: str, *files: str) -> Script:
    """Move manifests of static pods between kubelet's folder and the run's own folder next to it."""
    folder = host.paths.manifests
    values = {"manifests": folder, "aside": f"{folder}.kr-{run}", "files": files}
    return Script(file=file, values=values, timeout_s=timeouts.MARK_S)


def service(unit: str) -> str:
    """Add `.service` to a unit's name if it has no suffix."""
    return unit if "." in unit else f"{unit}.service"


def fault(host: Host, what: str, remedy: str = "") -> Finding:
    """Make the finding that a host's configuration cannot be read or used."""
    return Finding(
        name="manifest",
        severity=Severity.BLOCK,
        host=host.name,
        what=what,
        remedy=remedy or "set `paths.manifests` for this host in the inventory, or correct the file",
    )


def missing_units(host: Host, view: MasterView, *needed: str) -> tuple[Finding, ...]:
    """Make a finding for each of these units that is missing or masked."""
    gone = [unit for unit in needed if view.machine.units.get(unit, "not-found") in ("not-found", "masked")]
    what, remedy = "no unit {}", "set `units` in the inventory"
    return tuple(
        Finding(name="units", severity=Severity.BLOCK, host=host.name, what=what.format(unit), remedy=remedy)
        for unit in gone
    )


def with_port(server: ApiServer, text: str) -> ApiServer:
    """Set the API server's port from a text such as `--secure-port=6443`; without a port, keep the default."""
    port = text.strip().rpartition("=")[2]
    return replace(server, port=int(port)) if port.isdigit() else server


def parse_disk(text: str) -> Disk | None:
    """Parse the output of `df -P -k` for one folder, or its last line -> a Disk."""
    columns = text.strip().rpartition("\n")[2].split()
    if len(columns) < 6 or not columns[3].isdigit():
        return None
    return Disk(device=f"{columns[0]} {columns[5]}", free_bytes=int(columns[3]) * 1024)


def parse_units(text: str) -> dict[str, str]:
    """Parse `systemctl show` blocks -> unit name to state: `not-found` or `active`, `inactive`, ..."""
    units: dict[str, str] = {}
    for block in text.strip().split("\n\n"):
        values = dict(line.partition("=")[::2] for line in block.splitlines())
        if name := values.get("Id"):
            loaded = values.get("LoadState", "loaded")
            units[name] = values.get("ActiveState", "unknown") if loaded == "loaded" else loaded
    return units


def parse_own_addresses(fib_trie: str) -> frozenset[str]:
    """Parse the kernel's routing trie -> the host's own IPv4 addresses. A `host LOCAL` line follows its address."""
    return frozenset(re.findall(r"\|-- ([0-9.]+)\n\s+/32 host LOCAL", fib_trie))


def parse_names(text: str) -> dict[str, tuple[str, ...]]:
    """Parse lines of name and address -> the addresses by name."""
    names: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        name, _, address = line.partition(" ")
        if address:
            names[name] = (*names.get(name, ()), address)
    return names


def parse_claim(text: str, silent_s: str) -> Claim:
    """Parse the claim's JSON line -> a Claim. A line that cannot be read still means that somebody holds the host.

    ``silent_s`` is seconds, or `ended`.
    """
    silent = None if silent_s.strip() == "ended" else int(silent_s or "0")
    try:
        claim = json.loads(text)
        return Claim(claim["run"], claim["attempt"], claim["laptop"], claim["taken_at_utc"], silent)
    except (ValueError, KeyError, TypeError):
        return Claim("unknown", "", "unknown (damaged claim)", "an unknown time", silent)


def parse_live(facts: dict[str, str]) -> LiveMember | None:
    """Parse one member's answers on its peer and client port; None if the peer port did not answer."""
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
    """Read the UID of the one object in an answer; None if there is no object, or it cannot be read."""
    try:
        found = parse_range(answer)
        return read_uid(found.kvs[0].value) if found.kvs else None
    except (AnswerError, ObjectError):
        return None


def parse_trust(facts: dict[str, str]) -> Trust:
    """Parse the output of `templates/host/lib/certificate.sh` and the lines of sha256sum."""
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
    """Parse lines such as `- aescbc:` and `- name: key1` -> `aescbc key1`; `identity` has no key."""
    keys, provider = [], ""
    for line in text.splitlines():
        word, _, name = (part.strip(" -\"'") for part in line.partition(":"))
        provider = provider if word == "name" else word
        if word in ("name", "identity"):
            keys.append(f"{provider} {name}".strip())
    return tuple(keys)
