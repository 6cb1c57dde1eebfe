"""The route to a host: from the inventory first, then the operator's ssh_config, then the defaults.

asyncssh alone would follow a ProxyJump of the ssh_config, but with a new connection to the bastion for every host,
and with known hosts of its own choice. So the route, including bastions, is computed here.
"""

from __future__ import annotations

import getpass
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from asyncssh.config import ConfigParseError, SSHClientConfig

from orchestrator.core.inventory.inventory import Host, Inventory
from orchestrator.errors import UsageError, program

DEFAULT_PORT = 22
SYSTEM_CONFIG = Path("/etc/ssh/ssh_config")
SYSTEM_KNOWN_HOSTS = (Path("/etc/ssh/ssh_known_hosts"), Path("/etc/ssh/ssh_known_hosts2"))
_MOST_JUMPS = 8


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One sshd and how to log in to it. Equal endpoints share one connection.

    ``address`` is the host's name in the ssh_config; ``known_as`` is the name under which its host key is stored.
    Empty ``user`` and empty ``keys`` leave the choice to asyncssh; ``ciphers`` and ``host_key_algorithms`` are the
    ssh_config's, empty if it has none.
    """

    name: str = field(compare=False)
    address: str
    port: int
    user: str
    keys: tuple[str, ...]
    configs: tuple[str, ...]
    known_as: str
    known_hosts: tuple[Path, ...]
    host_key_algorithms: str
    ciphers: str
    pins: tuple[str, ...]
    via: Endpoint | None

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


def route(host: Host, inventory: Inventory) -> Endpoint:
    """Return the route to a host, through the inventory's bastions or else the ssh_config's. Raises UsageError."""
    via: Endpoint | None = None
    for bastion in inventory.jumps(host):
        via = _declared(bastion, via)
    return _declared(host, via)


def named(login: str) -> Endpoint:
    """Return the route to ``[USER@]HOST[:PORT]``, as the ssh_config defines it. Raises UsageError."""
    return _jump(login, _configs(None), None, ())


def _declared(host: Host, via: Endpoint | None) -> Endpoint:
    configs = _configs(host.config)
    port = host.port
    settings = _settings(configs, host.address, host.user, port)
    extra = tuple(Path(path).expanduser() for path in host.known_hosts)
    return Endpoint(
        name=host.name,
        address=host.address,
        port=port or cast(int, settings.get("Port", DEFAULT_PORT)),
        user=host.user or "",
        keys=(str(Path(host.key).expanduser()),) if host.key else _identity_files(settings),
        configs=configs,
        known_as=_known_as(settings, host.address),
        known_hosts=(*extra, *_known_hosts_files(settings)),
        host_key_algorithms=cast(str, settings.get("HostKeyAlgorithms", "")),
        ciphers=cast(str, settings.get("Ciphers", "")),
        pins=host.host_key,
        via=via or _proxy_jump(settings, configs, ()),
    )


def _jump(spec: str, configs: tuple[str, ...], via: Endpoint | None, seen: tuple[str, ...]) -> Endpoint:
    """Return a bastion that only the ssh_config names: ``[user@]host[:port]``, as in ssh_config(5), ProxyJump."""
    user, _, place = spec.removeprefix("ssh://").rpartition("@")
    address, port_text = place, ""
    if place.startswith("["):
        address, _, port_text = place[1:].partition("]")
        port_text = port_text.removeprefix(":")
    elif place.count(":") == 1:
        address, _, port_text = place.partition(":")
    port = int(port_text) if port_text else None
    settings = _settings(configs, address, user, port)
    return Endpoint(
        name=spec,
        address=address,
        port=port or cast(int, settings.get("Port", DEFAULT_PORT)),
        user=user,
        keys=_identity_files(settings),
        configs=configs,
        known_as=_known_as(settings, address),
        known_hosts=_known_hosts_files(settings),
        host_key_algorithms=cast(str, settings.get("HostKeyAlgorithms", "")),
        ciphers=cast(str, settings.get("Ciphers", "")),
        pins=(),
        via=via or _proxy_jump(settings, configs, (*seen, spec)),
    )


def _proxy_jump(settings: SSHClientConfig, configs: tuple[str, ...], seen: tuple[str, ...]) -> Endpoint | None:
    jumps = cast(str | None, settings.get("ProxyJump"))
    if not jumps or jumps.lower() == "none":
        return None
    if len(seen) >= _MOST_JUMPS:
        raise UsageError(
            f"the ProxyJumps of the ssh_config form a circle: {' -> '.join(seen)}",
            program("${EDITOR:-vi}", str(configs[0])),
        )
    via: Endpoint | None = None
    for spec in jumps.split(","):
        via = _jump(spec.strip(), configs, via, seen)
    return via


def _configs(declared: str | None) -> tuple[str, ...]:
    """Return the ssh_config files to read; if several set an option, the first one wins, as in OpenSSH."""
    if declared == "none":
        return ()
    if declared is not None:
        if not Path(declared).expanduser().is_file():
            raise UsageError(f"{declared}: ssh_config file does not exist; correct `config:` in the inventory")
        return (str(Path(declared).expanduser()),)
    own = Path("~/.ssh/config").expanduser()
    return tuple(str(path) for path in (own, SYSTEM_CONFIG) if path.is_file())


def _settings(configs: tuple[str, ...], address: str, user: str | None, port: int | None) -> SSHClientConfig:
    try:
        settings = SSHClientConfig.load(
            None, configs, False, False, False, getpass.getuser(), user or (), address, port or ()
        )
    except (ConfigParseError, OSError) as error:
        raise UsageError(f"cannot read the ssh_config: {error}; correct it, or set `config: none`") from error
    return cast(SSHClientConfig, settings)


def _known_as(settings: SSHClientConfig, address: str) -> str:
    return cast(str, settings.get("HostKeyAlias") or settings.get("Hostname", address))


def _identity_files(settings: SSHClientConfig) -> tuple[str, ...]:
    """Return the ssh_config's keys that exist: OpenSSH accepts a missing file, asyncssh does not."""
    files = cast(list[str], settings.get("IdentityFile", []))
    paths = (Path(file).expanduser() for file in files)
    return tuple(str(path) for path in paths if path.is_file())


def _known_hosts_files(settings: SSHClientConfig) -> tuple[Path, ...]:
    """Return the files that OpenSSH would read. ``none`` removes one; it never disables the check."""
    own = settings.get("UserKnownHostsFile", ["~/.ssh/known_hosts", "~/.ssh/known_hosts2"])
    everyones = settings.get("GlobalKnownHostsFile", [str(path) for path in SYSTEM_KNOWN_HOSTS])
    files = (*cast(list[str], own), *cast(list[str], everyones))
    return tuple(Path(file).expanduser() for file in files if file.lower() != "none")
