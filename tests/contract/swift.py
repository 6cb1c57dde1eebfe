"""OpenStack Swift with its S3 interface, from Debian's package: an independent server that checks every signature.

All four of its servers run as processes of this user, with one device in a folder; the tests end them. The package
has its own library for the system's Python and no services.
"""

from __future__ import annotations

import getpass
import hashlib
import secrets
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from tests.contract.sshd import free_port

PYTHON = "/usr/bin/python3"
ACCESS = "tests:operator"
SERVER = """
[DEFAULT]
devices = {folder}/devices
mount_check = false
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
swift_dir = {folder}
user = {user}
log_name = {kind}

[pipeline:main]
pipeline = {kind}-server

[app:{kind}-server]
use = egg:swift#{kind}
"""
PROXY = """
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
swift_dir = {folder}
user = {user}

[pipeline:main]
pipeline = catch_errors cache listing_formats bulk s3api tempauth slo proxy-server

[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true

[filter:catch_errors]
use = egg:swift#catch_errors

[filter:cache]
use = egg:swift#memcache

[filter:listing_formats]
use = egg:swift#listing_formats

[filter:bulk]
use = egg:swift#bulk

[filter:s3api]
use = egg:swift#s3api
location = us-east-1
auth_pipeline_check = false

[filter:slo]
use = egg:swift#slo

[filter:tempauth]
use = egg:swift#tempauth
user_tests_operator = {secret} .admin
"""
RINGS = """
import sys
from swift.common.ring import RingBuilder
for kind, port in zip(("account", "container", "object"), sys.argv[2:]):
    builder = RingBuilder(4, 1, 1)
    builder.add_dev({"id": 0, "region": 1, "zone": 1, "weight": 1.0, "ip": "127.0.0.1", "port": int(port),
                     "replication_ip": "127.0.0.1", "replication_port": int(port), "device": "disk", "meta": ""})
    builder.rebalance()
    builder.get_ring().save(f"{sys.argv[1]}/{kind}.ring.gz")
"""
RUN = """
import os, sys
import swift.common.utils as utils
utils.SWIFT_CONF_FILE = sys.argv[1] + "/swift.conf"
utils.validate_hash_conf()
from swift.common.storage_policy import reload_storage_policies
from swift.common.wsgi import run_wsgi
kind = sys.argv[2]
if kind == "object":
    from swift.obj import server
    run_wsgi(sys.argv[3], "object-server", global_conf_callback=server.global_conf_callback)
else:
    run_wsgi(sys.argv[3], f"{kind}-server")
"""


@dataclass
class Swift:
    """One store, with the S3 interface at ``endpoint``."""

    folder: Path
    port: int = field(default_factory=free_port)
    secret: str = field(default_factory=lambda: secrets.token_hex(16))
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that an operator would set."""
        return {
            "AWS_ACCESS_KEY_ID": ACCESS,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ALLOW_HTTP": "true",
        }

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def start(self) -> None:
        """Start all four servers. Raises RuntimeError."""
        (self.folder / "devices" / "disk").mkdir(parents=True)
        (self.folder / "swift.conf").write_text("[swift-hash]\nswift_hash_path_suffix = tests\n")
        ports = {kind: free_port() for kind in ("account", "container", "object")}
        subprocess.run([PYTHON, "-c", RINGS, str(self.folder), *map(str, ports.values())], check=True)
        for kind, port in ports.items():
            self._serve(kind, port, SERVER)
        self._serve("proxy", self.port, PROXY)
        for process, port in zip(self.processes, (*ports.values(), self.port), strict=True):
            self._wait_for(process, port)

    def make_bucket(self, name: str) -> None:
        """Create a bucket with curl, which signs its requests."""
        login = f"{quote(ACCESS)}:{self.secret}"  # with --user, curl would split it at the first colon
        nothing = hashlib.sha256().hexdigest()
        sign = ["--aws-sigv4", "aws:amz:us-east-1:s3", "-H", f"x-amz-content-sha256: {nothing}"]
        argv = ["curl", "-sS", "--fail-with-body", *sign, "-X", "PUT", f"http://{login}@127.0.0.1:{self.port}/{name}"]
        subprocess.run(argv, check=True)

    def _serve(self, kind: str, port: int, text: str) -> None:
        config = self.folder / f"{kind}.conf"
        values = {"folder": self.folder, "port": port, "kind": kind, "user": getpass.getuser(), "secret": self.secret}
        config.write_text(text.format_map(values))
        argv = [PYTHON, "-c", RUN, str(self.folder), kind, str(config)]
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.processes.append(process)

    def _wait_for(self, process: subprocess.Popen[bytes], port: int) -> None:
        for _ in range(1200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            if process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"Swift does not start (apt-get install python3-swift): {self.log}")

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(10)
