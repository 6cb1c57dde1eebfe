"""Protocol Buffers wire format: just enough to pick known fields out of a message.

Source: "Encoding" in the Protocol Buffers documentation. Fields that the caller does not name are skipped, so
messages of later versions can be read too.
"""

from collections.abc import Iterator

Value = int | memoryview

VARINT, FIXED64, LENGTH_DELIMITED, FIXED32 = 0, 1, 2, 5
_FIXED_SIZES = {FIXED64: 8, FIXED32: 4}
_VARINT_BYTES_MAX = 10


class WireError(ValueError):
    """The bytes are not a Protocol Buffers message."""


def fields(message: memoryview) -> Iterator[tuple[int, Value]]:
    """Yield every field of a message as (number, value), in stored order.

    A varint is an unsigned int of at most 64 bits; everything else is a slice of the message, not a copy. Raises
    ``WireError`` if the message ends early or has a wire type that proto3 does not know.
    """
    position = 0
    while position < len(message):
        tag, position = varint(message, position)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == VARINT:
            value, position = varint(message, position)
            yield number, value
            continue
        if wire_type == LENGTH_DELIMITED:
            length, position = varint(message, position)
        elif wire_type in _FIXED_SIZES:
            length = _FIXED_SIZES[wire_type]
        else:
            raise WireError(f"field {number} at byte {position} has unknown wire type {wire_type}")
        end = position + length
        if end > len(message):
            raise WireError(f"field {number} at byte {position} runs {end - len(message)} bytes past the end")
        yield number, message[position:end]
        position = end


def varint(message: memoryview, position: int) -> tuple[int, int]:
    """Return the base-128 number at a position, and the position after it. Raises ``WireError``."""
    value = 0
    for index, byte in enumerate(message[position : position + _VARINT_BYTES_MAX]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, position + index + 1
    raise WireError(f"the number at byte {position} is not terminated")


def nested(message: memoryview, number: int) -> memoryview:
    """Return the last field of that number that has a length (the last one wins); empty if there is none."""
    found = memoryview(b"")
    for field, value in fields(message):
        if field == number and isinstance(value, memoryview):
            found = value
    return found


def text(message: memoryview, number: int) -> str:
    """Return the string field of that number; "" if there is none. Bytes that are not UTF-8 become U+FFFD."""
    return str(nested(message, number), "utf-8", "replace")


def integer(message: memoryview, number: int) -> int:
    """Return the varint field of that number as a signed 64-bit number; 0 if there is none."""
    found = 0
    for field, value in fields(message):
        if field == number and isinstance(value, int):
            found = value
    return found - (1 << 64) if found >> 63 else found
