"""Manifests of static pods move out of kubelet's folder and back: complete, once, never over a foreign file."""

from __future__ import annotations

from pathlib import Path

from tests.unit.templates.host import RUN, Ended, FakeHost

FILES = ("kube-apiserver.yaml", "etcd.yaml")


def folders(host: FakeHost) -> tuple[Path, Path]:
    manifests = host.root / "manifests"
    manifests.mkdir()
    for file in (*FILES, "kube-vip.yaml"):
        (manifests / file).write_text(f"{file}\n")
    return manifests, host.root / f"manifests.kr-{RUN}"


def move(host: FakeHost, verb: str, *files: str) -> Ended:
    return host.act(
        {"out": "stop/pods.sh", "back": "start/admit.sh"}[verb],
        manifests=host.root / "manifests",
        aside=host.root / f"manifests.kr-{RUN}",
        files=files,
    )


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def test_manifests_move_out_and_back_one_by_one(host: FakeHost) -> None:
    manifests, aside = folders(host)
    host.hold()
    for _ in range(2):
        assert move(host, "out", *FILES).returncode == 0
        assert (names(manifests), names(aside)) == ({"kube-vip.yaml"}, set(FILES))
    assert move(host, "back", "etcd.yaml").returncode == 0
    assert (names(manifests), names(aside)) == ({"kube-vip.yaml", "etcd.yaml"}, {"kube-apiserver.yaml"})
    for _ in range(2):
        assert move(host, "back", *FILES).returncode == 0
        assert names(manifests) == {"kube-vip.yaml", *FILES}
        assert not aside.exists()


def test_manifests_stay_on_host_without_hold(host: FakeHost) -> None:
    manifests, aside = folders(host)
    assert move(host, "out", *FILES).returncode == 3
    assert names(manifests) == {"kube-vip.yaml", *FILES}
    assert not aside.exists()


def test_newer_manifest_is_not_overwritten(host: FakeHost) -> None:
    manifests, aside = folders(host)
    host.hold()
    assert move(host, "out", *FILES).returncode == 0
    (manifests / "etcd.yaml").write_text("somebody else's\n")
    assert move(host, "back", *FILES).returncode == 3
    assert (manifests / "etcd.yaml").read_text() == "somebody else's\n"
    assert (aside / "etcd.yaml").read_text() == "etcd.yaml\n"


def test_manifests_moved_by_abandoned_run_are_taken_over(host: FakeHost) -> None:
    manifests, aside = folders(host)
    host.hold()
    given_up = host.root / "manifests.kr-20261121t020202z-0000"
    given_up.mkdir()
    (manifests / "etcd.yaml").rename(given_up / "etcd.yaml")
    assert move(host, "out", *FILES).returncode == 0
    assert (names(manifests), names(aside)) == ({"kube-vip.yaml"}, set(FILES))
    assert not given_up.exists()
    assert move(host, "back", *FILES).returncode == 0
    assert names(manifests) == {"kube-vip.yaml", *FILES}
