"""Static pods' manifests, moved out of kubelet's sight and back: whole, once, and never over somebody else's."""

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


def test_they_go_and_come_back_one_by_one(host: FakeHost) -> None:
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


def test_nothing_is_moved_on_a_host_that_is_not_held(host: FakeHost) -> None:
    manifests, aside = folders(host)
    assert move(host, "out", *FILES).returncode == 3
    assert names(manifests) == {"kube-vip.yaml", *FILES}
    assert not aside.exists()


def test_what_was_put_there_meanwhile_stays(host: FakeHost) -> None:
    manifests, aside = folders(host)
    host.hold()
    assert move(host, "out", *FILES).returncode == 0
    (manifests / "etcd.yaml").write_text("somebody else's\n")
    assert move(host, "back", *FILES).returncode == 3
    assert (manifests / "etcd.yaml").read_text() == "somebody else's\n"
    assert (aside / "etcd.yaml").read_text() == "etcd.yaml\n"


def test_what_a_run_that_was_given_up_has_moved_goes_with_the_rest(host: FakeHost) -> None:
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
