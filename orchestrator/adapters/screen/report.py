"""Everything that people and programs see: the reporters of a run, the consoles, the tables, the JSON documents.

Results are printed on stdout, progress and failures on stderr. Colour is used only if the terminal supports it or
FORCE_COLOR is set; NO_COLOR overrides both. Without a terminal nothing is redrawn, whatever the environment says.
"""

from __future__ import annotations

from orchestrator.adapters.screen.pieces import print_lines
from orchestrator.adapters.screen.plan_tables import print_findings, print_plan
from orchestrator.adapters.screen.reporters import make_console, make_reporter, stderr, stdout
from orchestrator.adapters.screen.run_tables import (
    print_backup,
    print_error,
    print_evidence,
    print_pairs,
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
