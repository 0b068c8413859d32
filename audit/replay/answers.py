"""What a replay's questions are answered with, and how one is refused."""

from typing import NamedTuple

import msgspec

from audit.replay.last_verdict import LastVerdict
from audit.replay.timeline import Mark
from audit.replay.walk import StepView


class ReplayRefused(Exception):
    """A question that is not answered; code: of the API's problems."""

    def __init__(self, code: str, status: int, why: str, retry_after: int | None = None) -> None:
        super().__init__(why)
        self.code = code
        self.status = status
        self.retry_after = retry_after


class PointView(msgspec.Struct, frozen=True):
    """A command in the shard's log, and its time."""

    offset: int
    time: str


class OverviewView(msgspec.Struct, frozen=True):
    """What there is to replay. is_ready: else the log is still being read, and `read` of `records` events have been.

    place: the offset that was asked for by a time, a position or itself. marks: the account's own commands, at most
    500 of mark_count, evenly chosen. symbols: those it ever held.
    """

    account_id: str
    shard: int
    is_ready: bool
    read: int
    records: int
    opened: PointView | None
    end: PointView | None
    place: int | None
    marks: list[Mark]
    mark_count: int
    symbols: list[str]
    verdict: LastVerdict | None


class StepsView(msgspec.Struct, frozen=True):
    """Steps in the log's order. previous: what to ask `before` for those before them; next: what to ask `after`.

    Null where there are none, but `next` at the end of a log that goes on.
    """

    account_id: str
    shard: int
    steps: list[StepView]
    previous: int | None
    next: int | None


class CommandView(msgspec.Struct, frozen=True):
    """A command as it stands in the log: in words, and in the ledger's own units as JSON text. type: null for none."""

    offset: int
    time: str
    type: str | None
    command_id: str | None
    words: str
    content: str | None


class When(NamedTuple):
    """A moment that is asked for, by at most one of these. time: µs."""

    offset: int | None = None
    time: int | None = None
    position_id: str | None = None
