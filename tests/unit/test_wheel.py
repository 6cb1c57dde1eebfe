"""The wheel carries all that the program needs: built, installed elsewhere, and run from there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def run(*argv: object, cwd: Path) -> str:
    """Standard output of a program that must succeed; nothing of this checkout is on its path."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    ended = subprocess.run(
        [str(arg) for arg in argv], capture_output=True, text=True, cwd=cwd, env=environment, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (built,) = folder.glob("orchestrator-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel alone; its dependencies are those of this one, so that no network is needed.

    Paths in a .pth file are not searched for further .pth files: this checkout, installed as editable, stays out.
    """
    root = tmp_path_factory.mktemp("installed")
    venv.create(root, with_pip=False)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(root)}))
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    target = ("--target", packages, "--no-deps", "--no-index", "--quiet", "--disable-pip-version-check")
    run(sys.executable, "-m", "pip", "install", *target, wheel, cwd=root)
    return root


@pytest.fixture
def python(installed: Path) -> Path:
    return installed / "bin/python"


def test_the_wheel_carries_templates_and_inventories(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("templates", "inventories"):
        here = {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*") if path.is_file()}
        assert here
        assert {f"orchestrator/{name}" for name in here} <= names
    assert not [name for name in names if name.startswith(("tests/", "templates/")) or "__pycache__" in name]


def test_what_runs_is_what_was_installed(python: Path, tmp_path: Path) -> None:
    code = "import orchestrator; from orchestrator.adapters import templates; print(templates.folder('templates'))"
    folder = Path(run(python, "-c", code, cwd=tmp_path).strip())
    assert python.parents[1] in folder.parents
    assert not folder.is_relative_to(ROOT)


def test_templates_and_inventories_are_read_from_the_package(python: Path, tmp_path: Path) -> None:
    code = (
        "import json; from orchestrator.adapters.templates import folder, read_templates;"
        "from orchestrator.adapters.inventory_file import load_inventory;"
        "from orchestrator.core.scripts import Scripts;"
        "print(json.dumps([dict(Scripts(read_templates())),"
        " [load_inventory(path).cluster for path in sorted(folder('inventories').glob('kublr*.yml'))]]))"
    )
    scripts, clusters = json.loads(run(python, "-c", code, cwd=tmp_path))
    assert set(scripts) == {
        path.relative_to(ROOT / "templates/host").as_posix()
        for path in (ROOT / "templates/host").rglob("*.sh")
        if path.parent.name != "lib"
    }
    assert len(clusters) == len(list((ROOT / "inventories").glob("kublr*.yml")))


def test_the_command_answers_from_another_folder(python: Path, installed: Path, tmp_path: Path) -> None:
    for argv in ([python, "-m", "orchestrator"], [python, installed_command(installed)]):
        text = run(*argv, "--help", cwd=tmp_path)
        assert "restart-workers" in text
        schema = json.loads(run(*argv, "schema", "inventory", cwd=tmp_path))
        assert schema["title"] == "orchestrator inventory"


def installed_command(installed: Path) -> Path:
    """`pip install --target` puts console scripts into the folder bin of that target."""
    (command,) = installed.rglob("bin/orchestrator")
    return command
