"""The primitives of Avro's binary encoding: each writes or reads one value.

A writer appends to an output; a reader gives the value that begins at a place, and where the next one does. Readers
raise ValueError or IndexError for bytes that are no such value.
"""

from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64

MORE: Final = 0x80  # the bit of a byte that says that more follow
SEVEN_BITS: Final = 0x7F
INT64_BITS: Final = 64
TENTH_SHIFT: Final = 63  # of a tenth byte's bits
SHORT: Final = 1 << 61  # numbers below it take no more than 62 bits and a sign
NULL: Final = 0
NOT_NULL: Final = 2  # the second branch of a union


def write_long(out: BytesWriter, number: int) -> None:
    """Zigzag, then seven bits a byte, the lowest first. Raises OverflowError beyond 64 bits."""
    if not -SHORT < number < SHORT:
        _write_wide(out, number)
        return
    short: i64 = number
    bits: i64 = short << 1 if short >= 0 else ~(short << 1)
    while bits > SEVEN_BITS:
        out.append(bits & SEVEN_BITS | MORE)
        bits >>= 7
    out.append(bits)


def _write_wide(out: BytesWriter, number: int) -> None:
    bits = number << 1 if number >= 0 else ~(number << 1)
    if bits >> INT64_BITS:
        raise OverflowError(f"{number} exceeds 64 bits")
    while bits > SEVEN_BITS:
        out.append(bits & SEVEN_BITS | MORE)
        bits >>= 7
    out.append(bits)


def read_long(value: bytes, at: int) -> tuple[int, int]:
    """Read what `write_long` writes."""
    bits, at = _read_bits(value, at)
    return (~(bits >> 1) if bits & 1 else bits >> 1), at


def _read_bits(value: bytes, at: int) -> tuple[int, int]:
    """Read a number before its zigzag is undone; nine bytes fit a machine's integer, and a tenth has one bit."""
    byte: i64 = value[at]
    if byte < MORE:
        return byte, at + 1
    bits: i64 = byte & SEVEN_BITS
    shift: i64 = 7
    while shift < TENTH_SHIFT:
        at += 1
        byte = value[at]
        bits |= (byte & SEVEN_BITS) << shift
        if byte < MORE:
            return bits, at + 1
        shift += 7
    at += 1
    last = value[at]
    if last >= MORE:
        raise ValueError("a number of more than ten bytes")
    if last > 1:
        raise ValueError("a number exceeds 64 bits")
    low: int = bits
    return low | last << TENTH_SHIFT, at + 1


def read_count(value: bytes, at: int) -> tuple[int, int]:
    """Read a number that must not be negative: a length, or the number of a symbol."""
    number, at = read_long(value, at)
    if number < 0:
        raise ValueError("a length or a symbol's number is negative")
    return number, at


def write_string(out: BytesWriter, text: str) -> None:
    """Write the length in bytes, then UTF-8."""
    encoded = text.encode()
    write_long(out, len(encoded))
    out.write(encoded)


def read_string(value: bytes, at: int) -> tuple[str, int]:
    """Read what `write_string` writes."""
    length, at = read_count(value, at)
    end = at + length
    if end > len(value):
        raise ValueError("a text ends early")
    return value[at:end].decode(), end


def write_boolean(out: BytesWriter, flag: bool) -> None:
    """Write one byte."""
    out.append(1 if flag else 0)


def read_boolean(value: bytes, at: int) -> tuple[bool, int]:
    """Read what `write_boolean` writes."""
    byte = value[at]
    if byte > 1:
        raise ValueError("neither true nor false")
    return byte == 1, at + 1


def write_decimal(out: BytesWriter, number: int) -> None:
    """Write a whole number of any size: its bytes behind their length, signed, the highest first."""
    content = number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True)
    write_long(out, len(content))
    out.write(content)


def read_decimal(value: bytes, at: int) -> tuple[int, int]:
    """Read what `write_decimal` writes."""
    size, at = read_count(value, at)
    end = at + size
    if end > len(value):
        raise ValueError("a number ends early")
    return int.from_bytes(value[at:end], "big", signed=True), end


def write_fixed(out: BytesWriter, content: bytes, size: int) -> None:
    """Write bytes whose number is known."""
    if len(content) != size:
        raise ValueError(f"{len(content)} bytes where there must be {size}")
    out.write(content)


def read_fixed(value: bytes, at: int, size: int) -> tuple[bytes, int]:
    """Read what `write_fixed` writes."""
    end = at + size
    if end > len(value):
        raise ValueError("bytes end early")
    return value[at:end], end


def write_not_null(out: BytesWriter) -> None:
    """Say that a value follows."""
    out.append(NOT_NULL)


def write_null(out: BytesWriter) -> None:
    """Say that there is no value."""
    out.append(NULL)


def read_is_null(value: bytes, at: int) -> tuple[bool, int]:
    """Read whether there is no value."""
    branch, at = _read_bits(value, at)
    if branch == NULL:
        return True, at
    if branch != NOT_NULL:
        raise ValueError("no branch of the union")
    return False, at


def read_block(value: bytes, at: int) -> tuple[int, int]:
    """Read how many items of an array or map follow, none at its end. After a negated count comes their size."""
    count, at = read_long(value, at)
    if count >= 0:
        return count, at
    _, at = read_long(value, at)
    return -count, at


def must_end(value: bytes, at: int) -> None:
    """Refuse bytes behind a message."""
    if at != len(value):
        raise ValueError("it ends early, or bytes follow it")
