"""How records of the ledger become MessagePack and back, whatever the size of their integers.

MessagePack has integers of 64 bits, and a sum of the books may outgrow them. What fits is written as any writer does
it; in what does not, each such integer is an extension: its bytes, signed, the highest first.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec

WIDE_INTEGER: Final = 1  # type of the extension
_BITS: Final = 64

RecordT = TypeVar("RecordT")


def encode(value: object, parts: Callable[[Any], Any] | None = None) -> bytes:
    """Give the MessagePack of a record, or a collection. parts: gives what stands for what msgspec does not know."""
    try:
        return msgspec.msgpack.encode(value, enc_hook=parts)
    except OverflowError:
        return msgspec.msgpack.encode(_narrowed(msgspec.to_builtins(value, builtin_types=(bytes,), enc_hook=parts)))


def decode(page: bytes, record_type: type[RecordT], decoder: "msgspec.msgpack.Decoder[RecordT]") -> RecordT:
    """Read what `encode` has written; decoder: one of this type. Raises msgspec's own errors."""
    try:
        return decoder.decode(page)
    except msgspec.ValidationError:
        return msgspec.convert(msgspec.msgpack.decode(page, ext_hook=_widened), record_type)


def _narrowed(value: Any) -> Any:
    match value:
        case bool():
            return value
        case int():
            if -(2 ** (_BITS - 1)) <= value < 2**_BITS:
                return value
            size = value.bit_length() // 8 + 1
            return msgspec.msgpack.Ext(WIDE_INTEGER, value.to_bytes(size, "big", signed=True))
        case list() | tuple():
            return [_narrowed(each) for each in value]
        case dict():
            return {_narrowed(key): _narrowed(each) for key, each in value.items()}
        case _:
            return value


def _widened(code: int, data: memoryview) -> int:
    if code != WIDE_INTEGER:
        raise msgspec.ValidationError(f"an extension of type {code} is no integer")
    return int.from_bytes(data, "big", signed=True)
