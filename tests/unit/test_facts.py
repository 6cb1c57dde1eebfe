"""Facts are pairs: what the host scripts print, what the modules declare in FACTS, and what they read are the same."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "templates" / "host"
PACKAGE = ROOT / "orchestrator"

_COMMENT = re.compile(r"(^|\s)#\s.*$", re.MULTILINE)
_PRINTED = re.compile(r"""(?<![\w."'-])(?:fact|told) +("[^"\n]+"|[\w:$]+)""")
_FILLED_IN = re.compile(r"\$\{[^}]*\}|\$\w+?(?=_|\W|$)")
_HOLDERS = ("fact", "facts")


def test_scripts_print_the_declared_facts() -> None:
    assert _by_script(_declared()) == {file: names for file, names in _printed().items() if names}


def test_modules_read_the_facts_that_they_declare() -> None:
    declared = _declared()
    for module in sorted(PACKAGE.rglob("*.py")):
        names = {name for names in declared.get(module, {}).values() for name in names}
        assert _read(ast.parse(module.read_text())) == names, module


def test_services_are_printed_under_the_names_that_are_read() -> None:
    printed = {name for text in _texts().values() for name in re.findall(r"\bunit_facts (\w+) ", text)}
    read = {
        node.args[0].value
        for module in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "read_service"
        if isinstance(node.args[0], ast.Constant)
    }
    assert printed == read != set()


def test_a_pattern_is_filled_in_by_its_caller_only() -> None:
    patterns = {name for names in _printed().values() for name in names if "*" in name}
    assert patterns == {"*_unit", "*_environment_*", "file:*"}
    plain = {name for names in _printed().values() for name in names} - patterns
    assert not [name for name in plain for pattern in patterns if fnmatchcase(name, pattern)]


def _texts() -> dict[str, str]:
    return {
        str(path.relative_to(SCRIPTS)): _COMMENT.sub("", path.read_text()) for path in sorted(SCRIPTS.rglob("*.sh"))
    }


def _printed() -> dict[str, set[str]]:
    """Script file -> names, with ``*`` for what the script fills in. facts.sh itself prints for its callers."""
    return {
        file: {_FILLED_IN.sub("*", name.strip('"')) for name in _PRINTED.findall(text)}
        for file, text in _texts().items()
        if file != "lib/facts.sh"
    }


def _declared() -> dict[Path, dict[str, list[str]]]:
    found: dict[Path, dict[str, list[str]]] = {}
    for module in PACKAGE.rglob("*.py"):
        for node in ast.parse(module.read_text()).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "FACTS":
                declared: dict[str, str] = ast.literal_eval(node.value)
                found[module] = {file: names.split() for file, names in declared.items()}
                assert all(sorted(set(names)) == names for names in found[module].values()), f"sort FACTS of {module}"
    return found


def _by_script(declared: dict[Path, dict[str, list[str]]]) -> dict[str, set[str]]:
    scripts: dict[str, set[str]] = {}
    for facts in declared.values():
        for file, names in facts.items():
            scripts.setdefault(file, set()).update(names)
    return scripts


def _read(tree: ast.Module) -> set[str]:
    """The names in ``facts[...]``, ``facts.get(...)``, ``... in facts``, and a prefix of names that are looped over."""
    loops = _loops(tree)
    return {name for node in ast.walk(tree) for key in _keys(node) for name in _names(key, loops)}


def _keys(node: ast.AST) -> Iterator[ast.expr]:
    match node:
        case ast.Subscript(value=ast.Name(id=holder), slice=key) if holder in _HOLDERS:
            yield key
        case ast.Call(func=ast.Attribute(value=ast.Name(id=holder), attr="get"), args=[key, *_]) if holder in _HOLDERS:
            yield key
        case ast.Compare(left=key, ops=[ast.In() | ast.NotIn()], comparators=[ast.Name(id=holder)]) if (
            holder in _HOLDERS
        ):
            yield key
        case ast.comprehension(iter=ast.Call(func=ast.Attribute(value=ast.Name(id=holder), attr="items")), ifs=tests):
            if holder in _HOLDERS:
                yield from (_prefix(test) for test in tests if isinstance(test, ast.Call) and _is_prefix(test))


def _is_prefix(test: ast.Call) -> bool:
    return isinstance(test.func, ast.Attribute) and test.func.attr == "startswith"


def _prefix(test: ast.Call) -> ast.expr:
    (start,) = test.args
    return ast.JoinedStr([start, ast.FormattedValue(start, -1)])


def _loops(tree: ast.Module) -> dict[str, set[str]]:
    """Variables that run over a tuple of texts."""
    loops: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        match node:
            case (
                ast.comprehension(target=ast.Name(id=name), iter=ast.Tuple(elts=found))
                | ast.For(target=ast.Name(id=name), iter=ast.Tuple(elts=found))
            ):
                texts = {it.value for it in found if isinstance(it, ast.Constant) and isinstance(it.value, str)}
                loops.setdefault(name, set()).update(texts)
    return loops


def _names(key: ast.expr, loops: dict[str, set[str]]) -> set[str]:
    match key:
        case ast.Constant(value=str(name)):
            return {name}
        case ast.JoinedStr(values=parts):
            return {"".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in parts)}
        case ast.Name(id=name):
            return loops.get(name, set())
    return set()
