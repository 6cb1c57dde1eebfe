"""The programs that change nothing, and the text that they print."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

from tests.facts_text import fact
from tests.kubernetes_objects import lease_bytes, node_bytes
from tests.sim.acts import Call
from tests.sim.clock import VirtualClock
from tests.sim.history import History
from tests.sim.host import SimHost
from tests.sim.programs import TOOLS, Program
from tests.sim.world import World

NODE_GRACE_S = 40


def http(value: object, headers: str = "") -> str:
    return f"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n{headers}\r\n{json.dumps(value)}"


async def claimed(world: World, host: SimHost, call: Call) -> int:
    text = host.disk.text(f"{call['state']}/claim", "nobody")
    if f'"run":"{call["run"]}"' in text:
        return 0
    call.say(f"held by: {text}")
    return 1


async def same(world: World, host: SimHost, call: Call) -> int:
    path, sha256 = call["path"], call["sha256"]
    host.disk.sync(path)
    if host.disk.is_file(path) and host.disk.sha256(path) == sha256:
        return 0
    call.say(f"{path} is not that file")
    return 1


async def scheduled(world: World, host: SimHost, call: Call) -> int:
    return 0 if has_lifted(host, call) else await same(world, host, call)


def has_lifted(host: SimHost, call: Call) -> bool:
    """Return True if the run has since let the host start, and the call allows that."""
    return bool(call["lifts"]) and any(path.endswith("/started") for path in host.disk.below(call["lifts"]))


async def resolves(world: World, host: SimHost, call: Call) -> int:
    known = {
        (name, words[0])
        for line in host.disk.text("/etc/hosts").splitlines()
        if (words := line.partition("#")[0].split())
        for name in words[1:]
    }
    wrong = [pair for pair in call.args if tuple(pair.split("=")) not in known]
    for pair in wrong:
        call.say(f"{pair} does not resolve")
    return 1 if wrong else 0


async def inactive(world: World, host: SimHost, call: Call) -> int:
    running = [unit for unit in call.args if host.units.is_active(unit)]
    for unit in running:
        call.say(f"{unit} is active")
    return 1 if running else 0


async def quiet(world: World, host: SimHost, call: Call) -> int:
    if has_lifted(host, call):
        return 0
    return say_what_lives(host, call)


def say_what_lives(host: SimHost, call: Call) -> int:
    """Print the processes of the control plane that are alive. Return 1 if there are any."""
    if host.api and host.api.port_is_open:
        call.say("port 6443 still listens")
    if host.api:
        call.say("kube-apiserver (pid 1) is alive")
    return 1 if call.said else 0


async def down(world: World, host: SimHost, call: Call) -> int:
    if host.etcd:
        call.say("an etcd still has its database open")
    say_what_lives(host, call)
    await inactive(world, host, Call(call.args, said=call.said))
    return 1 if call.said else 0


async def held(world: World, host: SimHost, call: Call) -> int:
    if host.disk.text(f"{call['state']}/hold") != call["run"]:
        call.say("the hold file is gone")
        return 1
    for unit in call.args:
        if not host.disk.is_file(f"{call['folder']}/{unit}.d/50-orchestrator-hold.conf"):
            call.say(f"{unit} is not held")
            return 1
    return 0


async def kept(world: World, host: SimHost, call: Call) -> int:
    folder = call["kept"]
    listing = f"{call['state']}/{call['run']}/kept"
    if not host.disk.is_file(listing):
        call.say("the old data is not kept yet")
        return 1
    if host.disk.text(listing) == "none" or host.disk.is_folder(folder):
        return 0
    call.say(f"{folder} is gone")
    return 1


async def proof(world: World, host: SimHost, call: Call) -> int:
    folder, data, member, revision = f"{call['state']}/{call['run']}", call["data"], call["member"], call["revision"]
    etcd = host.etcd
    files = "".join(f"{host.disk.stat(path)}\n" for path in host.disk.below(member))
    armed = "".join(f"{name}\n" for name in ("restore.db", "command") if host.disk.is_file(f"{data}/{name}"))
    cluster = f"X-Etcd-Cluster-Id: {etcd.cluster_id}\r\n" if etcd else ""
    at, now = (hash_kv(etcd, asked) if etcd else "" for asked in (int(revision), 0))
    is_refused = bool(etcd) and '"hash":' not in at
    said = {
        "hashkv": at,
        **(hashkv_round(etcd) if etcd and is_refused else {}),
        "hashkv_now": now if is_refused else at,
        "members": http([], cluster) if etcd else "",
        "health": http({"health": "true"}) if call["client_url"] and world.has_quorum(host) else "",
        "files": files,
        "kept": host.disk.text(f"{folder}/kept"),
        "armed": armed,
        "witnessed": host.disk.text(f"{folder}/witnessed"),
    }
    call.said += [fact(name, value) for name, value in said.items()]
    return 0


def hash_kv(etcd: History, revision: int) -> str:
    """Return etcd's HTTP answer. Revision 0 is the newest; etcd refuses a compacted or a future revision."""
    if revision and not etcd.shows_hash(revision):
        return "HTTP/1.0 400 Bad Request\r\n\r\nmvcc: required revision has been compacted, or is a future revision"
    return http(etcd.hash_answer(revision or etcd.revision))


def hashkv_round(etcd: History) -> dict[str, str]:
    """Return the facts that templates/host/lib/hashkv.sh prints for a round revision."""
    revision = etcd.revision - etcd.revision % 100
    return {"round": f"{revision}\n", "hashkv_round": hash_kv(etcd, revision)}


async def ready(world: World, host: SimHost, call: Call) -> int:
    if world.api_ready(host):
        return 0
    call.say("the API server is not ready")
    return 1


async def restarted(world: World, host: SimHost, call: Call) -> int:
    how = call["how"]
    markers = [path for path in host.disk.below(call["restarts"]) if path.endswith("/started")]
    if not markers:
        call.say("not restarted yet")
        return 1
    boot, began = host.disk.text(markers[-1]).split()
    clock = VirtualClock()
    at_s = host.booted_at_s if how == "reboot" else host.units.since.get(call["kubelet"])
    since = None if at_s is None else int(clock.time() - clock.monotonic() + at_s)
    if since is None or (since < int(began) and (how != "reboot" or boot == str(host.acts.boot))):
        call.say("not back yet")
        return 1
    call.say(str(since))
    return 0


async def lease(world: World, host: SimHost, call: Call) -> int:
    node = call["node"]
    if not host.etcd or not world.has_quorum(host):
        return 0
    renewed = host.etcd.last(f"leases/{node}")
    objects: dict[str, bytes] = {}
    if renewed:
        at_utc = datetime.fromtimestamp(int(renewed), UTC)
        is_ready = VirtualClock().time() - int(renewed) < NODE_GRACE_S
        objects = {"leases": lease_bytes(node, node, at_utc), "minions": node_bytes(node, is_ready, at_utc)}
    for name in ("leases", "minions"):
        kvs = [{"key": "", "value": base64.b64encode(objects[name]).decode()}] if name in objects else []
        call.say(fact(name, http({"header": {"revision": str(host.etcd.revision)}, "kvs": kvs})))
    return 0


def whose(host: SimHost, call: Call, state: str) -> None:
    """Print what `run_facts.sh` prints: the run that holds the host, and the attempts that it knows."""
    disk = host.disk
    if not disk.is_folder(state):
        return
    if disk.is_file(f"{state}/hold"):
        call.say(fact("hold", disk.text(f"{state}/hold")))
    attempts = [
        path for path in disk.below(state) if path.endswith("/attempt") and path.count("/") == state.count("/") + 2
    ]
    call.say(fact("attempts", "".join(f"{path.split('/')[-2]} {disk.text(path)}\n" for path in attempts)))
    if disk.is_file(f"{state}/claim"):
        silent_s = int(VirtualClock().monotonic() - host.alive_at_s)
        call.say(fact("claim", disk.text(f"{state}/claim")))
        call.say(fact("silent_s", str(silent_s) if disk.is_file(f"{state}/alive") else "ended"))


async def runs(world: World, host: SimHost, call: Call) -> int:
    state, run = call["state"], call["run"]
    disk = host.disk
    whose(host, call, state)
    if not run and disk.is_file(f"{state}/claim"):
        run = json.loads(disk.text(f"{state}/claim"))["run"]
    own = f"{state}/{run}"
    if not run or not disk.is_folder(own):
        return 0
    call.say(fact("run", run))
    records = host.acts.records(run)
    lines = (
        f"act {it.step} {it.attempt} {it.state} {'-' if it.exit_code is None else it.exit_code}\n" for it in records
    )
    call.say(fact("acts", "".join(lines)))
    if disk.is_file(f"{own}/undone"):
        call.say(fact("undone", disk.text(f"{own}/undone")))
    if disk.is_file(f"{own}/plan.json"):
        call.say(fact("plan_sha256", disk.sha256(f"{own}/plan.json")))
    return 0


LOOKS: dict[str, Program] = TOOLS | {
    "api/is_ready.sh": ready,
    "claim/is_ours.sh": claimed,
    "commit/is_scheduled.sh": scheduled,
    "keep/is_set_aside.sh": kept,
    "observe/run.sh": runs,
    "resolve/is_resolved.sh": resolves,
    "stage/is_received.sh": same,
    "start/is_restored.sh": proof,
    "stop/is_held.sh": held,
    "stop/is_inactive.sh": inactive,
    "stop/is_quiet.sh": quiet,
    "down/is_down.sh": down,
    "workers/is_node_ready.sh": lease,
    "workers/is_restarted.sh": restarted,
}
"""Programs that change nothing, by their names."""
