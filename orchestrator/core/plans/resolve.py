"""The phase resolve: lines in the hosts file, where a master cannot resolve the name of a peer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.core import timeouts
from orchestrator.core.hosts.hostsfile import block_for, missing_names, peer_names
from orchestrator.core.hosts.view import MasterView
from orchestrator.core.model.plan import Phase, PhaseName
from orchestrator.core.model.step_name import StepName
from orchestrator.core.plans.master import Master
from orchestrator.core.plans.steps import all_of, look, make_phase, script_step


def resolve_phase(masters: Sequence[Master], views: Mapping[str, MasterView]) -> Phase:
    """The barrier asks every master to resolve every peer to the address of its host."""
    names = peer_names({master.name: master.host for master in masters}, views)
    steps = tuple(
        script_step(
            StepName.RESOLVE_HOSTS,
            master,
            f"add {len(missing)} names to {master.host.paths.hosts}",
            {"hosts": master.host.paths.hosts, "lines": block_for(missing)},
            rerunnable=True,
            undo="remove the lines",
        )
        for master in masters
        if (missing := missing_names(master.view, names))
    )
    pairs = tuple(f"{name}={address}" for name, address in sorted(names.items()))
    resolved = look("resolve/is_resolved.sh", {"pairs": pairs}, "every name resolves to its address")
    barrier = all_of(masters, lambda _: resolved, wait_s=timeouts.RESOLVE_WAIT_S)
    note = "" if steps else "every master already resolves every peer"
    return make_phase(PhaseName.RESOLVE, steps, barrier=barrier, note=note)
