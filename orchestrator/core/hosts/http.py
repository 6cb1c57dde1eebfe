"""HTTP answers as `curl --include` and `openssl s_client` print them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """Status 0 means that there was no answer. Header names are lower case."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""


def parse_http(text: str) -> HttpAnswer:
    """Status line, headers, an empty line, the body."""
    head, _, body = text.replace("\r\n", "\n").partition("\n\n")
    lines = head.splitlines()
    match = re.match(r"HTTP/\S+ (\d{3})", lines[0]) if lines else None
    if not match:
        return HttpAnswer()
    pairs = (line.partition(":") for line in lines[1:])
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return HttpAnswer(int(match[1]), headers, body)
