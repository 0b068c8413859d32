"""What a released schema is to the codec: the class it is of, and what writes and reads its bytes."""

from collections.abc import Callable
from typing import Any

from librt.strings import BytesWriter

from schemas.record import Record


class Form:
    """One released schema. prefix: what a value of it begins with. version: of the rules that it came with.

    write: appends the fields of a message; read: gives the message whose fields begin at a place of a value. missing:
    what newer forms have and this one has not, so that it must be null; missing_in_items: the same of the records in a
    field.
    """

    def __init__(
        self,
        message: type[Record],
        version: int,
        prefix: bytes,
        write: Callable[[BytesWriter, Any], None],
        read: Callable[[bytes, int], Any],
        missing: tuple[str, ...] = (),
        missing_in_items: tuple[tuple[str, tuple[str, ...]], ...] = (),
    ) -> None:
        self.message = message
        self.version = version
        self.prefix = prefix
        self.write = write
        self.read = read
        self.missing = missing
        self.missing_in_items = missing_in_items

    def has_all_of(self, message: Record) -> bool:
        """Say whether nothing of a message would be lost."""
        return all(getattr(message, name) is None for name in self.missing) and all(
            getattr(item, name) is None
            for field, names in self.missing_in_items
            for item in getattr(message, field)
            for name in names
        )

    def encoded(self, message: Record) -> bytes:
        """Give a message's record value, but for what the codec adds behind its fields."""
        out = BytesWriter()
        out.write(self.prefix)
        self.write(out, message)
        return out.getvalue()
