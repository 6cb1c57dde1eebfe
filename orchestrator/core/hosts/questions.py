"""The values of a script that asks etcd's member on its own host."""

from __future__ import annotations

from orchestrator.core.hosts.view import EtcdConfig


def peer_values(etcd: EtcdConfig) -> dict[str, str]:
    """The values for questions on the peer port."""
    tls = etcd.peer_tls
    return {
        "peer_url": etcd.peer_url,
        "address": etcd.address,
        "peer_ca": tls.ca,
        "peer_cert": tls.cert,
        "peer_key": tls.key,
    }


def client_values(etcd: EtcdConfig) -> dict[str, str]:
    """The values for questions on the client port. The peers' certificate is tried if the server's is not valid for
    clients."""
    tls, peer = etcd.client_tls, etcd.peer_tls
    return {
        "client_url": etcd.client_url,
        "address": etcd.address,
        "client_ca": tls.ca,
        "client_cert": tls.cert,
        "client_key": tls.key,
        "peer_cert": peer.cert,
        "peer_key": peer.key,
    }
