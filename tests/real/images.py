"""The images of the real lab: a host's, and those that its pods run, as one archive for `ctr images import`."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from tests.lab.commands import run
from tests.real.build import CACHE, Versions

HERE = Path(__file__).parent
LAB_FILES = HERE.parent / "lab"
HOST_IMAGE = "real-host"
_CONTROL_PLANE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
_CONTENTS = {"control-plane": ("kubernetes",), "etcd": ("etcd", "etcdctl", "etcdutl"), "pause": ("pause",)}
_SANDBOX = "registry.k8s.io/pause:3.10"  # what containerd's configuration names, whatever kubeadm wants


def build_host_image() -> None:
    """The machine that kubelet finds: Debian with systemd, OpenSSH and containerd."""
    run(["sh", str(LAB_FILES / "image.sh"), "host"])
    run(["docker", "build", "--network", "host", "-t", HOST_IMAGE, str(HERE / "host")])


def pod_images(versions: Versions, programs: Mapping[str, Path]) -> Path:
    """An archive with every image that kubeadm wants for these versions, under the names that it gives them."""
    recipes = sorted((HERE / "images").iterdir())
    parts = [str(path).encode() for path in programs.values()] + [path.read_bytes() for path in recipes]
    archive = CACHE / f"images-{sha256(b''.join(parts)).hexdigest()[:12]}.tar"
    if archive.exists():
        return archive
    print("real: building the pods' images", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        _fill(Path(folder), programs)
        tags = _build(Path(folder), image_names(versions, programs["kubernetes"]))
    part = archive.with_suffix(f".{os.getpid()}.part")
    run(["docker", "save", "--output", str(part), *tags])
    run(["docker", "image", "rm", *tags])
    part.rename(archive)
    return archive


def image_names(versions: Versions, kubernetes: Path) -> tuple[str, ...]:
    """What this kubeadm would pull, but for CoreDNS, which the lab does without."""
    listed = kubeadm(kubernetes, "config", "images", "list", "--kubernetes-version", f"v{versions.kubernetes}")
    names = [line for line in listed.split() if "/" in line and "coredns" not in line and "kube-proxy" not in line]
    return tuple(dict.fromkeys([*names, _SANDBOX]))


def kubeadm(kubernetes: Path, *arguments: str) -> str:
    """Runs kubeadm on this machine; it is one of the names of the one program."""
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / "kubeadm"
        link.symlink_to(kubernetes)
        return run([str(link), *arguments])


def _fill(folder: Path, programs: Mapping[str, Path]) -> None:
    """For each recipe a folder with what it copies."""
    for recipe, names in _CONTENTS.items():
        (folder / recipe).mkdir()
        for name in names:
            shutil.copy(programs[name], folder / recipe / name)
    for name in _CONTROL_PLANE:
        (folder / "control-plane" / name).symlink_to("kubernetes")


def _build(folder: Path, names: tuple[str, ...]) -> tuple[str, ...]:
    """Builds each recipe once, and gives it every name that asks for it."""
    built: dict[str, str] = {}
    for name in names:
        kind = name.rpartition("/")[2].partition(":")[0]
        recipe = "control-plane" if kind in _CONTROL_PLANE else kind
        if recipe in built:
            run(["docker", "tag", built[recipe], name])
            continue
        run(["docker", "build", "-t", name, "-f", str(HERE / "images" / f"{recipe}.Dockerfile"), str(folder / recipe)])
        built[recipe] = name
    return names
