"""The programs that check a run that is undone, and its leftovers."""

from __future__ import annotations

from tests.facts_text import fact
from tests.sim.acts import Call
from tests.sim.history import History
from tests.sim.host import SimHost
from tests.sim.looks import hash_kv, hashkv_round, http, whose
from tests.sim.programs import Program
from tests.sim.undo_acts import is_intact
from tests.sim.world import World

SCHEDULES = ("restore.db", "command")


async def observe(world: World, host: SimHost, call: Call) -> int:
    """Print only the run that holds the host. The real script prints more; the simulation takes that from its views."""
    whose(host, call, call["state"])
    return 0


async def made(world: World, host: SimHost, call: Call) -> int:
    state, run, data, kept = (call[name] for name in ("state", "run", "data", "kept"))
    disk, own = host.disk, f"{state}/{run}"
    if disk.text(f"{own}/kept") == "none":
        call.say(fact("kept", "none\n"))
    elif disk.is_file(f"{own}/kept") and disk.is_folder(kept):
        call.say(fact("kept", "whole\n"))
    if disk.is_file(f"{own}/claim.released"):
        call.say(fact("released", "yes\n"))
    parts = [path for path in disk.below(own) if path.startswith(f"{own}/snapshot.db.part.")]
    paths = [f"{own}/snapshot.db", *parts, kept, f"{kept}.part", f"{data}/restore.db.kr-{run}", *call.args]
    call.say(fact("made", "".join(f"1\t{path}\n" for path in paths if disk.is_file(path) or disk.is_folder(path))))
    return 0


async def unstarted(world: World, host: SimHost, call: Call) -> int:
    steps = call["starts"].rpartition("/")[0]
    begun = [path for path in host.disk.below(steps) if path.endswith("/started")]
    if any(path.startswith(call["starts"]) for path in begun):
        call.say(f"run {call['run']} has begun to start services")
        return 1
    return 0


async def untouched(world: World, host: SimHost, call: Call) -> int:
    data, kept = call["data"], call["kept"]
    if host.disk.is_folder(kept):
        call.say(f"the old data is in {kept}")
        return 1
    return _unscheduled(host, data, call)


def _unscheduled(host: SimHost, data: str, call: Call) -> int:
    for name in SCHEDULES:
        if host.disk.is_file(f"{data}/{name}"):
            call.say(f"{data}/{name} exists")
            return 1
    return 0


async def unchanged(world: World, host: SimHost, call: Call) -> int:
    kept = call["kept"]
    listing = f"{call['state']}/{call['run']}/kept"
    if not host.disk.is_folder(kept):
        call.say(f"{kept} is gone")
        return 1
    if not is_intact(host, listing, kept):
        call.say(f"{kept} is no longer what was kept")
        return 1
    return 0


async def returned(world: World, host: SimHost, call: Call) -> int:
    data, member = call["data"], call["member"]
    listing = host.disk.text(f"{call['state']}/{call['run']}/returned")
    if not listing:
        call.say("the old data is not back yet")
        return 1
    if (listing != "none") != host.disk.is_folder(member):
        call.say(f"{member} is gone, or should not be there")
        return 1
    return _unscheduled(host, data, call)


async def running(world: World, host: SimHost, call: Call) -> int:
    down = [unit for unit in call.args if not host.units.is_active(unit)]
    for unit in down:
        call.say(f"{unit} is inactive")
    return 1 if down else 0


async def agree(world: World, host: SimHost, call: Call) -> int:
    data, member = call["data"], call["member"]
    listing = f"{call['state']}/{call['run']}/returned"
    said = _answers(world, host, host.etcd) if host.etcd else {}
    said["files"] = "".join(f"{host.disk.stat(path)}\n" for path in host.disk.below(member))
    said["armed"] = "".join(f"{name}\n" for name in SCHEDULES if host.disk.is_file(f"{data}/{name}"))
    if host.disk.is_file(listing):
        said["returned"] = host.disk.text(listing)
    call.said += [fact(name, value) for name, value in said.items()]
    return 0


def _answers(world: World, host: SimHost, etcd: History) -> dict[str, str]:
    return {
        "hashkv_now": hash_kv(etcd, 0),
        **hashkv_round(etcd),
        "members": http([], f"X-Etcd-Cluster-Id: {etcd.cluster_id}\r\n"),
        "health": http({"health": "true"}) if world.has_quorum(host) else "",
    }


UNDO_LOOKS: dict[str, Program] = {
    "commit/is_returned.sh": returned,
    "commit/is_unstarted.sh": unstarted,
    "commit/is_untouched.sh": untouched,
    "keep/is_unchanged.sh": unchanged,
    "observe/leftovers.sh": made,
    "observe/host.sh": observe,
    "start/is_equal.sh": agree,
    "start/is_running.sh": running,
}
