"""The values of a script: what its header lists, and how they reach the shell."""

from __future__ import annotations

import subprocess

import pytest

from orchestrator.core.model.header import Header, assignments, bind, parse_header
from orchestrator.core.model.outcome import Command
from orchestrator.core.model.plan import Script, canonical_json

TEXT = "# Keeps units down.\n# values: folder units...\n# values: [owner]\n#   folder   where units are\necho\n"


def test_header_lists_required_optional_and_list() -> None:
    assert parse_header(TEXT) == Header(frozenset({"folder"}), frozenset({"owner"}), "units")
    assert parse_header(TEXT).names == {"folder", "owner", "units"}
    assert parse_header("echo\n").names == frozenset()


@pytest.mark.parametrize("words", ["a... b...", "A", "a-b", "9", "[a..."])
def test_header_refuses_what_cannot_be_a_value(words: str) -> None:
    with pytest.raises(ValueError, match=r"two lists|cannot name"):
        parse_header(f"# values: {words}\n")


def test_optional_value_is_empty_if_not_given() -> None:
    assert bind("a.sh", TEXT, {"folder": "/u"}) == ({"folder": "/u", "owner": ""}, ())
    assert bind("a.sh", TEXT, {"units": ("a", "b"), "folder": "/u"}) == ({"folder": "/u", "owner": ""}, ("a", "b"))


@pytest.mark.parametrize(
    "values",
    [{}, {"folder": "/u", "other": ""}, {"folder": ("/u",)}, {"folder": "/u", "units": "a b"}],
    ids=["missing", "not in the header", "list for a value", "value for a list"],
)
def test_values_must_fit_the_header(values: dict[str, str | tuple[str, ...]]) -> None:
    with pytest.raises(ValueError, match=r"a\.sh"):
        bind("a.sh", TEXT, values)


@pytest.mark.parametrize("value", ["a b", "$(id)", "`id`", "it's", 'a"b', "a\nb", "*", "", "~", "-n"])
def test_value_stays_data(value: str) -> None:
    text = assignments({"x": value})
    ended = subprocess.run(["sh", "-c", f'{text}printf %s "$x"'], capture_output=True, text=True, check=True)
    assert ended.stdout == value


def test_name_is_a_fixed_word() -> None:
    with pytest.raises(ValueError, match="cannot name"):
        assignments({"x;id": "a"})


def test_order_of_values_does_not_matter() -> None:
    one, other = (Script(file="a", values=it) for it in ({"a": "1", "b": ("2",)}, {"b": ("2",), "a": "1"}))
    assert canonical_json(one) == canonical_json(other)
    assert Script.model_validate_json(canonical_json(one)) == one


def test_reader_sees_names_with_values() -> None:
    command = Command(("a.sh", "x"), "text", values={"folder": "/u", "owner": ""})
    assert command.words == ("a.sh", "folder=/u", "x")
