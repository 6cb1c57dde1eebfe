"""`python -m tests.real up|down`: the real lab for play."""

import sys

from tests.lab.commands import LabError
from tests.real.build import NoBuildError
from tests.real.cluster import Real
from tests.real.hosts import REPOSITORY, say

_WELCOME = """
Kubernetes {versions.kubernetes} with etcd {versions.etcd}, {layout}: 3 masters and a worker, see {inventory}.

Ask Kubernetes:            {kubectl} get nodes
Check it:                  .venv/bin/orchestrator check -i {inventory}
Look into a host:          docker exec -it {container} bash
Remove it:                 make real-down
"""


def up(real: Real) -> None:
    real.up()
    say("up")
    folder, master = real.folder.relative_to(REPOSITORY), "master-1"
    print(
        _WELCOME.format(
            versions=real.versions,
            layout=real.layout,
            inventory=real.inventory.relative_to(REPOSITORY),
            kubectl=f"{folder}/bin/kubectl --kubeconfig {folder}/admin.conf",
            container=real.machines.container(master),
        )
    )


def main() -> int:
    act = {"up": up, "down": Real.down}.get(sys.argv[1] if len(sys.argv) == 2 else "")
    if act is None:
        print(__doc__, file=sys.stderr)
        return 64
    try:
        act(Real.from_environment())
    except NoBuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except LabError as error:
        print(f"error: {error}\nnext: make real-down", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
