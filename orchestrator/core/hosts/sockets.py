"""Listening sockets as the kernel lists them in /proc/net/tcp and tcp6."""

from __future__ import annotations

import ipaddress


def socket_pattern(addresses: frozenset[str], ports: tuple[int, ...]) -> str:
    """A pattern for the local column of /proc/net/tcp and tcp6: these addresses, or all, with these ports."""
    wanted = {"0" * 8, "0" * 32}
    for address in addresses:
        wanted.add(_kernel_hex(address))
        if "." in address:
            wanted.add(_kernel_hex(f"::ffff:{address}"))
    return "|".join(f"{address}:{port:04X}" for address in sorted(wanted) for port in sorted(set(ports)))


def _kernel_hex(address: str) -> str:
    """An address as /proc/net/tcp prints it: 32-bit words, each with its bytes reversed (little-endian)."""
    packed = ipaddress.ip_address(address).packed
    return "".join(packed[start : start + 4][::-1].hex().upper() for start in range(0, len(packed), 4))
