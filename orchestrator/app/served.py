"""Asks the API servers of a proven run what they serve. Changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from orchestrator.app.cluster import Cluster
from orchestrator.core.model.plan import Plan, Script
from orchestrator.core.proof.api_answers import ApiAnswers, api_looks, read_api
from orchestrator.core.proof.served import Served, judge_alive
from orchestrator.core.text import few
from orchestrator.core.timeouts import SERVED_POLL_S
from orchestrator.errors import UnprovenError


async def ask_api_servers(
    cluster: Cluster, plan: Plan, proof: Mapping[str, str], wait_s: float
) -> tuple[ApiAnswers, ...]:
    """The answers of all API servers; none if the plan restores nothing. Asks again for ``wait_s`` if they are not yet
    as they should be. Does not fail: an answer says why it is missing."""
    looks = {host: look for host, look in api_looks(plan).items() if host in cluster.opened}
    if not looks:
        return ()
    cluster.reporter.note("asking the API servers")
    deadline = cluster.clock.monotonic() + wait_s
    while True:
        answers = await asyncio.gather(*(_ask(cluster, host, look) for host, look in looks.items()))
        late = cluster.clock.monotonic() >= deadline or cluster.stop.requested
        if late or not judge_alive(plan, answers, proof):
            return tuple(answers)
        await cluster.clock.sleep(SERVED_POLL_S)


async def _ask(cluster: Cluster, host: str, look: Script) -> ApiAnswers:
    output = await cluster.look(host, look)
    if output.exit_code != 0:
        said = output.detail or output.stderr.decode("utf-8", "replace").strip()
        return ApiAnswers(host=host, unasked=f"the look failed: {said}")
    return read_api(host, output.text)


def api_error(served: Served | None) -> UnprovenError | None:
    """What to raise if the API is not proven; its next step shows more of the first failure."""
    if served is None or not served.failures:
        return None
    words = "; ".join(few([str(failure) for failure in served.failures]))
    return UnprovenError(f"etcd is proven, the API is not: {words}", served.next_step)
