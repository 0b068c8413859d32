"""What became of a command: which event is its outcome, and which outcome counts."""

from typing import Final, assert_never

from projector.tables.rows import StoredOutcome
from schemas.bounds import is_id
from schemas.events import (
    AccountLimitsSet,
    AccountOpened,
    AllClosed,
    ClockSet,
    CommandRejected,
    CommandRepeated,
    Deposited,
    Event,
    FeedKept,
    FeedSelected,
    InstrumentsDefined,
    MarketStatusSet,
    OffsetGapAccepted,
    OldestReduced,
    PositionClosed,
    PositionOpened,
    PositionReduced,
    PricesUpdated,
    RulesActivated,
    StopsAmended,
    TickHeld,
    Withdrawn,
)
from schemas.rejections import Rejection

COMMAND_OF: Final[dict[type, str]] = {
    AccountOpened: "OpenAccount",
    Deposited: "Deposit",
    Withdrawn: "Withdraw",
    PositionOpened: "OpenPosition",
    PositionClosed: "ClosePosition",
    PositionReduced: "ReducePosition",
    OldestReduced: "ReduceOldest",
    AllClosed: "CloseAll",
    StopsAmended: "AmendStops",
    InstrumentsDefined: "DefineInstruments",
    MarketStatusSet: "SetMarketStatus",
    RulesActivated: "ActivateRules",
    ClockSet: "SetClock",
    AccountLimitsSet: "SetAccountLimits",
    OffsetGapAccepted: "AcceptOffsetGap",
}


def stored_outcome(shard: int, event: Event) -> StoredOutcome | None:
    """Give the outcome this event is, or null: it has index 0, and its command an id that can be asked for."""
    if event.index != 0 or event.command_id is None or not _can_be_asked_for(event):
        return None
    command_type: str | None = COMMAND_OF.get(type(event))
    rejection = position_id = client_order_id = None
    warnings: list[str] = []
    match event:
        case CommandRejected():
            command_type, rejection = event.command, event.rejection
        case PositionOpened():
            position_id, client_order_id, warnings = event.position_id, event.client_order_id, list(event.warnings)
        case StopsAmended():
            position_id, warnings = event.position_id, list(event.warnings)
        case PositionReduced():
            position_id, warnings = event.position_id, list(event.warnings)
        case PositionClosed():
            position_id = event.position_id
        case (
            AccountOpened()
            | Deposited()
            | Withdrawn()
            | OldestReduced()
            | AllClosed()
            | CommandRepeated()
            | InstrumentsDefined()
            | MarketStatusSet()
            | RulesActivated()
            | ClockSet()
            | AccountLimitsSet()
            | OffsetGapAccepted()
            | FeedSelected()
            | FeedKept()
            | PricesUpdated()
            | TickHeld()
        ):
            pass  # Says no more than its type does.
        case _:
            assert_never(event)
    is_remembered = event.account_id is None or event.account_seq is not None
    return StoredOutcome(
        command_id=event.command_id,
        account_id=event.account_id,
        shard=shard,
        seq=event.seq,
        type=command_type,
        status="done" if rejection is None else "rejected",
        rejection=rejection,
        position_id=position_id,
        client_order_id=client_order_id,
        warnings=warnings,
        first_offset=event.command_offset,
        time=event.time,
        command_hash=event.command_hash if is_remembered else None,
    )


def _can_be_asked_for(event: Event) -> bool:
    """Leave out ids the engine does not take, and accounts in a shard that is not theirs.

    What is no id may also be what PostgreSQL cannot store or index: a text with zero bytes, or of any length.
    """
    if isinstance(event, CommandRejected) and event.rejection == Rejection.WRONG_SHARD:
        return False
    return is_id(event.command_id or "") and (event.account_id is None or is_id(event.account_id))
