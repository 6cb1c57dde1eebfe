"""Implements ``ports.Carrier`` over SSH: asks each host what it has of a file, and carries the file along chains."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from orchestrator.adapters.ssh.connection import NoAnswerError
from orchestrator.adapters.ssh.packing import Limit
from orchestrator.adapters.ssh.push import Target, ask_host, verified
from orchestrator.adapters.ssh.relay import Carry, End
from orchestrator.core.model.outcome import Ended, Outcome
from orchestrator.core.runs.markers import Part
from orchestrator.core.transfer.chains import Chain
from orchestrator.core.transfer.relay import Relay
from orchestrator.ports import HostError, Load, Witness


@dataclass(slots=True)
class SshCarrier:
    """Implements ``ports.Carrier``. ``ends`` has every open host, once it is settled."""

    ends: Mapping[str, Callable[[], End]]
    relay: Relay
    limit: Limit
    _tries: itertools.count[int] = field(default_factory=itertools.count)
    _parts: dict[str, str] = field(default_factory=dict)

    def reaches(self, host: str) -> bool:
        return host in self.ends

    async def standing(self, host: str, load: Load) -> int | Outcome:
        """Take over the part of an older try under a new name, as in a push to one host."""
        end, path = self.ends[host](), load.paths[host]
        part = self._parts[host] = f"{path}.part.{load.attempt}.{next(self._tries)}"
        try:
            target = Target(end.state, end.run, load.attempt, path, load.sha256)
            have = await ask_host(end.shell, end.functions, "part", target, part)
            return have if isinstance(have, Outcome) else await _offset(load, have)
        except NoAnswerError as error:
            return Outcome(Ended.LOST, detail=error.detail)
        except HostError as error:
            return Outcome(Ended.FAILED, detail=str(error))

    async def carry(self, chain: Chain, load: Load, witness: Witness) -> None:
        name = f"{load.attempt}-{next(self._tries)}"
        await Carry(self.ends, self.relay, self.limit, self._parts, chain, load, witness, name).run()


async def _offset(load: Load, part: Part) -> int | Outcome:
    """Return the offset to resume from. Raises HostError."""
    offset = await verified(load.source, part)
    if offset == load.source.size_bytes:  # complete, but not the file that the plan was made from
        return Outcome(Ended.FAILED, detail=f"the file that arrived has sha256 {part.sha256}")
    return offset
