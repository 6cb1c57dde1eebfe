"""The programs that undo a run or remove its leftovers. Each does what the script of its name does."""

from __future__ import annotations

from tests.sim.acts import Call
from tests.sim.host import SimHost
from tests.sim.manual import stats
from tests.sim.programs import REFUSED, Program, refuses, sums
from tests.sim.world import World


async def unschedule(world: World, host: SimHost, call: Call) -> int:
    undone, armed = call["undone"], f"{call['data']}/restore.db"
    if not host.disk.is_file(armed):
        return 0
    if not any(path.endswith("/started") for path in host.disk.below(call["schedules"])):
        call.say(f"refused: {armed} is not from run {undone}")
        return REFUSED
    set_aside(host, armed, undone, call)
    await call.work()
    return 0


def set_aside(host: SimHost, armed: str, undone: str, call: Call) -> None:
    aside = f"{armed}.kr-{undone}"
    host.disk.move(armed, f"{aside}-{call.run}" if host.disk.is_file(aside) else aside)


async def putback(world: World, host: SimHost, call: Call) -> int:
    member, kept, undone = call["member"], call["kept"], call["undone"]
    disk, copy = host.disk, f"{kept}.copy"
    if disk.is_folder(kept):
        if refuses(host, call, undone):
            return REFUSED
        with host.at_work(call.step):
            if disk.is_folder(member):
                if disk.is_folder(copy):
                    call.say(f"refused: both {member} and {copy} exist")
                    return REFUSED
                disk.move(member, copy)
                await call.work()
            disk.move(kept, member)
            await call.work()
    disk.remove(f"{kept}.part")
    disk.remove(copy)
    return 0


async def swap(world: World, host: SimHost, call: Call) -> int:
    data, member, kept, aside, undone = (call[name] for name in ("data", "member", "kept", "aside", "undone"))
    disk, listing = host.disk, f"{call.folder}/returned"
    if refuses(host, call):
        return REFUSED
    if disk.is_file(listing):
        return 0
    had_none = disk.text(f"{call.state}/{undone}/kept") == "none"
    with host.at_work(call.step):
        if had_none or disk.is_folder(kept):
            if disk.is_folder(member) and not disk.is_folder(aside):
                disk.move(member, aside)
                await call.work()
            if disk.is_folder(member):
                call.say(f"refused: both {member} and {aside} exist")
                return REFUSED
        if disk.is_file(f"{data}/restore.db"):
            set_aside(host, f"{data}/restore.db", undone, call)
            await call.work()
        if not had_none:
            disk.move(kept, member)
            await call.work()
        lines = "none\n" if had_none else "".join(f"{disk.stat(path)}\n" for path in disk.below(member))
        disk.create(f"{listing}.part", lines, synced=False)
        await call.work()
        disk.sync(f"{listing}.part")
        disk.move(f"{listing}.part", listing)
    return 0


async def unkeep(world: World, host: SimHost, call: Call) -> int:
    member, kept, undone = call["member"], call["kept"], call["undone"]
    disk = host.disk
    if not kept.endswith(f".kr-{undone}"):
        return REFUSED
    disk.remove(f"{kept}.part")
    if not disk.is_folder(kept):
        return 0
    if not disk.is_folder(member):
        call.say(f"refused: {member} is gone, and {kept} is what is left of it")
        return REFUSED
    if not is_intact(host, f"{call.state}/{undone}/kept", kept):
        call.say(f"refused: {kept} has changed since it was made")
        return REFUSED
    disk.move(kept, f"{kept}.part")
    await call.work()
    await remove_all(host, f"{kept}.part", call)
    return 0


def is_intact(host: SimHost, listing: str, kept: str) -> bool:
    """Do what `is_intact` of ``intact.sh`` does."""
    if host.disk.is_file(f"{listing}.sums"):
        return sorted(sums(host, kept)) == sorted(host.disk.text(f"{listing}.sums").splitlines())
    return host.disk.is_file(f"{listing}.stats") and stats(host, kept).strip() == host.disk.text(f"{listing}.stats")


async def remove(world: World, host: SimHost, call: Call) -> int:
    undone = call["undone"]
    for path in call.args:
        endings = ("", ".part", ".staged", ".staged.part")
        is_named = path.endswith(tuple(f".kr-{undone}{it}" for it in endings)) or f".kr-{undone}-" in path
        own = f"{call.state}/{undone}"
        if not (is_named or path.startswith(f"{own}/snapshot.db") or path == f"{own}/etcdutl"):
            call.say(f"refused: {path} is not named after run {undone}")
            return REFUSED
        await remove_all(host, path, call)
    return 0


async def remove_all(host: SimHost, path: str, call: Call) -> None:
    """Remove file by file, so that an act that dies leaves a part of a folder."""
    for file in [it for it in (path, *host.disk.below(path)) if host.disk.is_file(it)]:
        host.disk.remove(file)
        await call.work()


UNDO_ACTS: dict[str, Program] = {
    "commit/putback.sh": putback,
    "commit/swap.sh": swap,
    "commit/unschedule.sh": unschedule,
    "release/remove.sh": remove,
    "release/unkeep.sh": unkeep,
    "release/unstage.sh": remove,
}
