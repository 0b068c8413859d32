"""Which path segments name a position or an event: `shard-n`, so that words like `open` and `close` never do."""

from typing import Final

from starlette.convertors import Convertor, register_url_convertor

LEDGER_ID: Final = "ledger_id"


class LedgerIdConvertor(Convertor[str]):
    """Matches `2-1234`."""

    regex = "[0-9]{1,5}-[0-9]{1,19}"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


# Routes are compiled where they are declared, so the name must be known by then.
register_url_convertor(LEDGER_ID, LedgerIdConvertor())
