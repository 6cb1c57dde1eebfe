"""The texts that hosts run, rendered from `templates/`. Pure: sources in, texts out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from jinja2 import DictLoader, Environment, StrictUndefined

from orchestrator.core.model.plan import Phase, Script

FOLDER = "host/"
INCLUDED = "lib/"
"""The folder of texts that scripts include: they do not run alone."""


class Scripts(Mapping[str, str]):
    """Every script for a host, by its file name, with what it includes put in its place. Each is rendered when it is
    asked for first: all of them take longer than anything else that a command does before it logs in."""

    def __init__(self, templates: Mapping[str, str]) -> None:
        # No autoescape: these are shell texts. Values reach them only as arguments.
        self._environment = Environment(  # noqa: S701
            loader=DictLoader(templates), undefined=StrictUndefined, keep_trailing_newline=True
        )
        names = [name.removeprefix(FOLDER) for name in templates if name.startswith(FOLDER)]
        self._names = [name for name in names if not name.startswith(INCLUDED)]
        self._texts: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        if name not in self._texts:
            if name not in self._names:
                raise KeyError(name)
            self._texts[name] = self._environment.get_template(FOLDER + name).render()
        return self._texts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


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
