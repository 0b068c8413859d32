"""The last event of each account that a reply of this process was about."""

from collections import OrderedDict
from typing import Final

ACCOUNTS_MAX: Final = 20_000


class LastSeen:
    """The `seq` of each account's last outcome that was answered here; used on the loop only."""

    def __init__(self) -> None:
        self._seqs: OrderedDict[str, int] = OrderedDict()

    def note(self, account_id: str, seq: int) -> None:
        """Take up an outcome; of an account's the last counts, whatever their order."""
        self._seqs[account_id] = max(seq, self._seqs.pop(account_id, 0))
        if len(self._seqs) > ACCOUNTS_MAX:
            self._seqs.popitem(last=False)

    def seq(self, account_id: str) -> int | None:
        """Give the last, where it is remembered."""
        return self._seqs.get(account_id)
