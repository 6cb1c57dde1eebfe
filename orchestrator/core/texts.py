"""The texts that hosts run, rendered from `templates/`. Pure: sources in, texts out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from jinja2 import DictLoader, Environment, StrictUndefined

from orchestrator.core.model import Phase, Script

FOLDER = "host/"


def render_scripts(templates: Mapping[str, str]) -> dict[str, str]:
    """Every script for a host, by its file name, with what it includes put in its place."""
    # No autoescape: these are shell texts. Values reach them only as arguments.
    environment = Environment(loader=DictLoader(templates), undefined=StrictUndefined, keep_trailing_newline=True)  # noqa: S701
    return {
        name.removeprefix(FOLDER): environment.get_template(name).render()
        for name in templates
        if name.startswith(FOLDER)
    }


def used_by(phases: Iterable[Phase], scripts: Mapping[str, str]) -> dict[str, str]:
    """Those of the scripts that a plan's phases name: a plan carries all that it runs, and no more."""
    names: set[str] = set()
    for phase in phases:
        probes = [phase.requires, phase.barrier]
        probes += [probe for step in phase.steps for probe in (step.requires, step.done_if)]
        calls = [look.call for probe in probes if probe for look in probe.looks]
        calls += [step.act for step in phase.steps if isinstance(step.act, Script)]
        names |= {call.file for call in calls if isinstance(call, Script)}
    return {name: scripts[name] for name in sorted(names)}
