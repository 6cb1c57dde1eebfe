"""`python -m tests.lab up|down|reset`: the lab for play."""

import sys
import time

from tests.lab.commands import LabError
from tests.lab.hosts import MASTERS
from tests.lab.lab import REPOSITORY, Lab

_WELCOME = """
The lab is up: 3 masters and 2 workers, as {inventory} says. Its stand-ins are explained in
tests/standins/README.md. {snapshot} is a backup of it, and the cluster has moved on since.
A password for sudo on master-3 lies in {folder}/sudo-password.

What a restore would do:   .venv/bin/orchestrator plan -i {inventory} --snapshot {snapshot}
Look into a host:          ssh -i {folder}/id_ed25519 -o UserKnownHostsFile={folder}/known_hosts root@{address}
Put everything back:       make lab-reset
Remove it:                 make lab-down
"""


def up(lab: Lab) -> None:
    started = time.monotonic()
    lab.up()
    snapshot = lab.folder / "snapshot.db"
    if not snapshot.exists():
        lab.backup(MASTERS[0].name, snapshot)
        lab.put("/registry/configmaps/default/written-after-the-backup", "a restore takes this away")
    print(f"lab: up after {time.monotonic() - started:.0f} s", file=sys.stderr)
    print(
        _WELCOME.format(
            inventory=lab.inventory.relative_to(REPOSITORY),
            snapshot=snapshot.relative_to(REPOSITORY),
            folder=lab.folder.relative_to(REPOSITORY),
            address=lab.addresses[MASTERS[1].name],
        )
    )


def main() -> int:
    lab = Lab.from_environment()
    act = {"up": up, "down": Lab.down, "reset": Lab.reset}.get(sys.argv[1] if len(sys.argv) == 2 else "")
    if act is None:
        print(__doc__, file=sys.stderr)
        return 64
    try:
        act(lab)
    except LabError as error:
        print(f"error: {error}\nnext: make lab-down, then make lab-up", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
