"""LAYOUT=kublr: the units, paths and names of the vendor's page, with real kubelets, API servers and controllers.

Stand-ins are the agent, etcd's start-up script (tests/standins) and Docker, whose name a real containerd bears: no
kubelet of today speaks to Docker. kubeadm only makes certificates, kubeconfigs and the API servers' manifests.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import yaml

from tests.lab.commands import each, run, wait
from tests.lab.hosts import DATA, Host
from tests.real.build import Versions, programs
from tests.real.hosts import ENDPOINT, HOSTS, MASTERS, PATIENCE_S, REPOSITORY, WORKERS, Machines, say
from tests.real.kubeadm import import_images, kubelet_configuration

DISTRIBUTION = "kublr"
ETCD_PKI = "/etc/kubernetes/pki/etcd"
ETCD_CLIENT = "client"
ADMIN = "/etc/kubernetes/super-admin.conf"
HERE = Path(__file__).parent
STANDINS = REPOSITORY / "tests" / "standins"
LAB_FILES = REPOSITORY / "tests" / "lab"
MEMBERS = dict(zip(MASTERS, ("etcd1", "etcd2", "etcd0"), strict=True))
"""A member's number is not its host's, on purpose."""
_MANIFESTS = "/etc/kubernetes/manifests"
_CONFIG = "/root/kubeadm.yaml"
_API = "kubeadm.k8s.io/v1beta4"
_SHARED = tuple(
    f"/etc/kubernetes/pki/{name}"
    for pair in ("ca.crt ca.key", "front-proxy-ca.crt front-proxy-ca.key", "etcd/ca.crt etcd/ca.key", "sa.key sa.pub")
    for name in pair.split()
)
_UNITS = f"""set -eu
systemctl disable --quiet --now kubelet containerd 2>/dev/null
rm -rf /etc/systemd/system/kubelet.service* /etc/systemd/system/containerd.service
systemctl mask --quiet containerd
mkdir -p {_MANIFESTS} && chmod 700 {_MANIFESTS}
systemctl daemon-reload
systemctl reset-failed
systemctl start docker
"""
_CLIENT = f"cd {ETCD_PKI} && for end in crt key; do cp healthcheck-client.$end client.$end; done"
_RENAME = f"""set -eu
cd {_MANIFESTS}
for file in kube-*.yaml; do
    sed "s/^  name: kube-/  name: k8s-kube-/" "$file" >"${{file%.yaml}}.manifest"
    rm "$file"
done
chmod 600 *.manifest
"""


def bring_up(machines: Machines, versions: Versions, images: Path) -> None:
    """From booted hosts to a cluster whose nodes are registered."""
    image = f"kublr.local/etcd:{versions.etcd}"
    with tempfile.TemporaryDirectory() as folder:
        etcd = _etcd_image(Path(folder), versions, image)
        say("installing units, and the pods' images on every host")
        each(HOSTS, lambda host: _furnish(machines, host, versions))
        each(HOSTS, lambda host: import_images(machines, host, images))
        each(MASTERS, lambda host: import_images(machines, host, etcd))
    first = MASTERS[0]
    say("making certificates and manifests")
    _certify(machines, versions, first)
    shared = {path: machines.read(first.name, path) for path in _SHARED}
    for master in MASTERS[1:]:
        for path, content in shared.items():
            machines.write(master.name, path, content)
    each(MASTERS[1:], lambda host: _certify(machines, versions, host))
    for worker in WORKERS:
        _certify_worker(machines, versions, worker)
    each(MASTERS, lambda host: machines.write(host.name, f"{_MANIFESTS}/etcd.manifest", _etcd(machines, host, image)))
    say("starting the agent on every host")
    each(HOSTS, lambda host: machines.exec(host.name, ["systemctl", "enable", "--quiet", "--now", "kublr"]))
    each(MASTERS, lambda host: _wait_registered(machines, host))


def _furnish(machines: Machines, host: Host, versions: Versions) -> None:
    """What Kublr's installer leaves on a host, and the stand-ins."""
    for name in ("docker.service", "docker.socket", "kublr-kubelet.service"):
        machines.write(host.name, f"/etc/systemd/system/{name}", (HERE / name).read_bytes(), "644")
    machines.write(
        host.name, "/etc/systemd/system/kublr.service", (LAB_FILES / "node" / "kublr.service").read_bytes(), "644"
    )
    machines.write(host.name, "/usr/local/lib/real/end-containers.sh", (HERE / "end-containers.sh").read_bytes())
    machines.write(host.name, "/usr/local/bin/docker", (HERE / "docker").read_bytes(), "755")
    machines.write(host.name, "/opt/kublr/bin/kublr", (STANDINS / "kublr").read_bytes(), "755")
    machines.write(host.name, "/etc/kublr/standin.conf", "")
    machines.write(host.name, "/etc/kublr/kubelet.yaml", yaml.safe_dump(_kubelet(versions, host)))
    if host in MASTERS:
        machines.write(host.name, "/etc/kublr/daemon.yaml", f"etcd_storage:\n  path: {DATA}\n")
        machines.exec(host.name, ["mkdir", "-p", "-m", "0700", DATA])
    machines.shell(host.name, _UNITS)


def _kubelet(versions: Versions, host: Host) -> dict[str, Any]:
    """kubelet's configuration, with what kubeadm would have filled in."""
    taint = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
    return {
        **kubelet_configuration(versions),
        "authentication": {"x509": {"clientCAFile": "/etc/kubernetes/pki/ca.crt"}, "anonymous": {"enabled": False}},
        "authorization": {"mode": "Webhook"},
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        "staticPodPath": _MANIFESTS,
        "registerWithTaints": [taint] if host in MASTERS else [],
    }


def _certify(machines: Machines, versions: Versions, master: Host) -> None:
    """Certificates, kubeconfigs and the manifests of the control plane, as kubeadm makes them for this master."""
    machines.write(master.name, _CONFIG, yaml.safe_dump_all(_documents(machines, versions, master)))
    for phase in ("certs", "kubeconfig", "control-plane"):
        machines.exec(master.name, ["kubeadm", "init", "phase", phase, "all", "--config", _CONFIG])
    machines.shell(master.name, f"rm {_CONFIG}; {_CLIENT}")
    machines.shell(master.name, _RENAME)


def _certify_worker(machines: Machines, versions: Versions, worker: Host) -> None:
    """A kubeconfig for its kubelet, made on the first master."""
    first = MASTERS[0].name
    documents = _documents(machines, versions, worker, advertise=MASTERS[0])
    machines.write(first, _CONFIG, yaml.safe_dump_all(documents))
    folder = f"/root/{worker.name}"
    phase = ["kubeadm", "init", "phase", "kubeconfig", "kubelet", "--config", _CONFIG, "--kubeconfig-dir", folder]
    machines.exec(first, phase)
    machines.write(worker.name, "/etc/kubernetes/kubelet.conf", machines.read(first, f"{folder}/kubelet.conf"))
    machines.write(worker.name, "/etc/kubernetes/pki/ca.crt", machines.read(first, "/etc/kubernetes/pki/ca.crt"))
    machines.shell(first, f"rm -r {folder} {_CONFIG}")


def _documents(
    machines: Machines, versions: Versions, host: Host, advertise: Host | None = None
) -> list[dict[str, Any]]:
    addresses = machines.addresses
    member = f"{MEMBERS[host]}.kublr.local" if host in MEMBERS else ""
    names = {"serverCertSANs": [member], "peerCertSANs": [member]} if member else {}
    return [
        {
            "apiVersion": _API,
            "kind": "InitConfiguration",
            "localAPIEndpoint": {"advertiseAddress": addresses[(advertise or host).name]},
            "nodeRegistration": {"name": host.name, "criSocket": "unix:///run/containerd/containerd.sock"},
        },
        {
            "apiVersion": _API,
            "kind": "ClusterConfiguration",
            "kubernetesVersion": f"v{versions.kubernetes}",
            # A master's kubelet asks its own API server, a worker's the first.
            "controlPlaneEndpoint": f"{addresses[(advertise or host).name]}:6443",
            "apiServer": {"certSANs": [ENDPOINT, *addresses.values()]},
            "etcd": {"local": {"dataDir": DATA, **names}},
            "networking": {"podSubnet": "10.88.0.0/16"},
        },
    ]


def _etcd(machines: Machines, master: Host, image: str) -> str:
    """The manifest of etcd, as in the lab of stand-ins, with this image."""
    members = {host: f"{name}.kublr.local" for host, name in MEMBERS.items()}
    values = {
        "ADDRESS": machines.addresses[master.name],
        "MEMBER": MEMBERS[master],
        "INITIAL_CLUSTER": ",".join(f"{MEMBERS[host]}=https://{name}:2380" for host, name in members.items()),
        "HOST_ALIASES": "\n".join(
            f"  - ip: {machines.addresses[host.name]}\n    hostnames:\n    - {name}" for host, name in members.items()
        ),
    }
    text = (LAB_FILES / "node" / "etcd.manifest").read_text().replace("image: etcd:3.5.1", f"image: {image}")
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


def _etcd_image(folder: Path, versions: Versions, name: str) -> Path:
    """An archive of the image: etcd, busybox and the stand-in of Kublr's start-up script."""
    built = programs(versions)
    context = folder / "context"
    context.mkdir()
    for program in ("etcd", "etcdctl", "etcdutl"):
        (context / program).write_bytes(built[program].path.read_bytes())
        (context / program).chmod(0o755)
    (context / "etcd-pod").write_bytes((STANDINS / "etcd-pod").read_bytes())
    (context / "etcd-pod").chmod(0o755)
    recipe = str(LAB_FILES / "images" / "etcd.Dockerfile")
    run(["docker", "build", "--build-arg", "BASE=lab-host", "-t", name, "-f", recipe, str(context)])
    archive = folder / "etcd.tar"
    run(["docker", "save", "--output", str(archive), name])
    run(["docker", "image", "rm", name])
    return archive


def _wait_registered(machines: Machines, master: Host) -> None:
    """Until this master's API server is up and has its Node."""
    get = ["kubectl", "--kubeconfig", ADMIN, "get", "node", master.name]
    wait(lambda: machines.succeeds(master.name, get), f"node of {master.name}", PATIENCE_S)
