"""How a ledger is copied as of one command while it goes on: what is about to change is encoded first."""

from typing import Final

from engine.core.state import State
from engine.snapshot.format import begin_page, encoded_account, end_page, head_of
from schemas.ledger_records import Account

PAGE_BYTES: Final = 65_536  # what one turn encodes, about: a fraction of a millisecond


def begin_copy(state: State) -> "LedgerCopy":
    """Begin a copy of the ledger as it is now. Costs what its markets cost; the accounts follow page by page.

    One copy at a time; `end_copy` when it has given its last page, or when it is no longer wanted.
    """
    assert state.copying is None, "a ledger is copied once at a time"
    state.copying = copy = LedgerCopy(head_of(state), state.accounts_by_number)
    return copy


def end_copy(state: State) -> None:
    """Let the ledger change without keeping what was."""
    state.copying = None


class LedgerCopy:
    """A copy of the accounts and their positions, given page by page in order of number.

    Whoever changes an account says so to `keep` before; nothing else of the ledger has to know. Each account is thus
    encoded as it was when the copy began, whenever its turn comes.
    """

    def __init__(self, head: bytes, accounts: list[Account]) -> None:
        """Begin the copy of these accounts, to whose list newer ones may be appended; head is its first page."""
        self._head: bytes | None = head
        self._accounts = accounts
        self._end = len(accounts)
        self._next = 0
        self._kept: dict[int, bytes] = {}

    @property
    def progress(self) -> tuple[int, int]:
        """How many accounts of how many are encoded."""
        return self._next, self._end

    def keep(self, account: Account) -> None:
        """Encode an account now, unless it is younger than the copy, in it already, or kept before."""
        number = account.number
        if self._next <= number < self._end and number not in self._kept:
            self._kept[number] = encoded_account(account)

    def next_page(self) -> bytes | None:
        """Give the head, then pages of accounts, then null."""
        if self._head is not None:
            head, self._head = self._head, None
            return head
        first = self._next
        if first == self._end:
            return None
        page = begin_page()
        while self._next < self._end and (self._next == first or len(page) < PAGE_BYTES):
            kept = self._kept.pop(self._next, None) if self._kept else None
            page.write(encoded_account(self._accounts[self._next]) if kept is None else kept)
            self._next += 1
        return end_page(page)
