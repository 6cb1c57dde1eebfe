"""Every check, alone: where it fires, where it does not, what may override it, and how a command then ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from orchestrator.app.refusals import refuse_blocked
from orchestrator.core.checks import NEEDED_TOOLS, Way, blockers, check_all
from orchestrator.core.hosts.etcd_tools import Tool, ToolPlace
from orchestrator.core.hosts.view import ApiServer, Certificate, Disk, EtcdConfig, LiveMember, MasterView, Trust
from orchestrator.core.inventory.declared import Paths, Units
from orchestrator.core.inventory.inventory import Host, Inventory
from orchestrator.core.model.finding import Finding, Severity
from orchestrator.distros.control_kublr import unfit
from orchestrator.errors import RefusedError, ours
from tests.unit.builders import DATA, altered, inventory, masters, snapshot_facts

GIB = 1 << 30
FIRST = "master-1"
TOOLS = (Tool(ToolPlace.HOST, "/usr/bin/etcdutl", "3.5.21"),)


def findings(
    views: Mapping[str, MasterView] | None = None, cluster: Inventory | None = None, *overrides: str
) -> tuple[Finding, ...]:
    cluster = cluster or inventory()
    hosts = {host.name: host for host in cluster.masters}
    seen = {
        name: replace(view, unfit=tuple(unfit(hosts[name], view))) if name in hosts else view
        for name, view in (views or masters()).items()
    }
    return check_all(cluster, snapshot_facts(), seen, frozenset(overrides))


def by_etcds_tool(views: Mapping[str, MasterView]) -> tuple[Finding, ...]:
    """What is found on the first master before a manual restore."""
    found = check_all(inventory(), snapshot_facts(), views, frozenset(), Way("manual"))
    return tuple(finding for finding in found if finding.host == FIRST)


def changed(**change: object) -> dict[str, MasterView]:
    """The ordinary cluster with master-1 changed."""
    views = masters()
    return views | {FIRST: altered(views[FIRST], **change)}


def etcd_of(view: MasterView) -> EtcdConfig:
    assert view.member.config is not None
    return view.member.config


def changed_etcd(
    host: str = FIRST, views: dict[str, MasterView] | None = None, **change: object
) -> dict[str, MasterView]:
    """The ordinary cluster with the configuration of one member changed."""
    views = views or masters()
    etcd = replace(etcd_of(views[host]), **change)  # type: ignore[arg-type]
    return views | {host: altered(views[host], config=etcd)}


def with_host(host: Host) -> Inventory:
    """The ordinary inventory with one host exchanged."""
    cluster = inventory()
    hosts = tuple(host if other.name == host.name else other for other in cluster.hosts)
    return cluster.model_copy(update={"hosts": hosts})


def units_but(unit: str, state: str | None) -> dict[str, str]:
    units = masters()[FIRST].machine.units | {unit: state or ""}
    return {name: state for name, state in units.items() if state}


def test_an_ordinary_cluster_has_no_findings() -> None:
    assert findings() == ()
    assert check_all(inventory(), None, masters(), frozenset()) == ()


BLOCKED: list[tuple[str, dict[str, MasterView], str]] = [
    ("tools", changed(missing_tools=frozenset(("flock", "setsid"))), "missing programs: flock, setsid"),
    ("tools", changed(missing_tools=frozenset(("curl", "openssl"))), "neither curl nor openssl is installed"),
    ("logind", changed(systemd=False, kills_user_processes=True), "KillUserProcesses=yes"),
    ("runtime", changed(missing_tools=frozenset(("docker",))), "is not Docker"),
    ("runtime", changed(units=units_but("docker.service", None)), "docker.service is not-found"),
    ("runtime", changed(units=units_but("docker.service", "masked")), "docker.service is masked"),
    ("live-restore", changed(live_restore=True), "etcd would keep running"),
    ("mount-point", changed(mounts_within=(f"{DATA}/member/wal",)), f"{DATA}/member/wal is a mount point of its own"),
    ("wal-dir", changed_etcd(wal_dir="/mnt/wal"), "etcd's log is outside its data, in /mnt/wal"),
    ("units", changed(units=units_but("kublr.service", None)), "no unit kublr.service"),
    ("units", changed(units=units_but("kublr-kubelet.service", "masked")), "no unit kublr-kubelet.service"),
    (
        "data-volume",
        changed(other_data="/mnt/other"),
        f"is {DATA} in the manifest, but `kublr validate` says /mnt/other",
    ),
    ("data-volume", changed(other_data=""), "`kublr validate` says nothing"),
    ("data-volume", changed(data_disk=None), f"the data volume {DATA} does not exist"),
    ("data-volume", changed(members_on_disk=(f"{DATA}/v3/member",)), f"{DATA}/v3/member, not in {DATA}/member"),
    ("armed", changed(data_entries=("member", "restore.db")), f"{DATA}/restore.db exists"),
    ("armed", changed(data_entries=("member", "command")), f"{DATA}/command exists"),
    ("certificates", changed(missing_certificates=("/a", "/b")), "cannot read etcd's certificates: /a, /b"),
    ("disk", changed(state_disk=Disk("/dev/sda1 /", 400 << 20)), "the disk under /var/lib/orchestrator has 400 MiB"),
    ("disk", changed(data_disk=Disk("/dev/sdb1 /mnt", 400 << 20)), f"the disk under {DATA} has 400 MiB free"),
    ("disk", changed(free_inodes=999), "only 999 inodes are free"),
]


@pytest.mark.parametrize(("name", "views", "said"), BLOCKED, ids=[f"{row[0]}-{row[2][:24]}" for row in BLOCKED])
def test_a_blocker_on_one_master(name: str, views: dict[str, MasterView], said: str) -> None:
    (finding,) = findings(views)
    assert (finding.name, finding.host, finding.severity) == (name, FIRST, Severity.BLOCK)
    assert said in finding.what
    assert finding.remedy
    # None of these may be overridden: the restore would go wrong.
    assert not finding.can_override
    assert blockers(findings(views, None, name)) == (finding,)


FINE = [
    changed(missing_tools=frozenset(("curl",))),  # openssl is enough
    changed(missing_tools=frozenset(("openssl", "kubectl"))),
    changed(systemd=True, kills_user_processes=True),  # acts are units of their own
    changed(units=units_but("docker.service", "inactive")),
    changed(units=units_but("docker.socket", None)),
    changed(members_on_disk=()),  # destroyed: restored all the same
    changed(members_on_disk=(f"{DATA}/member", f"{DATA}/old/member")),
    changed(data_entries=("member", "restore.db.kr-older", "command.txt")),
    changed(free_inodes=1000),
    changed(free_inodes=None),
    changed(clock_offset_s=1.0),
    changed(state_disk=None),
]


@pytest.mark.parametrize("views", FINE, ids=range(len(FINE)))
def test_what_looks_odd_and_is_fine(views: dict[str, MasterView]) -> None:
    assert findings(views) == ()


@pytest.mark.parametrize("tool", sorted(NEEDED_TOOLS))
def test_every_needed_program_is_looked_for_on_workers_too(tool: str) -> None:
    views = masters() | {"worker-1": altered(MasterView("worker-1"), missing_tools=frozenset((tool, "docker", "curl")))}
    (finding,) = findings(views)
    assert (finding.name, finding.host, finding.severity) == ("tools", "worker-1", Severity.BLOCK)
    assert finding.what == f"missing programs: {tool}"


def test_faults_of_the_distribution_are_findings() -> None:
    fault = Finding(name="manifest", severity=Severity.BLOCK, host=FIRST, what="it is no YAML")
    assert findings(changed(config=None, faults=(fault,))) == (fault,)


def test_the_inventory_may_decide_where_the_data_lies() -> None:
    host = inventory().masters[0].model_copy(update={"paths": Paths(data=DATA)})
    assert findings(changed(other_data="/mnt/other"), with_host(host)) == ()


def test_units_of_other_names() -> None:
    host = (
        inventory()
        .masters[0]
        .model_copy(update={"units": Units(kublr="agent", kubelet="kublr-kubelet", runtime="dockerd")})
    )
    units = {"agent.service": "active", "kublr-kubelet.service": "active", "dockerd.service": "active"}
    assert findings(changed(units=units), with_host(host)) == ()
    assert {finding.name for finding in findings(None, with_host(host))} == {"units", "runtime"}


@pytest.mark.parametrize(
    ("offset_s", "severity"),
    [
        (1.5, Severity.WARN),
        (-1.5, Severity.WARN),
        (30.0, Severity.WARN),
        (31.0, Severity.BLOCK),
        (-31.0, Severity.BLOCK),
    ],
)
def test_clocks_that_differ(offset_s: float, severity: Severity) -> None:
    (finding,) = findings(changed(clock_offset_s=offset_s))
    assert (finding.name, finding.severity, finding.can_override) == ("clock", severity, True)
    (finding,) = findings(changed(clock_offset_s=offset_s), None, "clock")
    assert finding.severity is Severity.WARN


# --- Room on the disks ----------------------------------------------------------------------------------


def on_one_disk(free_bytes: int, data_bytes: int) -> dict[str, MasterView]:
    disk = Disk("/dev/sda1 /", free_bytes)
    return changed(state_disk=disk, data_disk=disk, data_bytes=data_bytes)


def test_one_disk_must_hold_all_of_it() -> None:
    # pushed file, restore.db, restored database, two segments of log, kept copy; a tenth more
    needed = (3 * snapshot_facts().size_bytes + (16 << 20) + 128_000_000 + 5 * GIB) * 11 // 10
    assert findings(on_one_disk(needed + (1 << 20), 5 * GIB)) == ()
    (finding,) = findings(on_one_disk(needed - (1 << 20), 5 * GIB))
    assert finding.name == "disk"


def test_room_is_counted_per_disk() -> None:
    one, other = Disk("/dev/sda1 /", 12 * GIB // 5), Disk("/dev/sdb1 /mnt", 12 * GIB // 5)
    assert findings(changed(state_disk=one, data_disk=other, data_bytes=GIB)) == ()
    assert len(findings(changed(state_disk=one, data_disk=one, data_bytes=GIB))) == 1


def test_a_log_may_have_a_disk_of_its_own() -> None:
    """Then the data's disk need not hold it, and that one must."""
    data, log = Disk("/dev/sdb1 /mnt", 600 << 20), Disk("/dev/sdc1 /wal", 100 << 20)
    views = changed_etcd(views=changed(data_disk=data, wal_disk=log, tools=TOOLS), wal_dir="/wal")
    (finding,) = by_etcds_tool(views)
    assert (finding.name, finding.what) == ("disk", "the disk under /wal has 100 MiB free; 134 MiB are needed")
    views = changed_etcd(
        views=changed(data_disk=data, wal_disk=replace(log, free_bytes=GIB), tools=TOOLS), wal_dir="/wal"
    )
    assert by_etcds_tool(views) == ()


@pytest.mark.parametrize("wal", [DATA, f"{DATA}/member/log"])
def test_a_log_among_the_data_cannot_be_told_from_it(wal: str) -> None:
    (finding,) = by_etcds_tool(changed_etcd(views=changed(tools=TOOLS), wal_dir=wal))
    assert (finding.name, finding.can_override) == ("wal-dir", False)


# --- All means all --------------------------------------------------------------------------------------

TWO = {f"etcd{index}": f"https://etcd{index}.kublr.local:2380" for index in range(2)}
THREE = {f"etcd{index}": f"https://etcd{index}.kublr.local:2380" for index in range(3)}


def said(found: tuple[Finding, ...], name: str) -> list[tuple[str, str]]:
    assert {finding.name for finding in found} == {name}
    assert all(finding.severity is Severity.BLOCK and not finding.can_override for finding in found)
    return [(finding.host, finding.what) for finding in found]


def test_a_manifest_that_lists_other_members() -> None:
    assert said(findings(changed_etcd(initial_cluster=TWO)), "members") == [
        ("", "the manifests of the masters list different peer URLs"),
        (FIRST, "its manifest lists the members etcd0, etcd1; the masters are etcd0, etcd1, etcd2"),
    ]


def test_a_master_that_the_inventory_forgot() -> None:
    views = {name: view for name, view in masters().items() if name != "master-3"}
    found = findings(views, inventory(masters=2))
    assert [host for host, _ in said(found, "members")] == ["master-1", "master-2"]


def test_two_masters_with_one_name() -> None:
    found = findings(changed_etcd("master-2", member="etcd0"))
    assert {host for host, _ in said(found, "members")} == {"master-1", "master-2", "master-3"}


def test_a_peer_url_that_its_own_list_contradicts() -> None:
    found = findings(changed_etcd(peer_url="https://etcd0.elsewhere:2380"))
    assert said(found, "members") == [
        (FIRST, "its peer URL is https://etcd0.elsewhere:2380, but its manifest lists another one")
    ]


def test_manifests_with_different_lists_or_tokens() -> None:
    other = THREE | {"etcd2": "https://etcd2.elsewhere:2380"}
    assert said(findings(changed_etcd(initial_cluster=other)), "members") == [
        ("", "the manifests of the masters list different peer URLs")
    ]
    assert said(findings(changed_etcd(token="another")), "members") == [
        ("", "the manifests of the masters have different cluster tokens")
    ]


def live(**members: str) -> LiveMember:
    urls: dict[str, tuple[str, ...]] = {name: (url,) for name, url in members.items()}
    return LiveMember("3.5.21", "cdf818194e3a8c32", urls, revision=50_000, hash_kv=1, has_quorum=False)


def test_a_running_member_that_is_no_master() -> None:
    found = findings(changed(live=live(**THREE, etcd9="https://etcd9:2380")))
    assert said(found, "members") == [(FIRST, "the running cluster has members that are not masters: etcd9")]
    assert findings(changed(live=live(**TWO))) == ()  # one was removed, and is to come back


def test_a_member_that_never_started_has_no_name() -> None:
    assert (
        findings(changed(live=LiveMember("3.5.21", "c", {"": ("https://x:2380",)} | live(**TWO).members, 5, 1, False)))
        == ()
    )


def test_members_are_compared_only_where_all_are_known() -> None:
    fault = Finding(name="manifest", severity=Severity.BLOCK, host=FIRST, what="it is no YAML")
    assert findings(changed(config=None, faults=(fault,))) == (fault,)


# --- A name must lead to the host that claims it ----------------------------------------------------------


@pytest.mark.parametrize(
    ("addresses", "wrong"),
    [
        (("10.20.0.12",), False),
        (("10.20.0.12", "10.99.0.1"), False),
        ((), False),  # a name that does not resolve gets a line in the hosts file
        (("10.20.0.13",), True),  # another master
        (("10.20.0.12", "10.20.0.13"), True),  # now the one, now the other
        (("10.99.0.1",), True),  # nobody of ours
    ],
)
def test_where_a_peers_name_leads(addresses: tuple[str, ...], wrong: bool) -> None:
    names = {"etcd1.kublr.local": addresses, "unknown.kublr.local": ("1.2.3.4",)}
    found = findings(changed(resolves=names))
    if wrong:
        ((host, what),) = said(found, "peers")
        assert host == FIRST
        assert what.startswith(f"etcd1.kublr.local resolves to {', '.join(addresses)}, which is not master-2")
    else:
        assert found == ()


def test_a_name_may_lead_to_any_own_address_of_its_master() -> None:
    views = changed(resolves={"etcd1.kublr.local": ("192.168.7.2",)})
    assert said(findings(views), "peers")
    second = altered(views["master-2"], own_addresses=frozenset(("10.20.0.12", "192.168.7.2")))
    assert findings(views | {"master-2": second}) == ()


# --- What an operator may override ------------------------------------------------------------------------


def test_a_healthy_quorum_blocks_until_overridden() -> None:
    (finding,) = findings(masters(quorum=True))
    assert (finding.name, finding.severity, finding.can_override) == ("quorum-healthy", Severity.BLOCK, True)
    assert "at revision 51022" in finding.what
    (finding,) = findings(masters(quorum=True), None, "quorum-healthy")
    assert finding.severity is Severity.WARN
    assert finding.what.startswith("overridden: ")


def test_members_without_a_quorum_do_not_block() -> None:
    assert findings(changed(live=live(**THREE))) == ()


def test_a_snapshot_of_another_cluster_blocks_until_overridden() -> None:
    snapshot = snapshot_facts()
    strangers = tuple(member.model_copy(update={"name": f"x{member.name}"}) for member in snapshot.members)
    other = snapshot.model_copy(update={"members": strangers})
    (finding,) = check_all(inventory(), other, masters(), frozenset())
    assert (finding.name, finding.severity, finding.can_override) == ("other-cluster", Severity.BLOCK, True)
    assert finding.what == "snapshot of members xetcd0, xetcd1, xetcd2; the masters are etcd0, etcd1, etcd2"
    (finding,) = check_all(inventory(), other, masters(), frozenset(("other-cluster",)))
    assert finding.severity is Severity.WARN
    one_known = snapshot.model_copy(update={"members": (*strangers[:2], snapshot.members[2])})
    (finding,) = check_all(inventory(), one_known, masters(), frozenset())
    assert (finding.name, finding.severity) == ("other-members", Severity.WARN)
    assert finding.what.endswith("members that are not masters here: xetcd0, xetcd1")
    nobody = snapshot.model_copy(update={"members": ()})
    assert check_all(inventory(), nobody, masters(), frozenset()) == ()


def test_a_snapshot_of_another_kubernetes_blocks_until_overridden() -> None:
    views = masters(quorum=True)
    live = views[FIRST].member.live
    assert live
    views = {FIRST: altered(views[FIRST], live=replace(live, kube_system_uid="aaaa"))} | {
        name: view for name, view in views.items() if name != FIRST
    }
    of_this = snapshot_facts().model_copy(update={"kube_system_uid": "aaaa"})
    of_other = snapshot_facts().model_copy(update={"kube_system_uid": "bbbb"})
    healthy = frozenset(("quorum-healthy",))
    assert {it.name for it in check_all(inventory(), of_this, views, healthy)} == {"quorum-healthy"}
    (finding,) = blockers(check_all(inventory(), of_other, views, healthy))
    assert (finding.name, finding.host, finding.can_override) == ("other-cluster", FIRST, True)
    assert blockers(check_all(inventory(), of_other, views, healthy | {"other-cluster"})) == ()


def encrypting(*keys: str) -> dict[str, MasterView]:
    """All masters with these keys, but master-1 without the last."""
    views = {name: altered(view, api=API, trust=Trust(encryption_keys=keys)) for name, view in masters().items()}
    return views | {FIRST: altered(views[FIRST], trust=Trust(encryption_keys=keys[:-1]))}


def test_a_master_without_the_key_of_the_snapshots_secrets() -> None:
    snapshot = snapshot_facts().model_copy(update={"secret_keys": ("aescbc key1",)})
    assert check_all(inventory(), snapshot, encrypting("aescbc key1", "identity"), frozenset()) == ()
    (finding,) = check_all(inventory(), snapshot, encrypting("aescbc key2", "aescbc key1"), frozenset())
    assert (finding.name, finding.host, finding.severity) == ("encryption-key", FIRST, Severity.BLOCK)
    assert finding.what.endswith("of Secrets in the snapshot: aescbc key1")
    unknown = check_all(inventory(), snapshot, masters(), frozenset())
    assert {(it.name, it.severity) for it in unknown} == {("encryption-key", Severity.WARN)}


def shown(path: str, state: str = "", *names: str) -> Certificate:
    return Certificate(path, state, "Nov 20 03:10:07 2026 GMT", frozenset(names))


PEER_CERT = etcd_of(masters()[FIRST]).peer_tls.cert


def test_a_certificate_that_has_expired_blocks_and_one_that_soon_will_is_told() -> None:
    (finding,) = findings(changed(trust=Trust(certificates=(shown(PEER_CERT, "expired"),))))
    assert (finding.name, finding.severity, finding.can_override) == ("certificate-expiry", Severity.BLOCK, True)
    assert f"{PEER_CERT} has expired (Nov 20 03:10:07 2026 GMT)" in finding.what
    (finding,) = findings(changed(trust=Trust(certificates=(shown(PEER_CERT, "soon"),))))
    assert (finding.name, finding.severity) == ("certificate-expiry", Severity.WARN)
    assert findings(changed(trust=Trust(certificates=(shown(PEER_CERT, "unread"),)))) == ()


@pytest.mark.parametrize("names", [("etcd0.kublr.local",), ("other", "*.kublr.local"), ()])
def test_a_certificate_for_the_peers_name(names: tuple[str, ...]) -> None:
    assert findings(changed(trust=Trust(certificates=(shown(PEER_CERT, "", *names),)))) == ()


@pytest.mark.parametrize("names", [("etcd1.kublr.local",), ("*.local", "10.20.0.11")])
def test_a_certificate_for_another_name(names: tuple[str, ...]) -> None:
    (finding,) = findings(changed(trust=Trust(certificates=(shown(PEER_CERT, "", *names),))))
    assert (finding.name, finding.severity, finding.host) == ("certificate-names", Severity.WARN, FIRST)
    assert finding.what.endswith(f"is valid for {', '.join(sorted(names))}, not for etcd0.kublr.local")


API = ApiServer(client_ca="/pki/ca.crt", service_account_keys=("/pki/sa.pub", "/pki/sa.key"))


def trusting(**files: str) -> dict[str, MasterView]:
    """All masters with the same files, but master-2 with ``files``."""
    same = {"/pki/ca.crt": "aa", "/pki/sa.pub": "bb", "/pki/sa.key": "cc"}
    views = {name: altered(view, api=API, trust=Trust(files=same)) for name, view in masters().items()}
    other = same | {f"/pki/{name.replace('_', '.')}": sha256 for name, sha256 in files.items()}
    return views | {"master-2": altered(views["master-2"], trust=Trust(files=other))}


def test_masters_that_trust_the_same() -> None:
    assert findings(trusting()) == ()


@pytest.mark.parametrize(("file", "name"), [("ca_crt", "client-ca"), ("sa_key", "service-account-keys")])
def test_masters_that_do_not_trust_the_same(file: str, name: str) -> None:
    (finding,) = findings(trusting(**{file: "zz"}))
    assert (finding.name, finding.severity, finding.can_override) == (name, Severity.BLOCK, True)
    assert finding.what.endswith("master-1, master-3 | master-2")


@pytest.mark.parametrize(("image", "name"), [("etcd:3.4.30", "newer-version"), ("registry.x/etcd:v3.5.2", "known-bad")])
def test_versions_that_do_not_fit(image: str, name: str) -> None:
    (finding,) = findings(changed_etcd(image=image))
    assert (finding.name, finding.host) == (name, FIRST)


@pytest.mark.parametrize("image", ["etcd:3.5.9", "etcd:3.6.4-0", "etcd@sha256:0123", "etcd:latest"])
def test_versions_that_fit_or_cannot_be_told(image: str) -> None:
    assert findings(changed_etcd(image=image)) == ()


def test_what_a_running_member_says_counts_before_its_image() -> None:
    views = changed_etcd(image="etcd:3.4.30")
    live = LiveMember("3.5.21", "cdf8", {}, revision=1, hash_kv=1, has_quorum=False)
    assert findings(views | {FIRST: altered(views[FIRST], live=live)}) == ()


def test_an_alarm_in_the_snapshot_is_a_warning() -> None:
    snapshot = snapshot_facts().model_copy(update={"alarms": ("NOSPACE",)})
    (finding,) = check_all(inventory(), snapshot, masters(), frozenset())
    assert (finding.name, finding.severity) == ("alarm", Severity.WARN)
    assert "NOSPACE" in finding.what


def test_without_a_policy_for_volumes_there_is_no_plan() -> None:
    cluster = inventory(volumes=None)
    (finding,) = findings(None, cluster)
    assert (finding.name, finding.severity, finding.can_override) == ("volumes-policy", Severity.BLOCK, False)


def test_a_list_of_those_that_were_members_when_it_joined() -> None:
    """As kubeadm leaves it: the first names itself alone, each later one itself and those before it."""
    views = masters()
    for count, name in enumerate(views, start=1):
        etcd = views[name].member.config
        assert etcd is not None
        some = dict(sorted(etcd.initial_cluster.items())[:count])
        views[name] = altered(views[name], config=replace(etcd, initial_cluster=some, lists_all=False))
    assert findings(views) == ()
    etcd = views["master-2"].member.config
    assert etcd is not None
    for wrong in (etcd.initial_cluster | {"etcd9": "https://gone:2380"}, {"etcd0": "https://etcd0.kublr.local:2380"}):
        views["master-2"] = altered(views["master-2"], config=replace(etcd, initial_cluster=wrong))
        assert [host for host, _ in said(findings(views), "members")] == ["master-2"]


def test_blockers_come_first_and_each_finding_says_where() -> None:
    views = changed(clock_offset_s=2.0, free_inodes=1) | {
        "master-2": altered(masters()["master-2"], data_entries=("command",))
    }
    found = findings(views, inventory(volumes=None))
    assert [(it.severity, it.name, it.host) for it in found] == [
        (Severity.BLOCK, "armed", "master-2"),
        (Severity.BLOCK, "disk", "master-1"),
        (Severity.BLOCK, "volumes-policy", ""),
        (Severity.WARN, "clock", "master-1"),
    ]


def test_a_blocker_ends_the_command_with_its_remedy() -> None:
    views = changed(data_entries=("command",), free_inodes=1)
    with pytest.raises(RefusedError) as refused:
        refuse_blocked(findings(views))
    assert refused.value.exit_code == 3
    assert refused.value.message.startswith(f"armed: {FIRST}: {DATA}/command exists")
    assert refused.value.message.endswith("(and 1 more)")
    assert f"; {findings(views)[0].remedy} (and" in refused.value.message
    assert refused.value.next_step == ours("check")
    refuse_blocked(findings(changed(clock_offset_s=2.0)))  # a warning ends nothing


def test_a_cluster_of_one_master() -> None:
    assert check_all(inventory(masters=1), snapshot_facts(1), masters(1), frozenset()) == ()
