"""Every fault of an inventory is reported at once, each at its line and column, with what was probably meant."""

from pathlib import Path

import pytest

from orchestrator.adapters.inventory_file import load_inventory
from orchestrator.errors import UsageError, program
from tests.unit.core.inventory.faults_table import CASES, GOOD, Case


def _text(case: Case) -> str:
    if not case.line:
        return case.text
    lines = GOOD.splitlines()
    lines[case.line - 1] = case.text
    return "\n".join(lines) + "\n"


def _error_of(path: Path) -> UsageError:
    with pytest.raises(UsageError) as caught:
        load_inventory(path)
    return caught.value


def test_good_document_has_no_fault(tmp_path: Path) -> None:
    file = tmp_path / "good.yml"
    file.write_text(GOOD)
    assert [host.name for host in load_inventory(file).hosts] == ["m1", "m2", "w1", "b1"]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_fault_is_reported_at_its_place(case: Case, tmp_path: Path) -> None:
    file = tmp_path / "prod.yml"
    file.write_text(_text(case))
    error = _error_of(file)
    head = [] if len(case.faults) == 1 else [f"{file} has {len(case.faults)} faults:"]
    indent = "  " if head else ""
    assert error.message.splitlines() == [*head, *(f"{indent}{file}:{fault}" for fault in case.faults)]
    assert error.next_step == program("${EDITOR:-vi}", f"+{case.faults[0].partition(':')[0]}", str(file))
    assert error.exit_code == 64


def test_file_that_is_not_utf_8(tmp_path: Path) -> None:
    file = tmp_path / "latin.yml"
    file.write_bytes("format: 1\ncluster: m\xfcnchen\n".encode("latin-1"))
    assert _error_of(file).message == f"{file}:2:11 not UTF-8: save the file as UTF-8"


def test_missing_file(tmp_path: Path) -> None:
    error = _error_of(tmp_path / "none.yml")
    assert error.message == f"cannot read the inventory {tmp_path}/none.yml: No such file or directory"
    assert error.next_step == program("ls", "-l", f"{tmp_path}/none.yml")


def test_folder_instead_of_file(tmp_path: Path) -> None:
    assert _error_of(tmp_path).message == f"cannot read the inventory {tmp_path}: Is a directory"


def test_snapshot_given_by_mistake(tmp_path: Path) -> None:
    file = tmp_path / "snapshot.db"
    with file.open("wb") as stream:
        stream.truncate(5 << 20)
    assert _error_of(file).message == f"{file} is too large for an inventory: name a YAML file with -i"


def test_home_folder_of_unknown_user(tmp_path: Path) -> None:
    file = tmp_path / "prod.yml"
    file.write_text(GOOD.replace("user: ops", "key: ~nobody-of-that-name/key"))
    message = "~nobody-of-that-name/key: home folder does not exist; write the full path in the inventory"
    assert _error_of(file).message == message
