"""The programs of a simulated host. Each does what the script or tool of its name does.

If a program is not here, the product may not use it: the simulator raises an error. An effect that takes time has a
pause, in which the program can die.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable

from tests.sim.acts import Call
from tests.sim.history import to_file
from tests.sim.hooks import env
from tests.sim.host import SimHost
from tests.sim.world import World

REFUSED, ANOTHERS = 3, 11
WITNESS_TRIES, WITNESS_QUICK_TRIES = 570, 300

Program = Callable[[World, SimHost, Call], Awaitable[int]]


def now_s() -> float:
    return asyncio.get_running_loop().time()


# --- claim, release ---------------------------------------------------------------------------------------


async def claim(world: World, host: SimHost, call: Call) -> int:
    disk, theirs, mine = host.disk, f"{call.state}/claim", f"{call.folder}/claim"
    undone = call["undone"]
    is_ours = disk.is_file(theirs)
    if is_ours and not any(f'"run":"{run}"' in disk.text(theirs) for run in (call.run, undone or call.run)):
        call.say(disk.text(theirs))
        return ANOTHERS
    if undone and disk.is_folder(f"{call.state}/{undone}"):
        await _fence(host, call, undone)
    sha256 = disk.sha256(f"{call.folder}/plan.json")
    disk.write(
        f"{mine}.part",
        f'{{"format":1,"run":"{call.run}","attempt":"{call.attempt}","laptop":"{call["laptop"]}",'
        f'"plan_sha256":"{sha256}","taken_at_utc":"2026-11-22T03:10:09Z"}}\n',
        synced=False,
    )
    disk.sync(f"{mine}.part")
    await call.work()
    if is_ours:
        disk.move(f"{mine}.part", theirs)
    else:
        disk.move(f"{mine}.part", mine)
        await call.work()
        if not disk.link(mine, theirs):
            return ANOTHERS
    await call.work()
    disk.write(f"{call.state}/alive", "")
    host.alive_at_s = now_s()
    return 0


async def _fence(host: SimHost, call: Call, undone: str) -> None:
    """Fence the run that is undone: it can change nothing on this host, and no laptop can resume it."""
    folder = f"{call.state}/{undone}"
    newest = host.disk.text(f"{folder}/attempt").partition("-")[0]
    host.acts.put(f"{folder}/attempt", f"{int(newest or 0) + 1}-undone\n")
    await call.work()
    host.acts.put(f"{folder}/undone", f"{call.run}\n")
    await call.work()


async def release(world: World, host: SimHost, call: Call) -> int:
    claim = f"{call.state}/claim"
    if f'"run":"{call.run}"' in host.disk.text(claim):
        host.disk.move(claim, f"{call.folder}/claim.released")
        await call.work()
    host.disk.remove(f"{call.folder}/claim")
    host.disk.remove(f"{call.folder}/reserve")
    if not host.disk.is_file(claim):
        host.disk.remove(f"{call.state}/alive")
    return 0


# --- before the outage ------------------------------------------------------------------------------------


async def safety(world: World, host: SimHost, call: Call) -> int:
    path = f"{call.folder}/safety.db"
    if host.disk.is_file(path):
        return 0
    if not host.etcd or not world.has_quorum(host):
        return 1
    host.disk.create(f"{path}.part", to_file(host.etcd), synced=False)
    await call.work()
    host.disk.sync(f"{path}.part")
    host.disk.move(f"{path}.part", path)
    return 0


async def add_hosts(world: World, host: SimHost, call: Call) -> int:
    return await _write_hosts(host, call, call.run, call["lines"])


async def remove_hosts(world: World, host: SimHost, call: Call) -> int:
    return await _write_hosts(host, call, call["undone"] or call.run, "")


async def _write_hosts(host: SimHost, call: Call, run: str, block: str) -> int:
    path = call["hosts"]
    begin, end, folder = f"# orchestrator {run} begin", f"# orchestrator {run} end", f"{call.state}/{run}"
    before = f"{folder}/hosts.before"
    if not host.disk.is_file(before):
        host.disk.write(before, host.disk.read(path))
    lines: list[str] = []
    ours = False
    for line in host.disk.read(path).decode().splitlines():
        ours = ours or line == begin
        if not ours:
            lines.append(line)
        ours = ours and line != end
    if block:
        lines += [begin, block, end]
    new = "".join(f"{line}\n" for line in lines)
    if not block and host.disk.text(before) == new.rstrip("\n"):
        new = host.disk.read(before).decode()
    host.disk.write(f"{folder}/hosts.new", new)
    host.disk.write(f"{path}.kr-{run}", new, synced=False)
    host.disk.sync(f"{path}.kr-{run}")
    await call.work()
    host.disk.move(f"{path}.kr-{run}", path)
    return 0


# --- stop and hold ----------------------------------------------------------------------------------------


async def hold(world: World, host: SimHost, call: Call) -> int:
    path = f"{call.state}/hold"
    host.disk.create(f"{path}.part", f"{call.run}\n", synced=False)
    host.disk.sync(f"{path}.part")
    host.disk.move(f"{path}.part", path)
    for unit in call.args:
        await call.work()
        drop_in = f"{call['folder']}/{unit}.d/50-orchestrator-hold.conf"
        host.disk.write(drop_in, f"[Unit]\nConditionPathExists=!{path}\n", synced=False)
        host.disk.sync(drop_in)
    await call.work()
    host.units.reload()
    return 0


async def lift(world: World, host: SimHost, call: Call) -> int:
    path, owner = f"{call.state}/hold", call["undone"] or call.run
    if host.disk.text(path, owner) != owner:
        return 1
    host.disk.remove(path)
    return 0


async def remove_hold(world: World, host: SimHost, call: Call) -> int:
    for unit in call.args:
        await call.work()
        host.disk.remove(f"{call['folder']}/{unit}.d/50-orchestrator-hold.conf")
    await call.work()
    host.units.reload()
    return 0


async def systemctl(world: World, host: SimHost, call: Call) -> int:
    verb, *units = call.args
    match verb:
        case "stop":
            for unit in units:
                host.units.stop(unit)
                await call.work()
            host.end_containers()
        case "start":
            call.starts_services = True
            for unit in units:
                if not unit.startswith("-"):
                    host.units.start(unit, now_s())
        case "reboot":
            host.reboot(now_s(), in_good_order=True)
        case _:
            raise UnknownProgramError(f"systemctl {verb}")
    return 0


async def start(world: World, host: SimHost, call: Call) -> int:
    program, *args = call.args
    assert program == "systemctl"
    call.args = tuple(args)
    code = await systemctl(world, host, call)
    host.acts.spawn(_witness(host, int(call["revision"]), f"{call.folder}/witnessed"))
    return code


async def _witness(host: SimHost, revision: int, path: str) -> None:
    """Run on the host until the member shows its hash, then record the hash. A power cut ends it."""
    for tries in range(WITNESS_TRIES):
        if host.disk.is_file(path):
            return
        if host.etcd and (host.etcd.shows_hash(revision) or host.etcd.revision == revision):
            host.disk.create(path, json.dumps(host.etcd.hash_answer(revision)))
            return
        await asyncio.sleep(0.2 if tries < WITNESS_QUICK_TRIES else 2)


async def services(world: World, host: SimHost, call: Call) -> int:
    for unit in (call["agent"], call["kubelet"], *call.args):
        host.units.stop(unit)
        await call.work()
    host.end_containers()
    call.starts_services = True
    host.units.start(call["agent"], now_s())
    return 0


# --- keep, commit, start ----------------------------------------------------------------------------------


def refuses(host: SimHost, call: Call, undone: str = "") -> bool:
    """Return True if a program may not change etcd's data. It checks this again under the lock: hold file, no etcd."""
    if host.disk.text(f"{call.state}/hold") not in (call.run, undone or call.run):
        call.say("refused: this host is not held")
        return True
    if host.etcd:
        call.say("refused: an etcd runs")
        return True
    return False


async def keep(world: World, host: SimHost, call: Call) -> int:
    member, kept = call["member"], call["kept"]
    disk, listing = host.disk, f"{call.folder}/kept"
    if refuses(host, call):
        return REFUSED
    if disk.is_file(listing):
        return 0
    if not disk.is_folder(kept) and not disk.is_folder(member):
        disk.create(listing, "none\n")
        return 0
    with host.at_work(call.step):
        if not disk.is_folder(kept):
            disk.move(member, kept)
            await call.work()
        disk.create(f"{listing}.sums", "\n".join(sums(host, kept)), synced=False)
        if not disk.is_folder(member):
            disk.remove(f"{kept}.part")
            for path in disk.below(kept):
                disk.create(f"{kept}.part{path.removeprefix(kept)}", disk.read(path), synced=False)
                await call.work()
            disk.move(f"{kept}.part", member)
            await call.work()
        lines = "".join(f"{disk.stat(path)}\n" for path in disk.below(member))
        disk.create(f"{listing}.part", lines, synced=False)
        await call.work()
        disk.sync(f"{listing}.part", f"{listing}.sums")
        disk.move(f"{listing}.part", listing)
    return 0


def sums(host: SimHost, folder: str) -> list[str]:
    return [f"{host.disk.sha256(path)}  .{path.removeprefix(folder)}" for path in host.disk.below(folder)]


async def schedule(world: World, host: SimHost, call: Call) -> int:
    sha256, armed = call["sha256"], f"{call['data']}/restore.db"
    if refuses(host, call):
        return REFUSED
    if host.disk.is_file(armed):
        if host.disk.sha256(armed) == sha256:
            return 0
        host.disk.move(armed, f"{armed}.kr-{call.run}-{call.attempt}")
    with host.at_work(call.step):
        content = host.disk.read(call["snapshot"])
        host.disk.create(
            armed, content[: len(content) // 2], synced=False
        )  # the vendor does not document that its copy is atomic
        await call.work()
        host.disk.write(armed, content, synced=False)
        await call.work()
    return 0


async def disarm(world: World, host: SimHost, call: Call) -> int:
    data = call["data"]
    if not host.disk.is_file(f"{data}/restore.db"):
        return 0
    if host.etcd is None:
        return 3
    host.disk.move(f"{data}/restore.db", f"{data}/restore.db.kr-{call.run}")
    return 0


# --- small tools ------------------------------------------------------------------------------------------


async def end_api(world: World, host: SimHost, call: Call) -> int:
    """End the API server. It closes its port at the first signal and hangs until the second."""
    if host.api:
        host.api.port_is_open = False
        await call.work()
    host.api = None
    return 0


async def last(world: World, host: SimHost, call: Call) -> int:
    """Do nothing: no member here hands over its role when it stops."""
    return 0


async def true(world: World, host: SimHost, call: Call) -> int:
    return 0


async def shell(world: World, host: SimHost, call: Call) -> int:
    flag, text = call.args
    if flag != "-c" or not text.startswith("exit "):
        raise UnknownProgramError(f"sh {flag} {text}")
    return int(text.removeprefix("exit "))


async def hook(world: World, host: SimHost, call: Call) -> int:
    return await env(world.witness.hooks, host.name, call)


async def test(world: World, host: SimHost, call: Call) -> int:
    flag, path = call.args
    if flag != "-s":
        raise UnknownProgramError(f"test {flag}")
    return 0 if host.disk.is_file(path) and host.disk.read(path) else 1


async def stat(world: World, host: SimHost, call: Call) -> int:
    *flags, path = call.args
    if flags != ["-c", "%s"]:
        raise UnknownProgramError(f"stat {flags}")
    if not host.disk.is_file(path):
        return 1
    call.say(str(len(host.disk.read(path))))
    return 0


async def remove(world: World, host: SimHost, call: Call) -> int:
    flag, path = call.args
    if flag != "-f":
        raise UnknownProgramError(f"rm {flag}")
    host.disk.remove(path)
    return 0


async def sum_of(world: World, host: SimHost, call: Call) -> int:
    path, length = call["path"], call["bytes"]
    if not host.disk.is_file(path):
        return 1
    call.say(f"{hashlib.sha256(host.disk.read(path)[: int(length)]).hexdigest()}  -")
    return 0


class UnknownProgramError(AssertionError):
    """Raised if the simulator does not know a program. Then the product may not use it."""


ACTS: dict[str, Program] = {
    "api/lift.sh": lift,
    "claim/take.sh": claim,
    "commit/schedule.sh": schedule,
    "env": hook,
    "keep/copy.sh": keep,
    "release/claim.sh": release,
    "release/hold.sh": remove_hold,
    "release/host.sh": release,
    "release/hosts.sh": remove_hosts,
    "resolve/hosts.sh": add_hosts,
    "rm": remove,
    "safeguard/take.sh": safety,
    "sh": shell,
    "start/disarm.sh": disarm,
    "start/lift.sh": lift,
    "start/services.sh": start,
    "stop/hold.sh": hold,
    "stop/processes.sh": end_api,
    "down/last.sh": last,
    "systemctl": systemctl,
    "true": true,
    "workers/restart.sh": services,
}
"""Programs that change a host, by their names."""

TOOLS: dict[str, Program] = {"stat": stat, "observe/head.sh": sum_of, "test": test}
