"""A host's own settings override its group's, and those override the defaults, key by key."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.adapters.inventory_file import load_inventory
from orchestrator.adapters.yaml import read_yaml
from orchestrator.core.inventory.declared import Sudo, WorkerPolicy
from orchestrator.core.inventory.inventory import Host, Inventory, Role
from orchestrator.core.inventory.parser import parse_inventory
from orchestrator.distros import DISTROS
from orchestrator.errors import UsageError

_NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,8}", fullmatch=True).filter(lambda name: name != "none")
_HOST_PATHS = st.lists(_NAMES, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))
_UNITS = st.fixed_dictionaries({}, optional={"kublr": _NAMES, "kubelet": _NAMES, "runtime": _NAMES})
_PATHS = st.fixed_dictionaries({}, optional={"state": _HOST_PATHS, "data": _HOST_PATHS, "hosts": _HOST_PATHS})
_SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "port": st.integers(1, 65535),
        "user": _NAMES,
        "key": _HOST_PATHS,
        "jump": st.just("gate"),
        "sudo": st.sampled_from([sudo.value for sudo in Sudo]),
        "host_key": st.lists(st.just("SHA256:" + "a" * 43), max_size=2),
        "known_hosts": st.lists(_HOST_PATHS, max_size=2),
        "config": st.sampled_from(["none", "/etc/ssh/other_config"]),
        "units": _UNITS,
        "paths": _PATHS,
    },
)


@st.composite
def _documents(draw: st.DrawFn) -> dict[str, Any]:
    """A whole document: one to five masters, sometimes workers, and the bastion that any host may use."""
    names = draw(st.lists(_NAMES.filter(lambda name: name != "gate"), min_size=1, max_size=8, unique=True))
    hosts = {name: {"address": f"10.0.0.{number}"} | draw(_SETTINGS) for number, name in enumerate(names, start=1)}
    masters, workers = names[:5], names[5:]
    document: dict[str, Any] = {
        "format": 1,
        "cluster": draw(_NAMES),
        "distribution": draw(st.sampled_from(sorted(DISTROS))),
        "defaults": draw(_SETTINGS),
        "masters": {"settings": draw(_SETTINGS), "hosts": {name: hosts[name] for name in masters}},
        "bastions": {"hosts": {"gate": {"address": "gate.example", "jump": "none"}}},
    }
    if workers:
        document["workers"] = {"hosts": {name: hosts[name] for name in workers}}
    return document


def _expected(document: dict[str, Any], group: str, name: str, key: str, below: str | None = None) -> Any:
    """Return the value of the last layer that has the setting: the simplest specification."""
    layers = [
        document["defaults"],
        document[group].get("settings", {}),
        document[group]["hosts"][name],
    ]
    if below is not None:
        layers = [layer.get(key, {}) for layer in layers]
    written = [layer[below or key] for layer in layers if (below or key) in layer]
    return written[-1] if written else None


@given(_documents())
def test_every_setting_comes_from_nearest_layer(document: dict[str, Any]) -> None:
    inventory = parse_inventory(read_yaml(yaml.safe_dump(document)), "any.yml", DISTROS)
    for group, hosts in (("masters", inventory.masters), ("workers", inventory.workers)):
        assert [host.name for host in hosts] == sorted(document.get(group, {}).get("hosts", {}))
        for host in hosts:
            _assert_resolved(document, group, host)


def _assert_resolved(document: dict[str, Any], group: str, host: Host) -> None:
    for key in ("port", "user", "key", "jump", "config"):
        assert getattr(host, key) == _expected(document, group, host.name, key)
    assert host.sudo == (_expected(document, group, host.name, "sudo") or Sudo.AUTO)
    for key in ("host_key", "known_hosts"):
        assert list(getattr(host, key)) == (_expected(document, group, host.name, key) or [])
    for key in ("units", "paths"):
        resolved = getattr(host, key)
        for below, default in type(resolved)().model_dump().items():
            if key == "units":
                default = DISTROS[document["distribution"]].default_units.get(below, default)
            assert getattr(resolved, below) == (_expected(document, group, host.name, key, below) or default)


@given(_documents())
def test_inventory_survives_json_round_trip(document: dict[str, Any]) -> None:
    inventory = parse_inventory(read_yaml(yaml.safe_dump(document)), "any.yml", DISTROS)
    assert Inventory.model_validate_json(inventory.model_dump_json()) == inventory


def test_absent_settings_stay_unset(tmp_path: Path) -> None:
    file = tmp_path / "least.yml"
    file.write_text("format: 1\ncluster: c\ndistribution: kublr\nmasters: {hosts: {m1: {address: m1}}}\n")
    inventory = load_inventory(file)
    host = inventory.host("m1")
    assert (host.port, host.user, host.key, host.jump, host.config) == (None,) * 5
    assert (host.paths.data, host.paths.certificates) == (None, None)
    assert host.node == "m1"
    assert inventory.policies.volumes is None
    assert inventory.policies.workers == WorkerPolicy(batch=1, max_failures=0, ready_timeout_s=600)


def test_anchors_and_merge_keys(tmp_path: Path) -> None:
    file = tmp_path / "merge.yml"
    file.write_text(
        "format: 1\ncluster: c\ndistribution: kublr\n"
        "masters:\n"
        "  hosts:\n"
        "    m1: &first {address: m1, user: ops, port: 2222}\n"
        "    m2: {<<: *first, address: m2}\n"
        "    m3: {<<: [{user: root}, *first], address: m3}\n"
    )
    shown = [(host.address, host.user, host.port) for host in load_inventory(file).hosts]
    assert shown == [("m1", "ops", 2222), ("m2", "ops", 2222), ("m3", "root", 2222)]


def test_quoted_yaml_traps_are_text(tmp_path: Path) -> None:
    file = tmp_path / "quoted.yml"
    file.write_text(
        'format: 1\ncluster: "no"\ndistribution: kublr\nmasters: {hosts: {"022": {address: m1, user: "1.10"}}}\n'
    )
    inventory = load_inventory(file)
    assert (inventory.cluster, inventory.hosts[0].name, inventory.hosts[0].user) == ("no", "022", "1.10")


def test_relative_laptop_paths_start_at_folder_of_inventory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ops")
    file = tmp_path / "deep" / "prod.yml"
    file.parent.mkdir()
    file.write_text(
        "format: 1\ncluster: c\ndistribution: kublr\n"
        "defaults: {key: ~/.ssh/id, known_hosts: [../known, /etc/known], config: none}\n"
        "masters: {hosts: {m1: {address: m1}, m2: {address: m2, config: ssh_config}}}\n"
    )
    first, second = load_inventory(file).masters
    assert first.key == "/home/ops/.ssh/id"
    assert first.known_hosts == (f"{tmp_path}/known", "/etc/known")
    assert (first.config, second.config) == ("none", f"{tmp_path}/deep/ssh_config")


def test_jumps_go_from_outer_to_inner_bastion(tmp_path: Path) -> None:
    file = tmp_path / "bastions.yml"
    file.write_text(
        "format: 1\ncluster: c\ndistribution: kublr\ndefaults: {jump: inner}\n"
        "masters: {hosts: {m1: {address: m1}, m2: {address: m2, jump: none}}}\n"
        "bastions: {hosts: {outer: {address: o, jump: none}, inner: {address: i, jump: outer}}}\n"
    )
    inventory = load_inventory(file)
    first, second = inventory.masters
    assert [host.name for host in inventory.jumps(first)] == ["outer", "inner"]
    assert inventory.jumps(second) == ()
    assert [host.role for host in inventory.hosts] == [Role.MASTER] * 2 + [Role.BASTION] * 2


def test_unknown_host_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "least.yml"
    file.write_text("format: 1\ncluster: c\ndistribution: kublr\nmasters: {hosts: {m1: {address: m1}}}\n")
    with pytest.raises(UsageError, match=r"^m2 is not a host of c; known: m1$"):
        load_inventory(file).host("m2")


@pytest.mark.parametrize(
    ("batch", "workers", "size"),
    [(1, 9, 1), (4, 2, 4), ("25%", 8, 2), ("25%", 7, 1), ("25%", 3, 1), ("100%", 7, 7), ("1%", 99, 1)],
)
def test_batch_size(batch: int | str, workers: int, size: int) -> None:
    assert WorkerPolicy(batch=batch).batch_size(workers) == size
