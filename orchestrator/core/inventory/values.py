"""The types of values in an inventory. Each refuses with the words that the operator reads."""

import ipaddress
import posixpath
import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from orchestrator.core.inventory.document import as_text, as_whole_number

_TEXT = BeforeValidator(as_text)
_NUMBER = BeforeValidator(as_whole_number)

_NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_UNIT_PATTERN = r"[A-Za-z0-9][A-Za-z0-9:_.@-]*"
_USER_PATTERN = r"[A-Za-z0-9_][A-Za-z0-9_.@\\-]*"
# Paths get into unit files, where blanks, % and quotes have a special meaning.
_PATH_PATTERN = r"(/\.?[A-Za-z0-9_@:+,=-][A-Za-z0-9._@:+,=-]*)+"
_IP_PATTERN = r"[0-9.]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%[A-Za-z0-9._-]+)?"
_DNS_PATTERN = r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_.])?"
# Without `=`: `env` would take such a name as a variable.
_PROGRAM_PATTERN = r"/?[^/=~\x00-\x1f-][^=\x00-\x1f]*"
_ARGUMENT_PATTERN = r"[^\x00-\x1f]*"
_KEY_PATTERN = r"SHA256:[A-Za-z0-9+/]{43}|(ssh|ecdsa|sk)-[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,2}( [^\x00-\x1f]*)?"


def _quoted(value: str) -> str:
    """Quote a value, truncated if it is long: it may be a private key where a file name belongs."""
    return repr(value if len(value) <= 40 else f"{value[:37]}...")


def _matching(pattern: str, meaning: str) -> AfterValidator:
    """Return a validator for that pattern; its ValueError says what is meant instead of showing the pattern."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"{_quoted(value)} is not a {meaning}")
        return value

    return AfterValidator(check)


def _schema(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^({pattern})$"})


def _known_distribution(value: object, info: ValidationInfo) -> object:
    """Accept a distribution known to the reader of the document; in other contexts, as in a saved plan, any name."""
    known = (info.context or {}).get("distributions")
    if known is not None and value not in known:
        raise PydanticCustomError("enum", "no such distribution")
    return str(value)


def _host_path(value: str) -> str:
    """Accept an absolute, normalised path. Raises ValueError with the path that was probably meant."""
    if re.fullmatch(_PATH_PATTERN, value):
        return value
    guess = posixpath.normpath(f"/{value.lstrip('/')}")
    hint = f'; did you mean "{guess}"?' if re.fullmatch(_PATH_PATTERN, guess) else ""
    raise ValueError(f"{_quoted(value)} is not an absolute path without `.`, `..`, blanks or a trailing slash{hint}")


def _address(value: str) -> str:
    """Accept an IP address or a DNS name. Raises ValueError with what to write instead."""
    if "@" in value:
        raise ValueError(f"{_quoted(value)} contains a login name; set it with `user:`")
    if value.startswith("[") or re.fullmatch(r"[^:]+:[0-9]+", value):
        raise ValueError(f"{_quoted(value)} contains more than an address; set the port with `port:`, without brackets")
    if re.fullmatch(_IP_PATTERN, value):
        try:
            ipaddress.ip_address(value)
        except ValueError as error:
            raise ValueError(f"{_quoted(value)} is not an IP address") from error
    elif len(value) > 253 or not re.fullmatch(_DNS_PATTERN, value):
        raise ValueError(f"{_quoted(value)} is neither an IP address nor a DNS name")
    return value


def _batch(value: object) -> object:
    """Accept a number of hosts, or a percentage. Raises ValueError."""
    if isinstance(value, str) and re.fullmatch(r"[1-9][0-9]?%|100%", value):
        return str(value)
    count = value if isinstance(value, str) and value.endswith("%") else as_whole_number(value)
    if type(count) is not int or count < 1:
        raise ValueError(f"{value} is neither a number of hosts (1 or more) nor 1% to 100%")
    return count


MOST_REVISIONS = 10**15
"""By which one restore may raise the revision: an int64 still has room for thousands of them."""


def _bump(value: object) -> object:
    """auto, off, or a number of revisions. Raises ValueError."""
    if value in ("auto", "off"):
        return value
    if value is False:  # YAML 1.1 reads off as false
        return "off"
    count = as_whole_number(value)
    if type(count) is not int or not 1 <= count <= MOST_REVISIONS:
        raise ValueError(f"{value} is not auto, off, or a number of revisions from 1 to {MOST_REVISIONS}")
    return count


def _truth(value: object) -> object:
    """Accept true or false. Raises ValueError."""
    if isinstance(value, str) and value in ("true", "false"):
        return value == "true"
    if not isinstance(value, bool):
        raise ValueError(f"{value} is neither true nor false")  # noqa: TRY004 - pydantic collects ValueError
    return value


def _checked_program(argv: tuple[str, ...]) -> tuple[str, ...]:
    """Check that each laptop, and each host, finds the same program. Raises ValueError."""
    if not re.fullmatch(_PROGRAM_PATTERN, argv[0]) or ("/" in argv[0] and not argv[0].startswith("/")):
        raise ValueError(
            f"{_quoted(argv[0])} is not a program (expected an absolute path, or the name of a program on the PATH)"
        )
    return argv


def _none_is_absent(value: object) -> object:
    return None if value == "none" else value


Name = Annotated[
    str,
    _TEXT,
    _matching(_NAME_PATTERN, "name: a letter or digit, then letters, digits and . _ -"),
    _schema(_NAME_PATTERN),
]
UserName = Annotated[str, _TEXT, _matching(_USER_PATTERN, "login name"), _schema(_USER_PATTERN)]
UnitName = Annotated[str, _TEXT, _matching(_UNIT_PATTERN, "systemd unit name"), _schema(_UNIT_PATTERN)]
HostPath = Annotated[str, _TEXT, AfterValidator(_host_path), _schema(_PATH_PATTERN)]
LaptopPath = Annotated[str, _TEXT, _matching(r"[^\x00-\x1f]+", "file name"), _schema(r"[^\x00-\x1f]+")]
Address = Annotated[str, _TEXT, AfterValidator(_address), _schema(f"{_IP_PATTERN}|{_DNS_PATTERN}")]
HostKey = Annotated[
    str,
    _TEXT,
    _matching(_KEY_PATTERN, "host key: SHA256: and 43 characters, or a public key line"),
    _schema(_KEY_PATTERN),
]
Jump = Annotated[Name | None, BeforeValidator(_none_is_absent)]
WholeNumber = Annotated[int, Field(strict=True), _NUMBER]
Port = Annotated[int, Field(strict=True, ge=1, le=65535), _NUMBER]
Batch = Annotated[
    int | str,
    BeforeValidator(_batch),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": "^([1-9][0-9]?|100)%$"}]}
    ),
]
Bump = Annotated[
    int | str,
    BeforeValidator(_bump),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": MOST_REVISIONS},
                {"type": "string", "enum": ["auto", "off"]},
            ]
        }
    ),
]
Truth = Annotated[bool, BeforeValidator(_truth), WithJsonSchema({"type": "boolean"})]
Argv = Annotated[
    tuple[Annotated[str, _TEXT, _matching(_ARGUMENT_PATTERN, "single-line argument"), _schema(_ARGUMENT_PATTERN)], ...],
    Field(min_length=1),
    AfterValidator(_checked_program),
]
"""A program with its arguments."""

DistributionName = Annotated[str, BeforeValidator(_known_distribution)]
