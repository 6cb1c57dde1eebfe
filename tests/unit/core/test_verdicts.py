"""From the answers of hosts to a verdict, for each judge."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest

from orchestrator.core.facts import parse_facts
from orchestrator.core.http import HttpAnswer, parse_http
from orchestrator.core.model import Answer, Exec, Failure, Judge, Look, Output, Probe, Verdict
from orchestrator.core.verdicts import judge, read_shown
from tests.kubernetes_objects import lease_bytes, node_bytes
