"""`make lint`: shellcheck over what hosts run, rendered, with the values that each script's header lists.

A name that the header does not list is then an unassigned variable (SC2154), and one that the script does not use an
unused one (SC2034). shellcheck sees each file alone, so `EXCLUDED` has what an include brings along.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from orchestrator.adapters.templates import read_templates
from orchestrator.core.model.header import parse_header
from orchestrator.core.scripts import Scripts

ALWAYS = ("STATE", "RUN", "ATTEMPT", "STEP")
"""What `act.sh` exports to every act."""
TOP: dict[str, tuple[str, ...]] = {"act.sh": (), "host.sh": (), "relay.sh": ("SC2154",)}
"""The wrapper of an act and the functions of a shell, with what is excluded in each: the caller of relay.sh's functions
sets the variables that a function's first line names."""
EXCLUDED = {
    "SC1007": "`a= b=` empties several variables",
    "SC2030": "a function in a subshell keeps its variables to itself on purpose",
    "SC2031": "as SC2030",
    "SC2119": "an included function may take arguments that this script does not give",
    "SC2120": "as SC2119",
    "SC2174": "only the deepest folder of `mkdir -p -m` is ours",
    "SC2317": "an included function may have no caller in this script",
}


def with_values(text: str, *excluded: str) -> str:
    """The script, preceded by lines that set what it is given."""
    header = parse_header(text)
    named = " ".join(f"{name}=value" for name in sorted(header.required | header.optional))
    given = " ".join(f"{name}=value" for name in ALWAYS)
    disabled = ",".join((*EXCLUDED, *excluded))
    return f"#!/bin/sh\n# shellcheck disable={disabled}\nexport {given}\n{named}\nset -- one two\n{text}"


def main() -> int:
    """The exit status of shellcheck."""
    templates = read_templates()
    with tempfile.TemporaryDirectory() as folder:
        texts = {name: with_values(text) for name, text in Scripts(templates).items()}
        texts |= {name: with_values(templates[name], *TOP[name]) for name in TOP}
        for name, text in texts.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        options = ("--shell=dash", "--severity=warning", "--format=gcc")
        return subprocess.run(["shellcheck", *options, *texts], cwd=folder, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
