"""One member has lost its data: it joins the others anew, while they serve."""

from __future__ import annotations

import json
import time

from tests.lab import truth
from tests.lab.commands import LabError
from tests.lab.hosts import MASTERS
from tests.lab.lab import Lab
from tests.lab.laptop import Laptop

FAILED = MASTERS[1].name
SINCE = "/registry/configmaps/default/since"


def write_when_there_is_a_leader(lab: Lab, key: str) -> None:
    """The member that was damaged may have been it."""
    deadline = time.monotonic() + 60
    while True:
        try:
            lab.put(key, "written without it")
        except LabError:
            assert time.monotonic() < deadline, "the others find no leader"
        else:
            return


def test_a_member_joins_anew(fresh: Lab, laptop: Laptop) -> None:
    """The laptop dies while the pod obeys; another attempt sees that it was done, and proves it."""
    fresh.damage(FAILED)
    write_when_there_is_a_leader(fresh, SINCE)
    arguments = ("-i", fresh.inventory, "--confirm", "lab")

    with laptop.start("reinit", FAILED, *arguments) as process:
        process.until("commit.reinit acting")
        process.kill()
    truth.fall_silent(fresh)
    resumed = laptop.run("resume", "-i", fresh.inventory, "--json")

    assert resumed.code == 0, resumed
    result = json.loads(resumed.out)
    (answer,) = truth.hashes(fresh)
    assert result["proof"]["cluster_id"] and int(result["proof"]["revision"]) <= answer.revision
    members = {member["name"] for member in fresh.etcdctl("member", "list")["members"]}
    assert members == {master.member for master in MASTERS}
    assert fresh.range(SINCE)
    assert truth.leftovers(fresh) == []
    healthy = laptop.run("reinit", FAILED, *arguments)
    assert (healthy.code, healthy.error.partition(":")[0]) == (3, "member-healthy"), healthy


def test_refused_where_the_others_are_no_quorum(fresh: Lab, laptop: Laptop) -> None:
    fresh.damage(FAILED)
    fresh.damage(MASTERS[0].name)
    refused = laptop.run("reinit", FAILED, "-i", fresh.inventory, "--confirm", "lab")
    assert (refused.code, refused.error.partition(":")[0]) == (3, "quorum-missing"), refused
