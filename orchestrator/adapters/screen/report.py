"""All that people and programs see: the reporters of a run, the consoles, the tables, the JSON documents.

Results go to stdout, progress and failures to stderr. Colour comes only where a terminal shows it, or FORCE_COLOR
asks for it; NO_COLOR wins over both. Nothing moves on what is no terminal, whatever the environment says.
"""

from __future__ import annotations

from orchestrator.adapters.screen.reporters import make_console, make_reporter, stderr, stdout
from orchestrator.adapters.screen.tables import (
    print_backup,
    print_error,
    print_evidence,
    print_findings,
    print_lines,
    print_pairs,
    print_plan,
    print_result,
    print_status,
)
from orchestrator.core.report.json_output import check_json, error_json, plan_json, result_json, status_json

__all__ = [
    "check_json",
    "error_json",
    "make_console",
    "make_reporter",
    "plan_json",
    "print_backup",
    "print_error",
    "print_evidence",
    "print_findings",
    "print_lines",
    "print_pairs",
    "print_plan",
    "print_result",
    "print_status",
    "result_json",
    "status_json",
    "stderr",
    "stdout",
]
