"""The programs of the manual strategy. Each does what the script of its name does; one runs etcd's own tool."""

from __future__ import annotations

from dataclasses import replace

from orchestrator.etcd.ids import parse_initial_cluster, predict_ids
from tests.sim.acts import Call
from tests.sim.history import RESTORED, from_file, to_file
from tests.sim.host import SimHost
from tests.sim.looks import has_lifted
from tests.sim.programs import REFUSED, Program, refuses
from tests.sim.world import World

TOOL = "etcdutl 3.5.21"


async def tool(world: World, host: SimHost, call: Call) -> int:
    copy = call["copy"]
    host.disk.create(f"{copy}.part", TOOL, synced=False)
    await call.work()
    host.disk.sync(f"{copy}.part")
    host.disk.move(f"{copy}.part", copy)
    return 0


async def restore(world: World, host: SimHost, call: Call) -> int:
    path, snapshot, staged, cluster, token = (call[name] for name in ("tool", "snapshot", "staged", "cluster", "token"))
    disk, listing = host.disk, f"{call.folder}/staged"
    if disk.is_file(listing):
        return 0
    for old in (f"{staged}.part", staged):
        disk.remove(old)
    if not disk.is_file(path) or not disk.is_file(snapshot):
        return 1
    known = from_file(disk.read(snapshot))
    known = known.bump(int(call["bump"])) if call["bump"] else known
    ids = predict_ids(parse_initial_cluster(cluster), token)
    database, log = f"{staged}.part/member/snap/db", f"{staged}.part/member/wal/0.wal"
    disk.create(database, to_file(replace(known, cluster_id=ids.cluster, log=RESTORED)), synced=False)
    await call.work()
    disk.create(log, RESTORED, synced=False)  # the tool writes the log last
    await call.work()
    disk.sync(database, log)
    disk.move(f"{staged}.part", staged)
    await call.work()
    disk.create(f"{listing}.part", listed(host, f"{staged}/member"), synced=False)
    disk.sync(f"{listing}.part")
    disk.move(f"{listing}.part", listing)
    return 0


def listed(host: SimHost, folder: str) -> str:
    """Return what `list_restored` of ``member_files.sh`` prints: it identifies these files among all others."""
    rows = (
        f"{host.disk.inode(path)} {host.disk.inode(path)} {len(host.disk.read(path))} .{path.removeprefix(folder)}"
        for path in host.disk.below(folder)
    )
    return "".join(f"{row}\n" for row in sorted(rows))


def stats(host: SimHost, folder: str) -> str:
    """Return what `list_old` of ``member_files.sh`` prints."""
    return listed(host, folder)


async def staged(world: World, host: SimHost, call: Call) -> int:
    snapshot, sha256, folder = call["path"], call["sha256"], call["staged"]
    disk, listing = host.disk, f"{call['state']}/{call['run']}/staged"
    if not disk.is_file(listing):
        call.say("nothing is restored yet")
        return 1
    if listed(host, f"{folder}/member").strip() != disk.text(listing):
        call.say(f"{folder} has changed since it was restored")
        return 1
    disk.sync(snapshot)
    if not disk.is_file(snapshot) or disk.sha256(snapshot) != sha256:
        call.say(f"{snapshot} is not that file")
        return 1
    return 0


async def aside(world: World, host: SimHost, call: Call) -> int:
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
        disk.create(f"{listing}.stats", stats(host, kept), synced=False)
        await call.work()
        lines = "".join(f"{disk.stat(path)}\n" for path in disk.below(kept))
        disk.create(f"{listing}.part", lines, synced=False)
        disk.sync(f"{listing}.part", f"{listing}.stats")
        disk.move(f"{listing}.part", listing)
    return 0


async def place(world: World, host: SimHost, call: Call) -> int:
    folder, member = call["staged"], call["member"]
    disk = host.disk
    if disk.text(f"{call.state}/hold") != call.run:
        call.say("refused: this host is not held")
        return REFUSED
    if not disk.is_file(f"{call.folder}/kept"):
        call.say("refused: the old data was not set aside")
        return REFUSED
    if disk.is_folder(f"{folder}/member"):
        if disk.is_folder(member):
            call.say(f"refused: {member} is there")
            return REFUSED
        with host.at_work(call.step):
            disk.move(f"{folder}/member", member)
            await call.work()
    return 0


async def placed(world: World, host: SimHost, call: Call) -> int:
    member = call["member"]
    if has_lifted(host, call):
        return 0
    if host.disk.is_folder(member) and listed(host, member).strip() == host.disk.text(
        f"{call['state']}/{call['run']}/staged"
    ):
        return 0
    call.say(f"{member} is not what this run has restored")
    return 1


def _ours(host: SimHost, state: str, undone: str, member: str) -> bool:
    database = f"{member}/snap/db"
    if not host.disk.is_file(database):
        return False
    inode = host.disk.inode(database)
    lines = host.disk.text(f"{state}/{undone}/staged").splitlines()
    return any(line.startswith(f"{inode} {inode} ") and line.endswith(" ./snap/db") for line in lines)


async def unplace(world: World, host: SimHost, call: Call) -> int:
    member, kept, undone, folder = (call[name] for name in ("member", "kept", "undone", "staged"))
    disk = host.disk
    if not disk.is_file(f"{call.state}/{undone}/kept") and not disk.is_folder(kept):
        return 0
    if refuses(host, call, undone):
        return REFUSED
    with host.at_work(call.step):
        if disk.is_folder(member) and _ours(host, call.state, undone, member):
            disk.move(member, f"{folder}/member")
            await call.work()
        if disk.is_folder(kept):
            if disk.is_folder(member):
                call.say(f"refused: both {member} and {kept} exist")
                return REFUSED
            disk.move(kept, member)
            await call.work()
    return 0


async def unplaced(world: World, host: SimHost, call: Call) -> int:
    state, undone, member, kept = (call[name] for name in ("state", "undone", "member", "kept"))
    if host.disk.is_folder(kept):
        call.say(f"the old data is in {kept}")
        return 1
    if _ours(host, state, undone, member):
        call.say(f"{member} is what run {undone} has restored")
        return 1
    return 0


MANUAL_ACTS: dict[str, Program] = {
    "commit/place.sh": place,
    "commit/unplace.sh": unplace,
    "keep/aside.sh": aside,
    "stage/restore.sh": restore,
    "stage/tool.sh": tool,
}
MANUAL_LOOKS: dict[str, Program] = {
    "commit/is_placed.sh": placed,
    "commit/is_unplaced.sh": unplaced,
    "stage/is_staged.sh": staged,
}
