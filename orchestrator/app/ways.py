"""Examines, before a plan is made, how masters can send files to each other. Changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from orchestrator.app.cluster import Cluster
from orchestrator.core.hosts.network import ssh_places
from orchestrator.core.hosts.view import MasterView
from orchestrator.core.model.plan import Script
from orchestrator.core.transfer.relay import Relay, key_kind, parse_ways, relay_of


async def find_relay(cluster: Cluster, views: Mapping[str, MasterView]) -> Relay:
    """Ask every master for its programs, and for the host keys that the others show it. A master that does not answer
    sends nothing to others; that does not prevent a plan."""
    cluster.reporter.note("checking connections between masters")
    masters = cluster.inventory.masters
    keys = {host.name: cluster.public_key(host.name) for host in masters}
    places = {host.name: ssh_places(host, views[host.name], cluster.ssh_port(host.name)) for host in masters}
    asked = {
        host.name: tuple(
            word
            for other in masters
            if other.name != host.name and keys[other.name]
            for address, port in places[other.name]
            for word in (other.name, address, str(port), key_kind(keys[other.name]))
        )
        for host in masters
    }
    scripts = {name: Script(file="observe/transfer.sh", values={"peers": words}) for name, words in asked.items()}
    answers = await asyncio.gather(*(cluster.look(name, script) for name, script in scripts.items()))
    ways = {name: parse_ways(answer.text) for name, answer in zip(asked, answers, strict=True)}
    return relay_of(ways, places, keys)
