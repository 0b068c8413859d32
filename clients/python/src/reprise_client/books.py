"""What can be read of one's books, and the money that goes in and out."""

from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal

import msgspec

from reprise_client.asking import PAGE, Asking, Number, digits, new_key
from reprise_client.calls import Answer
from reprise_client.models import (
    Account,
    AccountEvent,
    Deposit,
    Fill,
    LedgerLine,
    Page,
    Receipt,
    Statement,
    TickClosings,
    Withdrawal,
)


class Books(Asking):
    """The part of a client that reads the account's books."""

    async def account(self) -> Account:
        """Give your account."""
        return await self._calls.read("/account", Account)

    def ledger(self) -> AsyncIterator[LedgerLine]:
        """Go through the changes of your balance, newest first."""
        return self._pages("/ledger", Page[LedgerLine])

    def fills(self, symbol: str | None = None) -> AsyncIterator[Fill]:
        """Go through your executions, newest first."""
        return self._pages("/fills", Page[Fill], symbol=symbol)

    async def receipt(self, event_id: str) -> Receipt:
        """Give the receipt of a close, a position's `receipt_id`."""
        return await self._calls.read(f"/receipts/{event_id}", Receipt)

    async def tick_closings(self, event_id: str) -> TickClosings:
        """Give what else closed at the tick of a receipt, and in which order."""
        return await self._calls.read(f"/receipts/{event_id}/closings", TickClosings)

    async def statement(self, *, start: datetime | None = None, end: datetime | None = None) -> Statement:
        """Give a period's lines, newest first, with the balance before and after it.

        start: the beginning by default. end: before this, now by default. Both with their time zone.
        """
        period = _period(start, end)
        statement = await self._calls.read("/statements", Statement, limit=PAGE, **period)
        items, cursor = list(statement.items), statement.next_cursor
        while cursor is not None:
            part = await self._calls.read("/statements", Statement, limit=PAGE, cursor=cursor, **period)
            items += part.items
            cursor = part.next_cursor
        return msgspec.structs.replace(statement, items=tuple(items), next_cursor=None)

    async def statement_csv(self, *, start: datetime | None = None, end: datetime | None = None) -> str:
        """Give a period's lines as one table of CSV with a header, newest first."""
        return await self._calls.text("/statements", format="csv", **_period(start, end))

    def events(self, after_seq: int = 0) -> AsyncIterator[AccountEvent]:
        """Go through the events of your account, the oldest first. after_seq: the last one that you have."""
        return self._pages("/audit/events", Page[AccountEvent], after_seq=str(after_seq))

    async def deposit(self, amount: Number, *, key: str | None = None) -> Deposit:
        """Bring demo money in; only the demo profile has this."""
        done = await self._calls.command("POST", "/demo/deposit", {"amount": digits(amount)}, key or new_key())
        if isinstance(done, Answer):
            return msgspec.convert(done.body, Deposit)
        return Deposit(command_id=done.command_id, amount=Decimal(digits(amount)))

    async def withdraw(self, amount: Number, *, note: str | None = None, key: str | None = None) -> Withdrawal:
        """Ask for money out of your free margin; in production an administrator approves it."""
        body = {"amount": digits(amount), "note": note}
        done = await self._calls.command("POST", "/withdrawals", body, key or new_key())
        assert isinstance(done, Answer), "a withdrawal has a status of its own from the first answer on"
        return msgspec.convert(done.body, Withdrawal)

    def withdrawals(self) -> AsyncIterator[Withdrawal]:
        """Go through your withdrawals, newest first."""
        return self._pages("/withdrawals", Page[Withdrawal])

    async def withdrawal(self, withdrawal_id: str) -> Withdrawal:
        """Give one withdrawal of yours."""
        return await self._calls.read(f"/withdrawals/{withdrawal_id}", Withdrawal)


def _period(start: datetime | None, end: datetime | None) -> dict[str, str]:
    return {name: moment.isoformat() for name, moment in (("from", start), ("to", end)) if moment is not None}
