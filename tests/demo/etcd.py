"""A demo member as the laptop sees it: etcd's JSON gateway over TLS.

Keys and values are base64, 64-bit numbers are strings. Source: etcd api/etcdserverpb/rpc.proto@v3.5.1.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from collections.abc import Mapping
from typing import Any

PORT = 2379
PEER_PORT = 2380
TIMEOUT_S = 5.0
OPERATIONS_PER_TXN = 128  # etcd's default --max-txn-ops


class SilentError(Exception):
    """The member does not answer: no process or no quorum."""


class Member:
    """One member's client port."""

    def __init__(self, address: str, context: ssl.SSLContext) -> None:
        self._address = address
        self._context = context

    def call(self, path: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Send one request. Raises SilentError."""
        connection = http.client.HTTPSConnection(self._address, PORT, timeout=TIMEOUT_S, context=self._context)
        try:
            connection.request("POST", path, json.dumps(request))
            response = connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise SilentError(f"{self._address}: {error}") from error
        finally:
            connection.close()
        if response.status != 200:
            raise SilentError(f"{self._address}: {body.decode(errors='replace').strip()}")
        answer: dict[str, Any] = json.loads(body)
        return answer

    def put(self, pairs: Mapping[str, bytes]) -> None:
        """Write all pairs in batches. Raises SilentError."""
        puts = [
            {"request_put": {"key": _encoded(key.encode()), "value": _encoded(value)}} for key, value in pairs.items()
        ]
        for start in range(0, len(puts), OPERATIONS_PER_TXN):
            self.call("/v3/kv/txn", {"success": puts[start : start + OPERATIONS_PER_TXN]})

    def pairs(self, prefix: str) -> dict[str, bytes]:
        """Return every key that starts with ``prefix``, as this member itself stores it. Raises SilentError."""
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        keys = {"key": _encoded(prefix.encode()), "range_end": _encoded(end.encode())}
        answer = self.call("/v3/kv/range", {**keys, "serializable": True})
        return {
            base64.b64decode(pair["key"]).decode(): base64.b64decode(pair.get("value", ""))
            for pair in answer.get("kvs", ())
        }

    def revision(self) -> int:
        """Return the store's revision by a read that needs the quorum. Raises SilentError."""
        answer = self.call("/v3/kv/range", {"key": _encoded(b"/"), "count_only": True})
        return int(answer["header"]["revision"])


def _encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
