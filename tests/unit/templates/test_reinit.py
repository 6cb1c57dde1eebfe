"""The hosts' scripts ask etcd's pod to add a member again, and check that it did."""

from __future__ import annotations

from pathlib import Path

from tests.unit.templates.host import RUN, FakeHost


def order(host: FakeHost) -> Path:
    return host.root / "data/command"


def result(host: FakeHost) -> Path:
    return host.root / "data/command-result"


def ask(host: FakeHost) -> int:
    (host.root / "data").mkdir(exist_ok=True)
    return host.act("commit/reinit.sh", data=host.root / "data").returncode


def obeyed(host: FakeHost) -> tuple[int, str]:
    ended = host.look("commit/is_reinitialized.sh", state=host.state, run=RUN, data=host.root / "data")
    return ended.returncode, ended.stdout


def test_the_order_is_written_whole_and_nothing_else(host: FakeHost) -> None:
    assert obeyed(host) == (1, "not scheduled yet\n")
    assert ask(host) == 0
    assert order(host).read_text() == "reinitialize\n"
    assert [path.name for path in (host.root / "data").iterdir()] == ["command"]
    assert "still exists" in obeyed(host)[1]
    assert ask(host) == 0, "a later attempt finds its own order"


def test_it_is_done_when_a_new_result_is_there(host: FakeHost) -> None:
    (host.root / "data").mkdir()
    result(host).write_text("reinitialize: done\n")
    assert ask(host) == 0
    order(host).unlink()
    assert obeyed(host) == (1, f"the pod has left no new {result(host)}\n")
    result(host).write_text("reinitialize: done\n")
    assert obeyed(host) == (0, "")


def test_what_the_pod_says_of_a_failure_is_told(host: FakeHost) -> None:
    assert ask(host) == 0
    order(host).unlink()
    result(host).write_text("reinitialize: failed, no quorum\n")
    assert obeyed(host) == (1, "the pod says: reinitialize: failed, no quorum \n")
    assert ask(host) == 0, "a later attempt asks again"
    assert "still exists" in obeyed(host)[1]
    order(host).unlink()
    assert "no new" in obeyed(host)[1], "the old failure is not told as the new one"


def test_somebody_elses_order_stays(host: FakeHost) -> None:
    (host.root / "data").mkdir()
    for text in ("reinitialize\n", "something else\n"):
        order(host).write_text(text)
        assert ask(host) == 3
        assert order(host).read_text() == text


def test_while_it_is_waited_for_the_pods_log_is_told(host: FakeHost) -> None:
    host.program("docker", 'case $1 in ps) echo 4711 ;; logs) echo "leaving the cluster" ;; esac')
    assert ask(host) == 0
    assert obeyed(host)[1].endswith("or is carrying it out; its log: leaving the cluster\n")
    order(host).unlink()
    assert obeyed(host)[1] == f"the pod has left no new {result(host)}; its log: leaving the cluster\n"
    assert "ps --all --quiet --filter name=k8s_etcd_k8s-etcd-" in host.calls[0]
