"""The demo cluster's inventory, as its operator would write it."""

from __future__ import annotations

from textwrap import indent

from tests.demo.hosts import Host, Site

TEXT = """\
# The demo's cluster. {where}
format: 1
cluster: {cluster}
distribution: kublr

policies:
  volumes: none       # the demo has no persistent volumes
  workers: {{batch: 1, restart: {restart}}}

defaults:
  user: root
  port: {port}
  key: laptop/id_ed25519
  known_hosts: [laptop/known_hosts]
  config: none        # your own ~/.ssh/config is not read

masters:
  hosts:
{masters}

workers:
  hosts:
{workers}
"""

PATHS = {
    "state": "/var/lib/orchestrator",
    "kublr": "/opt/kublr/bin/kublr",
    "manifests": "/etc/kubernetes/manifests",
    "hosts": "/etc/hosts",
    "units": "/etc/systemd/system",
}


def inventory(cluster: str, site: Site) -> str:
    """Return the text of the inventory; paths on the laptop are relative to the site's folder."""
    where = "Each host has its own namespaces." if site.isolated else "Each host is a folder."
    return TEXT.format(
        where=where,
        cluster=cluster,
        restart="reboot" if site.isolated else "services",
        port=site.ssh_port,
        masters=indent("\n".join(_host(site, host) for host in site.hosts if host.member), "    "),
        workers=indent("\n".join(_host(site, host) for host in site.hosts if not host.member), "    "),
    )


def _host(site: Site, host: Host) -> str:
    if site.isolated:
        return f"{host.name}: {{address: {host.address}}}"
    lines = "".join(f"\n    {name}: {site.on_host(host, path)}" for name, path in PATHS.items())
    return f"{host.name}:\n  address: {host.address}\n  paths:{lines}"
