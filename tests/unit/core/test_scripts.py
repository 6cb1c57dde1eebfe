"""The texts that hosts run: rendered whole, and only those that a plan names."""

from __future__ import annotations

import pytest
from jinja2 import UndefinedError

from orchestrator.core.model.plan import Exec, Look, Phase, PhaseName, Probe, Script, Step
from orchestrator.core.scripts import Scripts, used_by
from tests.unit.builders import plan, scripts

TEXTS = {name: f"# {name}" for name in ("act.sh", "asked.sh", "needed.sh", "seen.sh", "spare.sh")}


def probe(file: str) -> Probe:
    return Probe(looks=(Look(host="m", call=Script(file=file)), Look(host="m", call=Exec(argv=("true",)))))


def test_a_plan_carries_all_that_it_names_and_no_more() -> None:
    steps = (
        Step(id="keep.a/m", host="m", title="a", act=Script(file="act.sh"), done_if=probe("seen.sh")),
        Step(id="keep.b/m", host="m", title="b", act=Exec(argv=("true",))),
    )
    phase = Phase(
        name=PhaseName.KEEP, title="keep", steps=steps, requires=probe("needed.sh"), barrier=probe("asked.sh")
    )
    assert set(used_by([phase], TEXTS)) == set(TEXTS) - {"spare.sh"}
    assert used_by([phase], TEXTS)["act.sh"] == "# act.sh"
    assert used_by([], TEXTS) == {}


def test_a_text_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        used_by([Phase(name=PhaseName.KEEP, title="keep", barrier=probe("absent.sh"))], TEXTS)


def test_only_what_lies_in_the_hosts_folder_is_a_script() -> None:
    templates = {"host/a.sh": "one\n{% include 'b.sh' %}", "b.sh": "two\n"}
    assert Scripts(templates) == {"a.sh": "one\ntwo\n"}


def test_a_name_that_nobody_gives_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        dict(Scripts({"host/a.sh": "{{ missing }}"}))


def test_the_products_texts_are_rendered() -> None:
    assert all("{%" not in text and "{{" not in text for text in scripts().values())
    assert set(plan().files) < set(scripts())
    for name, text in plan().files.items():
        assert text == scripts()[name]
