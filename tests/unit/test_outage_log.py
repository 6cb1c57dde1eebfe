"""What the real lab's probe has logged, read: how long each API server was away, and what outlived its etcd."""

from __future__ import annotations

import json

import pytest

from tests.real.outage import read


def _sample(at: float, host: str, answer: str) -> dict[str, object]:
    return {"at": at + 0.02, "asked": at, "host": host, "readyz": answer}


def _change(at: float, change: str, process: str, pid: int) -> dict[str, object]:
    return {"at": at, "host": "m1", "process": process, "pid": pid, "change": change}


def _lines(*records: dict[str, object]) -> list[str]:
    return [json.dumps(record) + "\n" for record in records]


def test_outage_lasts_until_the_server_answers_for_good() -> None:
    answers = ["ok", "ConnectionRefusedError", "ok", "500", "ok", "ok"]
    summary = read(_lines(*(_sample(100 + number, "m1", answer) for number, answer in enumerate(answers))))
    assert summary.away == {"m1": pytest.approx(3.0)}
    assert list(summary.away_at["m1"]) == pytest.approx([1.0, 4.0])
    assert summary.failed == {"m1": pytest.approx(2.0)}


def test_none_answers_only_while_all_are_away() -> None:
    first = ["ok", "500", "500", "500", "ok"]
    second = ["ok", "ok", "500", "ok", "ok"]
    samples = [
        _sample(10 * number + offset, host, answers[number])
        for number in range(5)
        for offset, host, answers in ((0, "m1", first), (0.1, "m2", second))
    ]
    summary = read(_lines(*samples))
    assert summary.none == pytest.approx(10.0)
    assert summary.away == {"m1": pytest.approx(30.0), "m2": pytest.approx(10.0)}


def test_server_that_answers_always_was_never_away() -> None:
    summary = read(_lines(_sample(1, "m1", "ok"), _sample(2, "m1", "ok")))
    assert summary.away == {"m1": 0.0}
    assert "m1: never away" in summary.text()


def test_api_server_that_lives_beside_a_younger_etcd_lingers() -> None:
    summary = read(
        _lines(
            _sample(0, "m1", "ok"),
            _change(0.1, "started", "kube-apiserver", 10),
            _change(0.1, "started", "etcd", 11),
            _change(20, "ended", "etcd", 11),
            _change(30, "started", "etcd", 12),
            _change(40, "ended", "kube-apiserver", 10),
            _change(41, "started", "kube-apiserver", 13),
        )
    )
    (old,) = summary.lingering()
    assert old.pid == 10
    assert old.ended == pytest.approx(40)
    assert "LINGERS: m1 kube-apiserver pid 10" in summary.text()


def test_api_server_that_ends_before_etcd_starts_does_not_linger() -> None:
    summary = read(
        _lines(
            _sample(0, "m1", "ok"),
            _change(0.1, "started", "kube-apiserver", 10),
            _change(0.1, "started", "etcd", 11),
            _change(20, "ended", "kube-apiserver", 10),
            _change(21, "ended", "etcd", 11),
            _change(30, "started", "etcd", 12),
        )
    )
    assert summary.lingering() == ()


def test_api_server_that_starts_before_the_restored_etcd_does_not_linger() -> None:
    summary = read(
        _lines(
            _sample(0, "m1", "ok"),
            _change(0.1, "started", "etcd", 11),
            _change(20, "ended", "etcd", 11),
            _change(29, "started", "kube-apiserver", 13),
            _change(30, "started", "etcd", 12),
        )
    )
    assert summary.lingering() == ()


def test_old_processes_that_live_when_the_new_ones_start_outlive_the_stop() -> None:
    summary = read(
        _lines(
            _sample(0, "m1", "ok"),
            _change(0.1, "started", "kube-scheduler", 10),
            _change(0.1, "started", "etcd", 11),
            _change(0.1, "started", "kubelet", 12),
            _change(20, "ended", "etcd", 11),
            _change(26, "started", "etcd", 13),
            _change(30, "ended", "kube-scheduler", 10),
        )
    )
    assert {life.pid for life in summary.old_control_plane()} == {10, 11}
    assert [life.pid for life in summary.outlived(25)] == [10]


def test_outage_of_all_lasts_from_the_first_server_away_to_the_last_one_back() -> None:
    answers = {"m1": ("ok", "500", "ok", "ok"), "m2": ("ok", "ok", "500", "ok")}
    samples = [_sample(number, host, answer) for host, some in answers.items() for number, answer in enumerate(some)]
    assert read(_lines(*samples)).every_server_s == pytest.approx(2.0)
    assert read(_lines(_sample(0, "m1", "ok"))).every_server_s == 0.0


def test_line_that_was_cut_is_not_read() -> None:
    assert read([*_lines(_sample(1, "m1", "ok")), '{"at": 2, "ho']).away == {"m1": 0.0}
