"""`make bench-outage`: the outage of a restore, and of a plain stop and start, in one run.

The restores: aided and manual by the product, aided by hand, and by Ansible. Three masters, a snapshot of 412 MB
with 100,000 keys. The contenders take turns, each on the same data, ROUNDS times (3). LAB and LAB_SUBNET select the
lab; it is removed at the end unless it was up before, and then keeps the bench's data. The page is written to
docs/evidence/bench-outage.md.
"""

from __future__ import annotations

import os
import sys
from functools import partial

from tests.bench import ansible_setup
from tests.bench.cluster import KEYS, Cluster, seed_cluster
from tests.bench.contenders import Contender, aided, ansible, by_hand, manual, stop_start
from tests.bench.figures import AIDED, ANSIBLE, BY_HAND, MANUAL, PAGE, STOP_START, Round, load, page, ratios, table
from tests.bench.observer import observing
from tests.bench.turns import play_by_turns
from tests.lab.commands import LabError
from tests.lab.lab import Lab

CONTENDERS: dict[str, Contender] = {
    AIDED: aided,
    BY_HAND: by_hand,
    ANSIBLE: ansible,
    MANUAL: manual,
    STOP_START: stop_start,
}


def play(cluster: Cluster, name: str) -> Round:
    """Run one restore by one contender on a reset cluster. Raises LabError if it failed or was not seen to succeed."""
    cluster.reset()
    wanted = cluster.expecting_present_data() if name == STOP_START else cluster
    with observing(wanted) as observer:
        claimed = CONTENDERS[name](cluster)
    seen = observer.seen()
    # Ansible reports no times: its outage ends with its playbook.
    outage_s = claimed.ended_s - seen.stopped_s if claimed.outage_s is None else claimed.outage_s
    return Round(name, outage_s - claimed.dwell_s, claimed.dwell_s, seen)


def main() -> int:
    lab = Lab.from_environment()
    was_up = lab.is_healthy()
    try:
        lab.up()
        ansible_setup.install(lab)
        cluster = seed_cluster(lab)
        load_before = load()
        played = play_by_turns(CONTENDERS, partial(play, cluster), int(os.environ.get("ROUNDS", "3")))
    except LabError as error:
        print(f"error: {error}\nnext: make lab-down, then make bench-outage", file=sys.stderr)
        return 1
    size = cluster.snapshot.stat().st_size
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(
        page(played, snapshot_bytes=size, keys=KEYS, ansible=ansible_setup.version(), load_before=load_before)
    )
    print(f"{table(played)}\n\n{ratios(played)}")
    if not was_up:
        lab.down()
    return 0


if __name__ == "__main__":
    sys.exit(main())
