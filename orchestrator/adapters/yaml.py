"""YAML as a `MarkedDocument`: strict, and with the place of every value (PyYAML).

PyYAML's constructors keep the last of two equal keys, guess the types of scalars and build objects from tags. So
only its composer is used: it returns nodes with their marks, and `_Reader` turns these into values.
"""

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from orchestrator.core.inventory.document import Fault, Mark, MarkedDocument, Path, Scalar, dotted

_TAG = "tag:yaml.org,2002:"
_KNOWN_TAGS = {"str", "int", "float", "bool", "null", "timestamp", "map", "seq", "merge", "value"}
# An inventory of 1,000 hosts has about 10,000 nodes; aliases of aliases can expand to billions.
_MOST_NODES = 200_000
_EMPTY = "the file is empty; start with a copy of inventories/kublr-minimal.yml"


def read_yaml(text: str) -> MarkedDocument:
    """Read the one document of ``text``. Faults are in its ``faults``; this never raises."""
    reader = _Reader()
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is None:
            return _unreadable(Mark(1, 1), _EMPTY)
        data = reader.value(node, ())
    except yaml.MarkedYAMLError as error:
        return _unreadable(_mark(error.problem_mark or error.context_mark), _problem(error))
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        mark = Mark(before.count("\n") + 1, error.position - (before.rfind("\n") + 1) + 1)
        return _unreadable(mark, f"character U+{error.character:04X} is not allowed in YAML")
    except RecursionError:
        return _unreadable(Mark(1, 1), "nested too deep; an alias may be inside its own anchor")
    return MarkedDocument(data, reader.keys, reader.values, tuple(reader.faults))


class _Reader:
    """Turns nodes into values, and records the place and the faults of each."""

    def __init__(self) -> None:
        self.keys: dict[Path, Mark] = {}
        self.values: dict[Path, Mark] = {}
        self.faults: list[Fault] = []
        self._nodes = 0

    def value(self, node: Node, path: Path) -> object:
        """Return a dict, list, Scalar or None; of two equal keys the first. Raises RecursionError."""
        self._count()
        self.values[path] = _mark(node.start_mark)
        kind = node.tag.removeprefix(_TAG)
        if kind not in _KNOWN_TAGS:
            self._fault(node, path, f"the tag {node.tag} is not supported; write the plain value")
        elif isinstance(node, MappingNode):
            return self._mapping(node, path)
        elif isinstance(node, SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        elif isinstance(node, ScalarNode) and kind != "null":
            return _scalar(node)
        return None

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, object]:
        values: dict[str, object] = {}
        for key, value in self._entries(node, path).values():
            below = (*path, key.value)
            self.keys[below] = _mark(key.start_mark)
            values[_scalar(key)] = self.value(value, below)
        return values

    def _entries(self, node: MappingNode, path: Path) -> dict[str, tuple[ScalarNode, Node]]:
        """Return a mapping's own entries, and those of ``<<`` whose keys it does not have."""
        self._count()
        own: dict[str, tuple[ScalarNode, Node]] = {}
        merged: dict[str, tuple[ScalarNode, Node]] = {}
        for key, value in node.value:
            if key.tag == f"{_TAG}merge":
                for source in value.value if isinstance(value, SequenceNode) else [value]:
                    if isinstance(source, MappingNode):
                        merged = self._entries(source, path) | merged
                    else:
                        self._fault(source, path, "<< expects the alias of a mapping")
            elif not isinstance(key, ScalarNode):
                self._fault(key, path, "a key must be a plain word")
            elif key.value in own:
                first = _mark(own[key.value][0].start_mark)
                text = f"duplicate key; the first is at {first.line}:{first.column}"
                self._fault(key, (*path, key.value), text)
            else:
                own[key.value] = (key, value)
        return merged | own

    def _count(self) -> None:
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            raise RecursionError

    def _fault(self, node: Node, path: Path, text: str) -> None:
        self.faults.append(Fault(_mark(node.start_mark), dotted(path), text))


def _unreadable(mark: Mark, text: str) -> MarkedDocument:
    return MarkedDocument(None, faults=(Fault(mark, "", text),))


def _scalar(node: ScalarNode) -> Scalar:
    return Scalar(node.value, node.tag.removeprefix(_TAG) if node.style is None else "str")


def _mark(mark: yaml.Mark | None) -> Mark:
    return Mark(mark.line + 1, mark.column + 1) if mark else Mark(1, 1)


def _problem(error: yaml.MarkedYAMLError) -> str:
    if error.problem == "but found another document":
        return "second document: an inventory must be one document"
    return "not YAML: " + ", ".join(part for part in (error.context, error.problem) if part)
