"""etcd as a unit: from what systemd says of it to what the planner sees, and from intent to commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.core.hosts.etcd_tools import Tool, ToolPlace
from orchestrator.core.hosts.view import ApiServer, EtcdConfig, MasterView, Tls
from orchestrator.core.inventory.declared import Restart, Units
from orchestrator.core.inventory.inventory import Host, Role
from orchestrator.core.model.plan import Exec, Phase, PhaseName, Probe, Script
from orchestrator.core.plans.master import masters_of
from orchestrator.core.plans.restore import Restore, strategy_of
from orchestrator.distros import SYSTEMD
from orchestrator.distros.unit import parse_environment_file, parse_service
from tests.unit import builders
from tests.unit.builders import LAPTOP, RUN, altered, snapshot_facts

LAB = Path(__file__).parents[2] / "lab/systemd"
PKI = "/etc/etcd/pki"
CLUSTER = {f"master-{number}": f"https://10.40.0.1{number}:2380" for number in (1, 2, 3)}
LISTED = ",".join(f"{name}={url}" for name, url in CLUSTER.items())
HERE = ("etcd.service", "kube-apiserver.service", "kube-scheduler.service")


def text(name: str) -> str:
    """A file of the lab's, as on its first master."""
    found = (LAB / name).read_text()
    for key, value in (("HOST", "master-1"), ("ADDRESS", "10.40.0.11"), ("INITIAL_CLUSTER", LISTED)):
        found = found.replace(f"@{key}@", value)
    return found


def told(*words: str, environment: str = "as 0", user: str = "etcd", root: str = "") -> str:
    """What busctl prints for a unit with this command line."""
    argv = " ".join(f'"{word}"' for word in words)
    start = f'a(sasbttttuii) 1 "{words[0]}" {len(words)} {argv} false 1795 12 0 0 4711 0 0'
    lines = (start, environment, 'a(sb) 1 "/etc/default/etcd" true', f's "{user}"', 's ""', f's "{root}"')
    return "\n".join(lines)


DEBIAN = told(
    "/usr/bin/etcd",
    "$DAEMON_ARGS",
    environment='as 3 "DAEMON_ARGS=" "ETCD_NAME=master-1" "ETCD_DATA_DIR=/var/lib/etcd/default"',
)


def host(role: Role = Role.MASTER) -> Host:
    return Host(name="master-1", role=role, address="10.40.0.11", node="master-1")


def read(
    role: Role = Role.MASTER, there: tuple[str, ...] = HERE, facts: dict[str, str] | None = None, **more: str
) -> MasterView:
    states = "\n\n".join(f"Id={unit}\nLoadState=loaded\nActiveState=active" for unit in there)
    given = {"etcd_unit": DEBIAN, "etcd_environment_1": text("etcd.default"), "owner": "101:102\n", "units": states}
    return SYSTEMD.read_host(host(role), given | (facts or {}) | more, 0.0)


def fault(view: MasterView) -> str:
    (found,) = view.faults
    return found.what


def test_a_member_as_debians_package_starts_it() -> None:
    view = read()
    assert view.faults == ()
    assert view.member.config == EtcdConfig(
        member="master-1",
        peer_url="https://10.40.0.11:2380",
        client_url="https://10.40.0.11:2379",
        initial_cluster=CLUSTER,
        token="systemd-lab",
        data="/mnt/master-pd/etcd/default",
        member_path="/mnt/master-pd/etcd/default/member",
        peer_tls=Tls(f"{PKI}/ca.crt", f"{PKI}/peer.crt", f"{PKI}/peer.key"),
        client_tls=Tls(f"{PKI}/ca.crt", f"{PKI}/server.crt", f"{PKI}/server.key"),
        address="10.40.0.11",
        owner="101:102",
        lists_all=False,
        program="/usr/bin/etcd",
        join_flags=(
            "--listen-peer-urls=https://10.40.0.11:2380",
            "--advertise-client-urls=https://10.40.0.11:2379",
            "--peer-client-cert-auth=true",
            "--heartbeat-interval=200",
            "--election-timeout=1500",
        ),
    )


def test_beside_a_configuration_file_nothing_else_counts() -> None:
    path = "/etc/etcd/etcd.conf.yml"
    unit = told("/usr/bin/etcd", "--name=not-this-one", "--config-file", path)
    view = read(etcd_unit=unit, config_path=f"{path}\n", config=text("etcd.conf.yml"))
    by_variable = told("/usr/bin/etcd", environment=f'as 1 "ETCD_CONFIG_FILE={path}"')
    assert (
        view.member.config == read(etcd_unit=by_variable, config_path=path, config=text("etcd.conf.yml")).member.config
    )
    assert view.member.config is not None
    assert (view.member.config.member, view.member.config.wal_dir) == ("master-1", "/mnt/master-pd/etcd/wal")
    plain = read().member.config
    assert plain is not None
    assert (view.member.config.peer_tls, view.member.config.client_tls) == (plain.peer_tls, plain.client_tls)


@pytest.mark.parametrize(
    ("facts", "what"),
    [
        ({"etcd_unit": ""}, "cannot ask systemd what etcd.service starts"),
        ({"etcd_unit": told("/bin/sh", "-c", "exec etcd")}, "etcd.service starts /bin/sh, not etcd itself"),
        ({"etcd_unit": told("/usr/bin/etcd", root="/srv/x")}, "RootDirectory=/srv/x"),
        ({"etcd_unit": told("/usr/bin/etcd", "--config-file=/etc/gone")}, "/etc/gone cannot be read"),
        ({"etcd_unit": told("/usr/bin/etcd"), "etcd_environment_1": ""}, "--data-dir"),
        (
            {"etcd_unit": told("/usr/bin/etcd", "--config-file=/c"), "config_path": "/c", "config": "[1]"},
            "/c is not an etcd configuration",
        ),
        (
            {"etcd_unit": told("/usr/bin/etcd", "--config-file=/c"), "config_path": "/c", "config": "a: ["},
            "/c is not YAML",
        ),
    ],
)
def test_what_cannot_be_understood_is_told(facts: dict[str, str], what: str) -> None:
    assert what in fault(read(facts=facts))


def test_without_the_unit_there_is_no_member() -> None:
    assert "no unit etcd.service" in fault(read(there=HERE[1:]))


def test_the_hash_covers_all_that_was_read_and_no_process_id() -> None:
    before = read().member.manifest_sha256
    assert len(before) == 64
    assert read(etcd_unit=DEBIAN.replace("4711", "4712")).member.manifest_sha256 == before
    assert (
        read(etcd_environment_1=text("etcd.default") + "ETCD_AUTO_COMPACTION_RETENTION=1\n").member.manifest_sha256
        != before
    )
    assert read(api_unit=told("/usr/bin/kube-apiserver", "--v=2")).member.manifest_sha256 != before


def test_an_api_server_beside_it_and_one_on_a_host_of_its_own() -> None:
    unit = told(
        "/usr/bin/kube-apiserver", "--secure-port=6444", "--client-ca-file", "/pki/ca.crt", "--etcd-prefix=kube"
    )
    view = read(api_unit=unit, listens="22\n6444\n")
    assert (view.api.is_there, view.api.port, view.machine.listens) == (True, 6444, frozenset((22, 6444)))
    assert view.api == ApiServer(port=6444, client_ca="/pki/ca.crt", etcd_prefix="/kube")
    assert not read(there=HERE[:1]).api.is_there
    alone = read(Role.API, HERE[1:], api_unit=unit)
    assert (alone.member.config, alone.api.is_there, alone.faults) == (None, True, ())
    assert "kube-apiserver.service" in fault(read(Role.API, ()))


def test_units_stop_from_the_outside_in_and_start_from_the_inside_out() -> None:
    distro, view = SYSTEMD, read()
    controllers = ("kube-controller-manager.service", "kube-scheduler.service")
    assert distro.stop_units(host()) == (controllers, ("kube-apiserver.service",)) == distro.stop_units(host(Role.API))
    assert (distro.down_units(host()), distro.down_units(host(Role.API))) == ((("etcd.service",),), ())
    worker = host(Role.WORKER).model_copy(update={"units": Units(kubelet="my-kubelet")})
    assert distro.down_units(worker) == (("my-kubelet.service",),), "as the host's inventory names it"
    assert starts(distro.start(host(), view)) == ("etcd.service",)
    assert starts(distro.start_api(host(), view, "r")) == ("kube-apiserver.service",)
    assert starts(distro.start_controllers(host(), view, "r")) == ("kube-scheduler.service",)
    alone = read(there=HERE[:1])
    assert distro.start_api(host(), alone, "r") is None
    assert distro.start_controllers(host(), alone, "r") is None


def starts(act: Exec | Script | None) -> tuple[str, ...]:
    """The units that an act starts without waiting for them: etcd's waits for a quorum."""
    assert isinstance(act, Exec)
    assert act.lets_go
    assert act.argv[:3] == ("systemctl", "start", "--no-block")
    return act.argv[3:]


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("A=b c # d", "b c # d"),
        ('A="b c" ', "b c"),
        ("A='b \"c\\'", 'b "c\\'),
        ('A=b"c"', 'b"c"'),
        ("A=\"b\" 'c'd", "bcd"),
        ("A=b \\\n  c", "b   c"),
        ('A="b\nc"', "b\nc"),
        ('A="b\\"c\\$d\\e"', 'b"c$d\\e'),
        ("A=b\\ c", "b c"),
        ("A=", ""),
        ("A=1\nA=2", "2"),
    ],
)
def test_a_line_of_an_environment_file(written: str, read_as: str) -> None:
    """As systemd 252 reads them: asked of it with `systemd-run -p EnvironmentFile=... env`."""
    assert parse_environment_file(f"# A=0\n ; A=0\nB-C=1\n{written}\n") == {"A": read_as}


def test_variables_in_a_command_line() -> None:
    unit = told(
        "/usr/bin/etcd", "$MANY", "--x=${ONE}", "${NONE}", "$NONE", "--y=$ONE", "$$ONE", environment='as 1 "ONE=a b"'
    )
    service = parse_service(unit, ["MANY=\"--a 'b c'\"\n"])
    assert service.argv == ("/usr/bin/etcd", "--a", "b c", "--x=a b", "", "--y=$ONE", "$ONE")


# --- API servers on hosts of their own ---------------------------------------------------------------------


def planned() -> dict[PhaseName, Phase]:
    """A restore of three masters without an API server, and of api-1 with one."""
    declared, views = builders.inventory(restart=Restart.NONE), builders.masters()
    alone = Host(name="api-1", role=Role.API, address="10.20.0.31", node="api-1")
    declared = declared.model_copy(update={"hosts": (*declared.hosts, alone)})
    tool = Tool(ToolPlace.HOST, "/usr/bin/etcdutl", "3.5.21")
    units = {"etcd.service": "active", "kube-apiserver.service": "not-found"}
    views = {name: altered(view, tools=(tool,), units=units, is_there=False, port=6443) for name, view in views.items()}
    views["api-1"] = altered(MasterView("api-1"), units=dict.fromkeys(HERE[1:], "active"), systemd=True)
    way = strategy_of("manual", snapshot_facts(), masters_of(declared, views, RUN), SYSTEMD, RUN)
    phases = Restore(declared, views, SYSTEMD, way, RUN, LAPTOP).phases()
    return {phase.name: phase for phase in phases}


def looked_at(probe: Probe | None) -> list[str]:
    assert probe is not None
    return [look.host for look in probe.looks]


def test_api_servers_elsewhere_are_down_before_the_data_is_touched() -> None:
    phases = planned()
    masters = ["master-1", "master-2", "master-3"]
    steps = [(phase.name, step.name) for phase in phases.values() for step in phase.steps if step.host == "api-1"]
    assert steps == [
        (PhaseName.STOP, "stop.hold"),
        (PhaseName.STOP, "stop.unit.kube-scheduler"),
        (PhaseName.STOP, "stop.unit.kube-apiserver"),
        (PhaseName.STOP, "stop.processes"),
        (PhaseName.API, "api.lift"),
        (PhaseName.API, "api.start"),
        (PhaseName.RELEASE, "release.start"),
        (PhaseName.RELEASE, "release.hold"),
    ]
    assert looked_at(phases[PhaseName.STOP].barrier) == [*masters, "api-1"] == looked_at(phases[PhaseName.DOWN].barrier)
    for name in (PhaseName.KEEP, PhaseName.COMMIT):
        assert looked_at(phases[name].requires) == [*masters, "api-1"]
    assert looked_at(phases[PhaseName.API].barrier) == ["api-1"], "the masters have none"
    assert {step.name for step in phases[PhaseName.API].steps if step.host in masters} == {"api.proven"}
