#!/usr/bin/env python3
"""Stand-in for kube-apiserver, which Debian does not package.

It listens with TLS, answers ``/readyz`` while etcd's quorum answers, stores Nodes and Leases in etcd as the
protobuf that Kubernetes writes there, and writes one key per second. It remembers the newest revision that it has
seen and the objects at it, like the real one's watch cache: if etcd's revision goes back (a restore without a
restart of the API server), it continues to serve what it remembers and refuses every update with 409, until etcd's
revision has passed the remembered one.

It does not authenticate, authorise, list, watch, validate, compact, serve any other kind, or answer in JSON.
Standard library only. Environment and switches: README.md beside this file.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import signal
import ssl
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import kubernetes_objects  # type: ignore[import-not-found]  # beside this file in the image

NODES = "/api/v1/nodes/"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/"
NODE_KEYS = "/registry/minions/"
LEASE_KEYS = "/registry/leases/kube-node-lease/"
EVENT_KEYS = "/registry/events/default/"
EVENTS_KEPT = 600
ETCD_TIMEOUT_S = 3.0


class UnavailableError(Exception):
    """etcd did not answer: no process, no quorum, or an error."""


class ConflictError(Exception):
    """The object in etcd is not the one that the API server remembers."""


def log(text: str) -> None:
    print(f"{datetime.now().isoformat(timespec='seconds')} apiserver: {text}", flush=True)


def encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


class Etcd:
    """One connection to etcd's JSON gateway (`/v3/kv/*`), shared by all threads.

    Bytes are base64, 64-bit numbers are strings, zeros are omitted. Source: etcd api/etcdserverpb/rpc.proto@v3.5.1.
    """

    def __init__(self, endpoint: str, context: ssl.SSLContext) -> None:
        address = urlsplit(endpoint)
        self._connection = http.client.HTTPSConnection(
            address.hostname or "", address.port, timeout=ETCD_TIMEOUT_S, context=context
        )
        self._lock = threading.Lock()

    def call(self, method: str, request: dict[str, Any]) -> dict[str, Any]:
        """Send a request. Raises UnavailableError unless etcd executed it."""
        with self._lock:
            try:
                self._connection.request("POST", f"/v3/kv/{method}", json.dumps(request))
                response = self._connection.getresponse()
                body = response.read()
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                raise UnavailableError(str(error)) from error
        if response.status != 200:
            raise UnavailableError(body.decode(errors="replace").strip())
        answer: dict[str, Any] = json.loads(body)
        return answer


class Cache:
    """What this API server believes is in etcd."""

    def __init__(self, etcd: Etcd) -> None:
        self._etcd = etcd
        self._lock = threading.Lock()
        self._objects: dict[str, tuple[bytes, int]] = {}  # key -> value and the revision that wrote it
        self._revision = 0

    def _is_news(self, answer: dict[str, Any]) -> bool:
        """Return False if etcd went back: then its answer is older than what is remembered."""
        revision = int(answer["header"]["revision"])
        if revision < self._revision:
            log(f"etcd is at revision {revision}, behind the remembered {self._revision}: keeping the cache")
            return False
        self._revision = revision
        return True

    def get(self, key: str) -> tuple[bytes, int] | None:
        """Return the object and its revision. Raises UnavailableError."""
        with self._lock:  # held during the call, so that answers are processed in order
            answer = self._etcd.call("range", {"key": encode(key.encode())})
            if self._is_news(answer):
                self._objects.pop(key, None)
                for pair in answer.get("kvs", ()):
                    self._objects[key] = base64.b64decode(pair["value"]), int(pair["mod_revision"])
            return self._objects.get(key)

    def update(self, key: str, value: bytes) -> None:
        """Replace the remembered object. Raises UnavailableError, or ConflictError if etcd has another one."""
        for _ in range(3):  # another API server may write the same object in between
            known = self.get(key)
            name = encode(key.encode())
            unchanged = {"key": name, "target": "MOD", "mod_revision": known[1] if known else 0}
            put = {"request_put": {"key": name, "value": encode(value)}}
            answer = self._etcd.call("txn", {"compare": [unchanged], "success": [put]})
            if answer.get("succeeded"):
                return
        raise ConflictError(key)

    def write(self, key: str, value: bytes) -> None:
        """Write without reading first, as for a new object. Raises UnavailableError."""
        with self._lock:
            self._is_news(self._etcd.call("put", {"key": encode(key.encode()), "value": encode(value)}))


def switch(key: str, default: str) -> str:
    conf = Path(os.environ.get("STANDIN_CONF", "/etc/kublr/standin.conf"))
    lines = conf.read_text().splitlines() if conf.exists() else []
    values = [line.partition("=")[2] for line in lines if line.startswith(f"{key}=")]
    return values[-1] if values else default


def write_events(cache: Cache, name: str) -> None:
    """Write one key per second, cycling through the same few hundred keys, so that the database stays small."""
    number = 0
    while True:
        time.sleep(1)
        if switch("writes", "on") != "on":
            continue
        event = f"{name}.{number % EVENTS_KEPT:04d}"
        number += 1
        value = kubernetes_objects.object_bytes("v1", "Event", "default", event, f"{name}-{number}")
        try:
            cache.write(EVENT_KEYS + event, value)
        except UnavailableError as error:
            log(f"cannot write: {error}")


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


class Handler(BaseHTTPRequestHandler):
    cache: Cache

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_PUT(self) -> None:
        self._answer(self._put)

    def log_message(self, *_: object) -> None:
        """Do not log requests."""

    def _answer(self, act: Callable[[], tuple[int, bytes]]) -> None:
        try:
            status, body = act()
        except UnavailableError as error:
            status, body = 503, f"etcd: {error}\n".encode()
        except ConflictError as error:
            status, body = 409, f"{error}: the object has been modified\n".encode()
        except (KeyError, ValueError) as error:
            status, body = 400, f"bad request: {error!r}\n".encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _get(self) -> tuple[int, bytes]:
        if self.path in ("/livez", "/healthz"):
            return 200, b"ok"
        if self.path == "/readyz":
            self.cache.get("health")  # a linearizable read needs the quorum
            return 200, b"ok"
        for path, keys in ((NODES, NODE_KEYS), (LEASES, LEASE_KEYS)):
            if self.path.startswith(path):
                known = self.cache.get(keys + self.path.removeprefix(path))
                return (200, known[0]) if known else (404, b"not found\n")
        return 404, b"not found\n"

    def _put(self) -> tuple[int, bytes]:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.startswith(LEASES):
            name, spec = self.path.removeprefix(LEASES), body["spec"]
            value = kubernetes_objects.lease_bytes(name, spec["holderIdentity"], instant(spec["renewTime"]))
            self.cache.update(LEASE_KEYS + name, value)
        elif self.path.startswith(NODES) and self.path.endswith("/status"):
            name = self.path.removeprefix(NODES).removesuffix("/status")
            ready = next(c for c in body["status"]["conditions"] if c["type"] == "Ready")
            heartbeat = instant(ready["lastHeartbeatTime"])
            value = kubernetes_objects.node_bytes(name, ready["status"] == "True", heartbeat)
            self.cache.update(NODE_KEYS + name, value)
        else:
            return 404, b"not found\n"
        return 200, b"{}\n"


class Server(ThreadingHTTPServer):
    """A server whose TLS handshake is in the request's thread, so that a silent client blocks nobody else."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext) -> None:
        super().__init__(address, Handler)
        self._context = context

    def finish_request(self, request: Any, client_address: Any) -> None:
        request.settimeout(10)
        with self._context.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        log(f"{client_address[0]}: {sys.exc_info()[1]!r}")


def main() -> None:
    # A signal without a handler does not end the first process of a container.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    environment = os.environ
    to_etcd = ssl.create_default_context(cafile=environment["ETCDCTL_CACERT"])
    to_etcd.load_cert_chain(environment["ETCDCTL_CERT"], environment["ETCDCTL_KEY"])
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(environment["APISERVER_CERT"], environment["APISERVER_KEY"])
    host, _, port = environment.get("APISERVER_LISTEN", "0.0.0.0:6443").rpartition(":")
    name = environment.get("APISERVER_NAME", os.uname().nodename)
    Handler.cache = Cache(Etcd(environment["ETCDCTL_ENDPOINTS"], to_etcd))
    threading.Thread(target=write_events, args=(Handler.cache, name), daemon=True).start()
    log(f"serving on {host}:{port}")
    Server((host, int(port)), serving).serve_forever()


if __name__ == "__main__":
    main()
