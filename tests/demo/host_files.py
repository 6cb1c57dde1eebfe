"""The files on a demo host before it is switched on for the first time."""

from __future__ import annotations

import json
import re
import shutil
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from tests.demo import hosts
from tests.demo.certificates import Authority
from tests.demo.hosts import INTERPRETER, PROGRAMS, STANDINS, Host, Site, host_path

DATA = "/mnt/master-pd/etcd"
CERTIFICATES = "/etc/kubernetes/pki"
API_PORT = 6443
TEMPLATES = hosts.HERE.parent / "lab" / "node"
KUBERNETES_OBJECTS = hosts.HERE.parent / "kubernetes_objects.py"

FOLDERS = ("/etc/ssh", "/opt/kublr/bin", PROGRAMS, "/root", "/run", "/var/lib", "/var/log", "/var/tmp")

# What the machine's own programs need in /etc: shared libraries, alternatives, TLS defaults.
MACHINE_SETTINGS = (
    "alternatives",
    "crypto-policies",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "os-release",
    "pki/tls/openssl.cnf",
    "ssl/openssl.cnf",
)

TEXTS = {
    "/etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "/etc/hosts": "127.0.0.1 localhost\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "/etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n",
    "/etc/systemd/system/docker.service": """\
        [Unit]
        Description=Docker (stand-in)
        Requires=docker.socket

        [Service]
        ExecStart={programs}/dockerd
        """,
    "/etc/systemd/system/docker.socket": """\
        [Unit]
        Description=Docker's socket (stand-in)

        [Socket]
        ListenStream=/run/docker.sock

        [Install]
        WantedBy=sockets.target
        """,
}

# Only on hosts that are folders; elsewhere the machine's own programs are used.
FOLDER_PROGRAMS = {
    "id": """\
        #!/bin/sh
        # Stand-in for id(1): the login of a host that is only a folder plays root.
        [ "$*" = -u ] || exec /usr/bin/id "$@"
        echo 0
        """,
    "systemd-run": """\
        #!/bin/sh
        # Stand-in for systemd-run(1), so that nothing asks this machine's systemd: the program runs detached.
        while case ${1-} in --*) ;; *) false ;; esac; do shift; done
        setsid "$@" </dev/null >/dev/null 2>&1 &
        """,
}


@dataclass(frozen=True, slots=True)
class Trust:
    """The trust in a demo cluster: the authority of its certificates and the operator's public key."""

    authority: Authority
    operator: asyncssh.SSHKey


def write_host_files(site: Site, host: Host, trust: Trust) -> str:
    """Fill the host's folder. Returns its SSH host key, as a line for known_hosts without the address."""
    for folder in FOLDERS:
        host_path(site, host, folder).mkdir(parents=True)
    host_path(site, host, DATA if host.member else "/mnt").mkdir(parents=True, mode=0o700)
    _settings(site, host)
    _programs(site, host)
    _cluster_files(site, host, trust.authority)
    if host.member:
        _images(site, host)
        _manifests(site, host)
    return _login(site, host, trust.operator)


def _write(site: Site, host: Host, path: str, text: str, mode: int = 0o644) -> None:
    target = host_path(site, host, path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(textwrap.dedent(text))
    target.chmod(mode)


def _settings(site: Site, host: Host) -> None:
    for name in MACHINE_SETTINGS:
        source, target = Path("/etc", name), host_path(site, host, f"/etc/{name}")
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True)
        elif source.exists():
            shutil.copy2(source, target, follow_symlinks=False)
    for path, text in TEXTS.items():
        _write(site, host, path, textwrap.dedent(text).format(programs=site.on_host(host, PROGRAMS)))
    _write(site, host, "/etc/hostname", f"{host.name}\n")


def _programs(site: Site, host: Host) -> None:
    for name in ("init.py", "sshd.py"):
        shutil.copy2(hosts.HERE / "host" / name, host_path(site, host, hosts.INIT).with_name(name))
    for name in ("kublr", "kubelet"):
        shutil.copy2(STANDINS / name, host_path(site, host, f"/opt/kublr/bin/{name}"))
    for name, source in (("systemctl", "systemctl"), ("docker", "docker"), ("dockerd", "docker")):
        path = f"/opt/demo/{name}"
        shutil.copy2(STANDINS / source, host_path(site, host, path))
        call = f'exec {INTERPRETER} -S -E {site.on_host(host, path)} "$@"'
        _write(site, host, f"{PROGRAMS}/{name}", f"#!/bin/sh\n{call}\n", 0o755)
    if not site.isolated:
        for name, text in FOLDER_PROGRAMS.items():
            _write(site, host, f"{PROGRAMS}/{name}", text, 0o755)
    for unit in TEMPLATES.glob("*.service"):
        text = unit.read_text().replace("/opt/", site.on_host(host, "/opt") + "/")
        _write(site, host, f"/etc/systemd/system/{unit.name}", text)


def _cluster_files(site: Site, host: Host, authority: Authority) -> None:
    servers = " ".join(f"{other.address}:{API_PORT}" for other in site.hosts if other.member)
    _write(site, host, "/etc/kublr/standin.conf", f'apiservers="{servers}"\n')
    _write(site, host, "/etc/kublr/daemon.yaml", f"etcd_storage:\n  path: {site.on_host(host, DATA)}\n")
    host_path(site, host, "/etc/kubernetes/manifests").mkdir(parents=True)
    host_path(site, host, f"{CERTIFICATES}/etcd").mkdir(parents=True)
    for folder in (CERTIFICATES, f"{CERTIFICATES}/etcd"):
        host_path(site, host, f"{folder}/ca.crt").write_bytes(authority.pem)
    if host.member:
        names = (f"{host.member}.kublr.local", host.name, "localhost", host.address, "127.0.0.1")
        for stem in ("apiserver", "etcd/server", "etcd/peer", "etcd/client"):
            authority.issue(host_path(site, host, f"{CERTIFICATES}/{stem}"), names)


def _images(site: Site, host: Host) -> None:
    folder = "/var/lib/docker/images/etcd_3.5.1"
    programs = host_path(site, host, f"{folder}/bin")
    programs.mkdir(parents=True)
    shutil.copy2(STANDINS / "etcd-pod", programs)
    for name in ("etcd", "etcdctl", "etcdutl"):
        (programs / name).symlink_to(hosts.ETCD_PROGRAMS / name)
    image: Mapping[str, object] = {
        "entrypoint": ["/usr/local/bin/etcd-pod"],
        "mounts": {"/usr/local/bin": site.on_host(host, f"{folder}/bin")},
        "shows": [str(hosts.ETCD_PROGRAMS)],
    }
    _write(site, host, f"{folder}/image.json", json.dumps(image))

    folder = "/var/lib/docker/images/kube-apiserver_standin"
    host_path(site, host, folder).mkdir()
    for source in (STANDINS / "apiserver.py", KUBERNETES_OBJECTS):
        shutil.copy2(source, host_path(site, host, folder))
    # A stop looks for processes by the name of their program.
    (host_path(site, host, folder) / "kube-apiserver").symlink_to(INTERPRETER)
    place = site.on_host(host, folder)
    image = {
        "entrypoint": [f"{place}/kube-apiserver", "-S", f"{place}/apiserver.py"],
        "mounts": {},
        "shows": [place, *hosts.visible_paths()],
    }
    _write(site, host, f"{folder}/image.json", json.dumps(image))


def _manifests(site: Site, host: Host) -> None:
    masters = [other for other in site.hosts if other.member]
    aliases = "\n".join(
        f"  - ip: {other.address}\n    hostnames:\n    - {other.member}.kublr.local" for other in masters
    )
    peers = ",".join(f"{other.member}=https://{site.peer_name(other)}:2380" for other in masters)
    values = {
        "@HOST_ALIASES@": aliases,
        "https://@MEMBER@.kublr.local": f"https://{site.peer_name(host)}",
        "@INITIAL_CLUSTER@": peers,
        "@ADDRESS@": host.address,
        "@MEMBER@": host.member,
        "@HOST@": host.name,
        "kublr-lab": "kublr-demo",
    }
    for template in TEMPLATES.glob("*.manifest"):
        text = template.read_text()
        for name, value in values.items():
            text = text.replace(name, value)
        _write(
            site,
            host,
            f"/etc/kubernetes/manifests/{template.name}",
            text if site.isolated else _without_mounts(site, host, text),
        )


def _without_mounts(site: Site, host: Host, manifest: str) -> str:
    """Return the manifest for hosts that cannot mount: with the paths and addresses of the host's processes."""
    mounted = {"/var/lib/etcd": DATA, "/etc/etcd/pki": f"{CERTIFICATES}/etcd"}
    for inside, outside in mounted.items():
        manifest = manifest.replace(inside, outside)
    manifest = re.sub(r"0\.0\.0\.0|127\.0\.0\.1", host.address, manifest)
    return re.sub(r"(?<= )/(?:etc|mnt)/\S+", lambda path: site.on_host(host, path[0]), manifest)


def _login(site: Site, host: Host, operator: asyncssh.SSHKey) -> str:
    host_key = asyncssh.generate_private_key("ssh-ed25519")
    host_key.write_private_key(str(host_path(site, host, "/etc/ssh/ssh_host_ed25519_key")))
    _write(site, host, "/root/.ssh/authorized_keys", operator.export_public_key().decode(), 0o600)
    return host_key.export_public_key().decode().strip()
