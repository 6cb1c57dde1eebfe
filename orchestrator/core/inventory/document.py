"""A document that a person wrote: its values, the place of each, and its faults.

A YAML 1.1 reader guesses: ``no`` becomes false, ``022`` becomes 18, ``1:30`` becomes 90. Here a scalar stays the
text that was written (`Scalar`), and the receiving model decides: `as_text` refuses what other readers would not
take as text, `as_whole_number` refuses everything except plain decimal digits.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from orchestrator.errors import UsageError, program

Path = tuple[str | int, ...]

_NO_PARTS = ("[key]", "[word]", "[hook]")
"""Names of a union's choices, which pydantic adds to a fault's path: they are not keys of the document."""
_WHOLE_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})")


class Mark(NamedTuple):
    """A place in a file; both numbers start at 1, as in editors."""

    line: int
    column: int


class Scalar(str):
    """A scalar exactly as written. ``yaml_type``: how YAML 1.1 reads it (str, int, bool, timestamp)."""

    yaml_type: str

    def __new__(cls, text: str, yaml_type: str = "str") -> "Scalar":
        """Create a scalar; quoted text is always of type str."""
        scalar = super().__new__(cls, text)
        scalar.yaml_type = yaml_type
        return scalar


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One fault at one place of a document. Faults sort by place."""

    mark: Mark
    path: str
    text: str

    def line(self, source: str) -> str:
        """Format the fault: ``file:line:column path: what is wrong; what was probably meant``."""
        where = f"{source}:{self.mark.line}:{self.mark.column}"
        return f"{where} {self.path}: {self.text}" if self.path else f"{where} {self.text}"


@dataclass(frozen=True, slots=True)
class MarkedDocument:
    """Mappings, lists, `Scalar` and None, with the place of each key and each value by its path."""

    data: object
    keys: Mapping[Path, Mark] = field(default_factory=dict)
    values: Mapping[Path, Mark] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()

    def fault(self, path: Path, text: str, *, at_key: bool = False) -> Fault:
        """Return a fault at the value of ``path``, at its key, or at the nearest written key above."""
        preferred = self.keys if at_key else self.values
        mark = preferred.get(path)
        above = path
        while mark is None and above:
            above = above[:-1]
            mark = self.keys.get(above)
        return Fault(mark or self.values.get((), Mark(1, 1)), dotted(path), text)


def dotted(path: Path) -> str:
    """Format a path: ``masters.hosts.master-1.host_key[0]``."""
    shown = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return shown.removeprefix(".")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean "port"?`` or, if nothing is similar, the list of known words."""
    words = list(known)
    return _suggestion(word, words) or (f"; known: {', '.join(words)}" if words else "")


def _suggestion(word: str, words: list[str]) -> str:
    near = difflib.get_close_matches(word, words, n=1)
    return f'; did you mean "{near[0]}"?' if near else ""


def faults_error(source: str, faults: Iterable[Fault]) -> UsageError:
    """Combine all faults of a file into one error, one line each, in the order of the file."""
    ordered = sorted(set(faults))
    lines = [fault.line(source) for fault in ordered]
    message = lines[0] if len(lines) == 1 else "\n  ".join((f"{source} has {len(lines)} faults:", *lines))
    return UsageError(message, program("${EDITOR:-vi}", f"+{ordered[0].mark.line}", source))


def as_text(value: object) -> object:
    """Pydantic validator: accept text that every YAML reader takes as text, or a decimal number.

    Raises ValueError for ``no``, ``2024-01-01``, ``1:30``, ``022``, ``1.10``... written without quotes.
    """
    if not isinstance(value, Scalar):
        return value
    decimal = value.yaml_type == "int" and _WHOLE_NUMBER.fullmatch(value)
    if value.yaml_type == "str" or decimal:
        return str(value)
    raise ValueError(f'{value} without quotes is {_yaml_reading(value)} in YAML; as text, write "{value}"')


def as_whole_number(value: object) -> object:
    """Pydantic validator: accept decimal digits only. Raises ValueError that names the trap."""
    if isinstance(value, bool):
        raise ValueError("a truth value; expected a whole number")  # noqa: TRY004 - pydantic collects ValueError
    if not isinstance(value, str):
        return value
    if _WHOLE_NUMBER.fullmatch(value):
        return int(value)
    if re.fullmatch(r"0[0-9]+", value):
        raise ValueError(f"{value} is {_yaml_reading(value)} in YAML; write {int(value)}")
    if re.fullmatch(r"[0-9]+(_[0-9]+)+", value):
        raise ValueError(f"{value} is not the same number to every YAML reader; write {value.replace('_', '')}")
    raise ValueError(f"{value} is {_yaml_reading(value)}; expected a whole number")


def _yaml_reading(text: str) -> str:
    """Return how a YAML 1.1 reader interprets a plain scalar, with its article."""
    if re.fullmatch(r"0[0-7]+", text):
        return f"an octal number ({int(text, 8)})"
    if re.fullmatch(r"[0-9]+(:[0-5]?[0-9])+", text):
        return "a number in base 60"
    names = {
        "bool": "a truth value",
        "float": "a decimal fraction",
        "int": "a number in another notation",
        "null": "an empty value",
        "timestamp": "a date",
    }
    return names.get(getattr(text, "yaml_type", "str"), "text")


def model_faults(
    error: ValidationError,
    document: MarkedDocument,
    schema: Mapping[str, Any],
    synonyms: Mapping[str, str],
) -> Iterator[Fault]:
    """Translate pydantic's errors into the operator's terms.

    ``schema`` is the JSON Schema of the model; it says what is known at a place. ``synonyms`` maps words that
    people try to the key they mean.
    """
    for detail in error.errors(include_url=False):
        at_key = detail["loc"][-1:] == ("[key]",)
        path = tuple(part for part in detail["loc"] if part not in _NO_PARTS)
        kind = detail["type"]
        if kind == "extra_forbidden":
            yield document.fault(path, _unknown_key(path, schema, synonyms), at_key=True)
        elif kind == "missing":
            purpose = _schema_at(schema, path).get("description", "")
            yield document.fault(path, f"missing: {purpose}" if purpose else "missing", at_key=True)
        else:
            yield document.fault(path, _describe(detail, _schema_at(schema, path)), at_key=at_key)


def _unknown_key(path: Path, schema: Mapping[str, Any], synonyms: Mapping[str, str]) -> str:
    key = str(path[-1])
    known = _schema_at(schema, path[:-1]).get("properties", {})
    if "password" in key or key.endswith("_pass"):
        return "passwords are not allowed in the file; you are asked when one is needed"
    meant = synonyms.get(key, key)
    return f"unknown key{did_you_mean(meant if meant in known else key, known)}"


def _describe(detail: ErrorDetails, place: Mapping[str, Any]) -> str:
    """Describe one of pydantic's value errors; its own words are kept if they help."""
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if value is None:
        return "is empty; set a value or delete the line"
    if kind == "value_error":
        return str(context["error"])
    if kind in {"enum", "literal_error"}:
        choices = [str(choice) for choice in place.get("enum", (place.get("const"),))]
        return f"{value} is not one of {', '.join(choices)}{_suggestion(str(value), choices)}"
    shapes = {
        "model_type": "a mapping (key: value lines)",
        "dict_type": "a mapping (name: value lines)",
        "tuple_type": "a list ([one, two] or lines that start with a dash)",
        "string_type": "text",
        "int_type": "a whole number",
    }
    if kind in shapes:
        return f"expected {shapes[kind]}"
    if kind in {"greater_than_equal", "less_than_equal"}:
        return f"{value} is below {context['ge']}" if "ge" in context else f"{value} is above {context['le']}"
    if kind == "too_short":
        return "is empty; at least one entry is required"
    return f"{value}: {detail['msg'][:1].lower()}{detail['msg'][1:]}"


def _schema_at(schema: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return the part of a JSON Schema that describes ``path``; empty if the schema has no such place."""
    place = _resolved(schema, schema)
    for part in path:
        below: object = place.get("items") if isinstance(part, int) else place.get("properties", {}).get(part)
        if below is None:
            below = next(iter(place.get("patternProperties", {}).values()), None)
        if not isinstance(below, Mapping):
            return {}
        place = _resolved(schema, below)
    return place


def _resolved(schema: Mapping[str, Any], place: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``place`` with its reference followed and, for a value of several kinds, all kinds except null merged."""
    found = dict(place)
    for choice in (*found.pop("anyOf", ()), *found.pop("oneOf", ())):
        if choice.get("type") != "null":
            found = {**_resolved(schema, choice), **found}
    reference = found.pop("$ref", None)
    if reference is None:
        return found
    return {**schema["$defs"][reference.rpartition("/")[2]], **found}
