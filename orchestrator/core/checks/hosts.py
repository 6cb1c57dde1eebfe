"""Checks of one host: its programs, services, runtime and clock."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.core.hosts.view import MasterView
from orchestrator.core.inventory.inventory import Host
from orchestrator.core.model.finding import Finding, Severity, block, warn

NEEDED_TOOLS = frozenset(
    (
        "base64",
        "cat",
        "cp",
        "date",
        "df",
        "find",
        "flock",
        "getent",
        "grep",
        "head",
        "mv",
        "setsid",
        "sha256sum",
    )
) | frozenset(("sleep", "stat", "sync", "systemctl", "tail", "timeout", "touch", "truncate"))
CLOCK_WARN_S, CLOCK_BLOCK_S = 1.0, 30.0


def host_is_usable(host: Host, view: MasterView) -> Iterator[Finding]:
    """Findings for what a restore needs on a master: programs, services, a correct clock."""
    yield from tools(host, view, NEEDED_TOOLS)
    if {"curl", "openssl"} <= view.machine.missing_tools:
        yield block("tools", host.name, "neither curl nor openssl is installed", "install one of the two")
    if not view.machine.systemd and view.machine.kills_user_processes:
        yield block(
            "logind",
            host.name,
            "logind kills a user's processes at logout (KillUserProcesses=yes): a step would die with the connection",
            "set KillUserProcesses=no in logind.conf and restart systemd-logind",
        )
    if view.machine.selinux_enforces:
        yield warn(
            "selinux",
            host.name,
            "SELinux is enforcing: restored files may get a label that etcd cannot read",
            "if a member does not start, run restorecon -R on its data volume",
        )
    if abs(view.machine.clock_offset_s) > CLOCK_WARN_S:
        apart = abs(view.machine.clock_offset_s)
        severity = Severity.BLOCK if apart > CLOCK_BLOCK_S else Severity.WARN
        yield Finding(
            name="clock",
            severity=severity,
            host=host.name,
            what=f"its clock differs from the laptop's by {apart:.0f} s",
            remedy="set the clock; certificates, leases and tokens depend on it",
            can_override=True,
        )


def api_is_known(host: Host, view: MasterView) -> Iterator[Finding]:
    """Findings for an API server that the run would not stop: it would write its cached objects into the new data."""
    if not view.api.is_there and view.api.port in view.machine.listens:
        yield block(
            "api-server",
            host.name,
            f"something listens on port {view.api.port}, but the unit {host.units.api_server} does not exist",
            "set `units.api_server` to the API server's unit; if it is not an API server: --override api-server",
            can_override=True,
        )


def tools(host: Host, view: MasterView, needed: frozenset[str]) -> Iterator[Finding]:
    """Blocks if a program is missing from the host's PATH."""
    if missing := sorted(needed & view.machine.missing_tools):
        yield block("tools", host.name, f"missing programs: {', '.join(missing)}", "install them")
