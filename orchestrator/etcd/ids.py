"""Member ids and cluster ids: both follow from the peer URLs and the cluster token alone.

Ids are text, as in etcd's own output: lower-case hexadecimal without leading zeros.

Source: etcd v3.6.14 server/etcdserver/api/membership/{member,cluster}.go, client/pkg/types/{id,urlsmap}.go.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha1


@dataclass(frozen=True, slots=True)
class ClusterIds:
    """The ids of a new cluster, created by a restore or a bootstrap."""

    cluster: str
    members: Mapping[str, str]  # name -> id


def hex_id(number: int) -> str:
    """Format an unsigned 64-bit id as etcd writes it."""
    return f"{number:x}"


def member_id(peer_urls: Iterable[str], token: str) -> str:
    return hex_id(_first_8_bytes("".join(sorted(peer_urls)).encode() + token.encode()))


def cluster_id(member_ids: Iterable[str]) -> str:
    numbers = sorted(int(member, 16) for member in member_ids)
    return hex_id(_first_8_bytes(b"".join(number.to_bytes(8, "big") for number in numbers)))


def predict_ids(initial_cluster: Mapping[str, Iterable[str]], token: str) -> ClusterIds:
    """Predict the ids that `etcdutl snapshot restore` gives to these members (name -> peer URLs)."""
    members = {name: member_id(urls, token) for name, urls in initial_cluster.items()}
    return ClusterIds(cluster_id(members.values()), members)


def parse_initial_cluster(text: str) -> dict[str, tuple[str, ...]]:
    """Parse the flag's ``name=URL,name=URL`` into name -> peer URLs; a name may appear more than once.

    Raises ``ValueError`` if a part has no name or no URL.
    """
    found: dict[str, tuple[str, ...]] = {}
    for part in text.split(","):
        name, _, url = part.strip().partition("=")
        if not name or not url:
            raise ValueError(f"initial cluster {text!r}: {part!r} is not NAME=URL")
        found[name] = (*found.get(name, ()), url)
    return found


def _first_8_bytes(data: bytes) -> int:
    return int.from_bytes(sha1(data, usedforsecurity=False).digest()[:8], "big")
