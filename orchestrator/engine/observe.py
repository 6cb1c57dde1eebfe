"""Observes all hosts before planning: runs the looks and reads the views. Changes nothing on any host."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.core.hosts.distro import Distro
from orchestrator.core.hosts.facts import parse_facts
from orchestrator.core.hosts.view import MasterView
from orchestrator.core.inventory.inventory import Host, Inventory, Role
from orchestrator.core.model.outcome import Failure, Output
from orchestrator.core.text import one_per_line, with_advice
from orchestrator.errors import LoginError, OrchestratorError, UnreachableError, ours
from orchestrator.ports import Remote, WallClock

STOPPED = (Role.MASTER, Role.API)
"""The roles of hosts that a restore stops. All of these hosts must answer."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The views of the hosts. ``silent`` are the workers that did not answer, with the reason; a silent master is an
    error."""

    views: dict[str, MasterView] = field(default_factory=dict)
    silent: dict[str, str] = field(default_factory=dict)


async def observe(
    inventory: Inventory,
    opened: Mapping[str, Remote | Output],
    distro: Distro,
    scripts: Mapping[str, str],
    clock: WallClock,
) -> Seen:
    """Look at every host at once. Raises UnreachableError or LoginError if a master does not answer."""
    hosts = [host for host in inventory.hosts if host.name in opened]
    answers = await asyncio.gather(*(_look_at(host, opened[host.name], distro, scripts, clock) for host in hosts))
    views: dict[str, MasterView] = {}
    failures: dict[str, Output] = {}
    for host, answer in zip(hosts, answers, strict=True):
        if isinstance(answer, MasterView):
            views[host.name] = answer
        else:
            failures[host.name] = answer
    refuse_silent({name: output for name, output in failures.items() if inventory.host(name).role in STOPPED})
    return Seen(views, {name: output.detail or str(output.failure) for name, output in failures.items()})


def refuse_silent(failures: Mapping[str, Output]) -> None:
    """Raises UnreachableError or LoginError for the hosts that do not answer, with all their names."""
    if not failures:
        return
    texts = [_named(name, output.detail or str(output.failure)) for name, output in failures.items()]
    text = texts[0] if len(texts) == 1 else one_per_line(f"cannot examine {len(texts)} hosts", texts)
    refused = [output for output in failures.values() if output.failure in (Failure.LOGIN, Failure.SUDO)]
    error: type[OrchestratorError] = LoginError if len(refused) == len(failures) else UnreachableError
    advice = "repair the connection, or leave out a master that is lost: --without HOST"
    raise error(with_advice(text, advice), ours("check"))


def _named(host: str, detail: str) -> str:
    return detail if detail.startswith(host) else f"{host}: {detail}"


async def _look_at(
    host: Host, remote: Remote | Output, distro: Distro, scripts: Mapping[str, str], clock: WallClock
) -> MasterView | Output:
    if isinstance(remote, Output):
        return remote
    before = clock.time()
    script = distro.look_at_host(host)
    output = await remote.look(script.command(scripts[script.file]))
    facts = parse_facts(output.text)
    if output.exit_code != 0 or not facts:
        return _without_answer(output)
    view = distro.read_host(host, facts, _offset(facts, before, clock.time()))
    volume = distro.look_at_volume(host, view) if host.role in (Role.MASTER, Role.LEFT_OUT) else None
    if volume is None:
        return view
    output = await remote.look(volume.command(scripts[volume.file]))
    if output.exit_code != 0:
        return _without_answer(output)
    return distro.read_volume(view, parse_facts(output.text))


FACTS = {"lib/host_facts.sh": "clock_first clock_last"}


def _offset(facts: dict[str, str], before: float, after: float) -> float:
    """Seconds that the host's clock is ahead, at least: it was read twice between our two readings."""
    try:
        most = float(facts["clock_first"]) - before
        least = float(facts["clock_last"]) - after
    except (KeyError, ValueError):
        return 0.0
    return max(least, 0.0) + min(most, 0.0)


def _without_answer(output: Output) -> Output:
    if output.failure:
        return output
    said = output.stderr.decode("utf-8", "replace").strip()
    if not said and not parse_facts(
        output.text
    ):  # such as a cloud image's shell that only says to log in as another user
        return Output(None, failure=Failure.LOGIN, detail=f"no shell for this login: {output.text.strip()}")
    said = said or f"exit {output.exit_code}"
    return Output(None, failure=Failure.UNREACHABLE, detail=f"cannot examine the host: {said}")
