"""The file of `make bench-transfer`: content like etcd's, and a slice of it for contenders that would take too long.

Made once per size and kept below .lab/.
"""

from __future__ import annotations

import base64
import hashlib
import random
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.cluster import SNAPSHOTS

SEED = 20260101
SCALE = 10
"""The whole file has the length of this many slices."""
CHUNK_BYTES = 1 << 20

# An object as an API server stores it: mostly text shared with its neighbours, with its own values in between.
_OBJECT = """k8s\0\n\x0c\n\x02v1\x12\x06Secret/registry/{kind}/{namespace}/{name}\0{{"metadata":{{"name":"{name}",\
"namespace":"{namespace}","uid":"{uid}","resourceVersion":"{revision}","generation":1,"creationTimestamp":"{at}",\
"labels":{{"app.kubernetes.io/name":"{namespace}","app.kubernetes.io/instance":"{namespace}-{kind}",\
"app.kubernetes.io/component":"server","app.kubernetes.io/managed-by":"Helm","pod-template-hash":"{hash}"}},\
"ownerReferences":[{{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"{name}","uid":"{owner}","controller":true,\
"blockOwnerDeletion":true}}],"managedFields":[{{"manager":"kube-controller-manager","operation":"Update",\
"apiVersion":"v1","time":"{at}","fieldsType":"FieldsV1","fieldsV1":{{"f:metadata":{{"f:labels":{{".":{{}},\
"f:pod-template-hash":{{}}}}}},"f:spec":{{"f:containers":{{}},"f:dnsPolicy":{{}},"f:restartPolicy":{{}}}}}}}}]}},\
"spec":{{"containers":[{{"name":"server","image":"registry.example/{namespace}@sha256:{image}","ports":\
[{{"containerPort":{port},"protocol":"TCP"}}],"resources":{{"limits":{{"cpu":"500m","memory":"256Mi"}}}},\
"terminationMessagePath":"/dev/termination-log","imagePullPolicy":"IfNotPresent"}}],"nodeName":"worker-{node}"}},\
"status":{{"phase":"Running","podIP":"10.{node}.{subnet}.{host}","qosClass":"Guaranteed"}},"data":"{data}"}}
"""
_KINDS = ("pods", "secrets", "configmaps", "replicasets", "endpointslices", "events", "leases")
_NAMESPACES = tuple(f"team-{number}" for number in range(40))
_DATA_BYTES = 144  # chosen so that zstd compresses the whole file five times


@dataclass(frozen=True, slots=True)
class Sample:
    """A file with its sha256, which a restore knows from reading the snapshot."""

    path: Path
    size_bytes: int
    sha256: str


def samples(size_bytes: int) -> tuple[Sample, Sample]:
    """Return the file of that size, and its slice: the same from the start, a tenth as long."""
    return _sample(size_bytes), _sample(size_bytes // SCALE)


def _sample(size_bytes: int) -> Sample:
    SNAPSHOTS.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = SNAPSHOTS / f"transfer-{SEED}-{size_bytes}"
    if not path.exists():
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            file.writelines(content(size_bytes))
        part.rename(path)
    with path.open("rb") as file:
        return Sample(path, size_bytes, hashlib.file_digest(file, "sha256").hexdigest())


def content(size_bytes: int) -> Iterator[bytes]:
    """Yield the same bytes on every call."""
    chance = random.Random(SEED)
    left = size_bytes
    revision = 1_000_000
    while left:
        revision += 1
        piece = _object(chance, revision)[:left]
        left -= len(piece)
        yield piece


def _object(chance: random.Random, revision: int) -> bytes:
    own = chance.randbytes(80 + _DATA_BYTES)
    kind, namespace = _KINDS[own[0] % len(_KINDS)], _NAMESPACES[own[1] % len(_NAMESPACES)]
    text = _OBJECT.format(
        kind=kind,
        namespace=namespace,
        name=f"{namespace}-{own[2:6].hex()}",
        uid=own[6:22].hex(),
        owner=own[22:38].hex(),
        hash=own[38:43].hex(),
        image=own[43:75].hex(),
        at=f"2026-0{own[75] % 9 + 1}-1{own[75] % 10}T{own[76] % 24:02}:{own[77] % 60:02}:00Z",
        revision=revision,
        port=8000 + own[78] % 8,
        node=own[75] % 9,
        subnet=own[78],
        host=own[79],
        data=base64.b64encode(own[80:]).decode(),
    )
    return text.encode()


def packed_bytes(path: Path, argv: tuple[str, ...]) -> int:
    """Return the size of a program's standard output with the file as its input."""
    length = 0
    with path.open("rb") as file, subprocess.Popen(argv, stdin=file, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while chunk := process.stdout.read(CHUNK_BYTES):
            length += len(chunk)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, argv)
    return length
