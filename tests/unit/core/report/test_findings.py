"""What `check` prints, and how a command fails."""

from __future__ import annotations

from orchestrator.adapters.screen.report import check_json, print_error, print_findings
from orchestrator.core.model.finding import Finding, Severity
from orchestrator.errors import RefusedError, UsageError
from tests.unit.screens import Printed, assert_golden

HOSTS = ("master-1", "master-2", "master-3", "worker-1", "worker-2")
FINDINGS = (
    Finding(
        name="disk",
        severity=Severity.BLOCK,
        host="master-2",
        what="the disk under /mnt/master-pd has 210 MiB free; 1640 MiB are needed",
        remedy="free some space, or set `paths.state` to a larger disk",
    ),
    Finding(
        name="other-cluster",
        severity=Severity.BLOCK,
        what="the snapshot came from members a, b; the masters are etcd0, etcd1",
        remedy="take a snapshot of this cluster",
        can_override=True,
    ),
    Finding(
        name="quorum-healthy",
        severity=Severity.BLOCK,
        what="the cluster has a healthy quorum",
        remedy="for one bad member use `reinit HOST`; to restore anyway: --override quorum-healthy",
        can_override=True,
    ),
    Finding(name="clock", severity=Severity.WARN, host="worker-1", what="its clock is 3 s away", can_override=True),
    Finding(name="docker", severity=Severity.INFO, host="master-1", what="Docker 20.10 stops its containers"),
)


def test_whole_text(printed: Printed) -> None:
    assert_golden("findings-80.txt", printed(print_findings, FINDINGS, HOSTS))


def test_override_is_named_once_and_only_where_it_works(printed: Printed) -> None:
    text = printed(print_findings, FINDINGS, HOSTS, width=200)
    assert text.count("--override quorum-healthy") == 1
    assert text.count("--override other-cluster") == 1
    assert text.count("--override") == 2


def test_nothing_found(printed: Printed) -> None:
    assert printed(print_findings, (), HOSTS) == "0 blockers, 0 warnings; 5 of 5 hosts are fine.\n"
    assert printed(print_findings, ()) == "0 blockers, 0 warnings.\n"


def test_json() -> None:
    document = check_json(FINDINGS, HOSTS)
    assert (document["format"], document["kind"], document["ok"]) == (1, "check", False)
    assert document["findings"][0] == FINDINGS[0].model_dump(mode="json")
    assert check_json(FINDINGS[3:])["ok"] is True


def test_error_is_two_lines_however_narrow(printed: Printed) -> None:
    following = "orchestrator check -i " + "x" * 90
    error = RefusedError("master-1: " + "the data volume is not there " * 4)
    text = printed(print_error, error, following, width=40)
    assert text == f"error: {error.message.rstrip()}\nnext: {following}\n"


def test_error_keeps_the_list_of_an_inventorys_faults(printed: Printed) -> None:
    error = UsageError("a.yml has 2 faults:\n  a.yml:3:1 x: unknown key\n  a.yml:4:1 y: unknown key")
    assert printed(print_error, error, "vi +3 a.yml") == f"error: {error.message}\nnext: vi +3 a.yml\n"


def test_error_takes_texts_literally(printed: Printed) -> None:
    assert printed(print_error, RefusedError("[bold]x :warning:")) == "error: [bold]x :warning:\n"


def test_error_cannot_drive_the_terminal(printed: Printed) -> None:
    """A halted run's message ends with what a host printed."""
    text = printed(print_error, RefusedError("master-1: \x1b[2Jgone\x07\nnext line"), "x")
    assert text == "error: master-1: ?[2Jgone?\nnext line\nnext: x\n"
