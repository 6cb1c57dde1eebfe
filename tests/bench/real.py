"""`make bench-real`: the outage of a restore of real Kubernetes, seen from outside, in one run on one cluster.

The contenders: the product, the best known order by hand, and the order of a peer's script. They take turns, each on a
cluster that has moved on since the same backup of 20 MB, ROUNDS times (3). LAYOUT is kubeadm. A cluster that was up
before stays up, with the bench's data. The page is written to docs/evidence/real.md.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import tempfile
from functools import partial
from pathlib import Path

from tests.bench.figures import load
from tests.bench.real_contenders import (
    Bench,
    Contender,
    by_hand,
    force_and_one_host_after_the_other,
    product,
)
from tests.bench.real_page import BY_HAND, OURS, PAGE, PEER, Round, page, ratios, table
from tests.bench.turns import play_by_turns
from tests.lab.commands import LabError
from tests.lab.laptop import Laptop
from tests.real.cluster import Real
from tests.real.hosts import MASTERS
from tests.real.onlookers import probe
from tests.real.scene import Scene

NAMESPACE = "bench"
OBJECTS, OBJECT_BYTES = 40, 500_000
CONTENDERS: dict[str, Contender] = {OURS: product, BY_HAND: by_hand, PEER: force_and_one_host_after_the_other}


def seed(real: Real) -> None:
    """Create 20 MB of ConfigMaps. A ConfigMap holds at most 1 MiB."""
    if f"/{NAMESPACE}" in real.objects("namespaces"):
        return
    real.kubectl("create", "namespace", NAMESPACE)
    for number in range(OBJECTS):
        metadata = {"name": f"large-{number}", "namespace": NAMESPACE}
        data = {"text": secrets.token_hex(OBJECT_BYTES // 2)}
        document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
        real.kubectl("create", "--filename=-", stdin=json.dumps(document).encode())


def play(bench: Bench, name: str) -> Round:
    """Run one restore by one contender. Raises LabError if it failed or if the cluster is not as in the backup."""
    scene, real = bench.scene, bench.scene.real
    if scene.texts() != scene.later:
        scene.move_on()
    with probe(real, f"bench-{name.split(',')[0].replace(' ', '-')}") as probed:
        claimed = CONTENDERS[name](bench)
        real.wait_healthy()
    if wrong := [f"{master.name}: {it}" for master in MASTERS for it in scene.differs(master.name)]:
        raise LabError(f"{name} did not bring the backup back:\n" + "\n".join(wrong[:10]))
    assert probed.summary
    return Round(name, claimed.outage_s, probed.summary)


def main() -> int:
    try:
        real = Real.from_environment()
        was_up = real.is_up()
        real.up()
        seed(real)
        with tempfile.TemporaryDirectory() as folder:
            scene = Scene(real)
            scene.prepare(Laptop(Path(folder, "home"), None), Path(folder))
            load_before = load()
            played = play_by_turns(CONTENDERS, partial(play, Bench(scene)), int(os.environ.get("ROUNDS", "3")))
            size = scene.backup.stat().st_size
    except LabError as error:
        print(f"error: {error}\nnext: make real-down, then make bench-real", file=sys.stderr)
        return 1
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(played, versions=real.versions, snapshot_bytes=size, load_before=load_before))
    print(f"{table(played)}\n\n{ratios(played)}")
    if not was_up:
        real.down()
    return 0


if __name__ == "__main__":
    sys.exit(main())
