"""The JSON Schema and the loader describe one format: what loads is valid, and the examples do both."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from orchestrator.adapters.inventory_file import load_inventory
from orchestrator.adapters.yaml import read_yaml
from orchestrator.core.inventory.document import MarkedDocument
from orchestrator.core.inventory.parser import parse_inventory
from orchestrator.core.inventory.schema import inventory_schema
from orchestrator.distros import DISTROS
from orchestrator.errors import UsageError

EXAMPLES = sorted((Path(__file__).parents[4] / "inventories").glob("*.yml"))
SCHEMA = Draft202012Validator(inventory_schema(DISTROS))


def _plain(file: Path) -> Any:
    return yaml.safe_load(file.read_text())


def _places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of every value in a document, except the document itself."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in pairs:
        yield (*path, key)
        yield from _places(below, (*path, key))


def _with(document: Any, path: tuple[str | int, ...], value: Any) -> Any:
    changed = copy.deepcopy(document)
    parent = changed
    for part in path[:-1]:
        parent = parent[part]
    parent[path[-1]] = value
    return changed


def _loads(document: Any) -> bool:
    try:
        parse_inventory(MarkedDocument(document), "any.yml", DISTROS)
    except UsageError:
        return False
    return True


def test_example_inventories_exist() -> None:
    assert {file.name for file in EXAMPLES} >= {"kublr.yml", "kublr-minimal.yml", "lab.yml"}


def test_schema_is_valid_json_schema() -> None:
    Draft202012Validator.check_schema(inventory_schema(DISTROS))


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_example_loads_and_validates(file: Path) -> None:
    assert load_inventory(file).masters
    assert [error.message for error in SCHEMA.iter_errors(_plain(file))] == []


def test_every_key_has_description() -> None:
    schema = inventory_schema(DISTROS)
    models = {"the document": schema, **schema["$defs"]}
    silent = [
        f"{name}.{key}"
        for name, model in models.items()
        for key, place in model.get("properties", {}).items()
        if not place.get("description") and not models[place["$ref"].removeprefix("#/$defs/")]["description"]
    ]
    assert silent == []


def test_examples_show_every_key() -> None:
    schema = inventory_schema(DISTROS)
    models = [schema, *schema["$defs"].values()]
    keys = {key for model in models for key in model.get("properties", {})}
    folder = Path(__file__).parents[4] / "inventories"
    text = (folder / "kublr.yml").read_text() + (folder / "systemd.yml").read_text()
    assert sorted(key for key in keys if f"{key}:" not in text) == []


_WRONG = st.sampled_from([None, True, -1, 0, 1.5, [], {}, ["x"], {"x": 1}, "", " ", "a b", "/", "no\n", "-x"])
_BASE = _plain(Path(__file__).parents[4] / "inventories" / "kublr.yml")


@given(st.sampled_from(sorted(_places(_BASE), key=str)), _WRONG)
def test_loadable_document_is_valid(path: tuple[str | int, ...], wrong: object) -> None:
    document = _with(_BASE, path, wrong)
    if _loads(document):
        assert [error.message for error in SCHEMA.iter_errors(document)] == []


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        (("cluster",), "prod 1"),
        (("format",), 2),
        (("policies", "volumes"), "hook"),
        (("policies", "workers", "batch"), "0%"),
        (("masters", "hosts", "a b"), {"address": "10.0.0.1"}),
        (("masters", "hosts"), {}),
        (("defaults", "port"), 65536),
        (("defaults", "password"), "x"),
        (("masters", "settings", "paths", "state"), "/var/../lib"),
    ],
)
def test_refused_document_is_invalid(path: tuple[str | int, ...], wrong: object) -> None:
    document = _with(_BASE, path, wrong)
    assert not _loads(document)
    assert not SCHEMA.is_valid(document)


@pytest.mark.parametrize(
    ("hook", "fits"),
    [
        ({"hook": ["/opt/put", "-a", "2"], "on": "laptop"}, True),
        ({"hook": ["put"], "on": "masters", "undo": ["take"], "timeout_s": 5, "rerunnable": True}, True),
        ({"hook": [], "on": "laptop"}, False),
        ({"hook": ["put"]}, False),
        ({"hook": ["put"], "on": "workers"}, False),
        ({"hook": ["put"], "on": "laptop", "rerunnable": "maybe"}, False),
        ({"hook": ["put"], "on": "laptop", "timeout_s": 0}, False),
    ],
)
def test_volumes_hook(hook: dict[str, object], fits: bool) -> None:
    document = _with(_BASE, ("policies", "volumes"), hook)
    assert (_loads(document), SCHEMA.is_valid(document)) == (fits, fits)


@given(st.text())
def test_arbitrary_text_raises_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        parse_inventory(read_yaml(text), "any.yml", DISTROS)


@given(
    st.integers(0, 3000),
    st.integers(0, 30),
    st.text(st.sampled_from(" :-{}[]&*!|>'\"#%@`,?\n\tax0<"), max_size=4),
)
def test_damaged_example_loads_or_raises_usage_error(start: int, length: int, instead: str) -> None:
    text = (Path(__file__).parents[4] / "inventories" / "kublr.yml").read_text()
    spoiled = text[:start] + instead + text[start + length :]
    try:
        inventory = parse_inventory(read_yaml(spoiled), "any.yml", DISTROS)
    except UsageError as error:
        assert "any.yml:" in error.message
    else:
        assert inventory.masters
