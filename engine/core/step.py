"""One command, whole: decided, applied, and followed by what it causes, each event applied before the next."""

from engine.core.apply import apply
from engine.core.closing import closed, positions_that_close
from engine.core.context import CommandContext
from engine.core.decide import decide
from engine.core.prices import condition
from engine.core.reducing import reduced, shares_of
from engine.core.state import State
from engine.core.triggers import REASONS, Trigger
from schemas.commands import Broadcast, ClientCommand, Command
from schemas.events import AllClosed, Event, MarketStatusSet, OldestReduced, PricesUpdated
from schemas.offset_gaps import OffsetGap
from schemas.units import Ticks, Timestamp

IDENTIFIED = (ClientCommand, Broadcast)


def step(state: State, command: Command | None, *, offset: int, time: int) -> list[Event]:
    """Execute the command at this offset, appended at this time (µs); null stands for bytes that are no command.

    Gives at least one event. Whatever the command is, nothing is raised but RulesUnknown, by which older code says that
    only newer code goes on; any other exception is a defect of the core.
    """
    assert offset == state.next_offset, f"command {offset} where {state.next_offset} comes next"
    context = CommandContext(
        offset=offset,
        time=Timestamp(max(time, state.time)),
        appended_at=Timestamp(time),
        first_seq=state.seq + 1,
        command=type(command).__name__ if command is not None else None,
        command_id=command.command_id if isinstance(command, IDENTIFIED) else None,
    )
    events = decide(state, command, context)
    for event in events:
        apply(state, event)
    outcome = events[0]
    if isinstance(outcome, OldestReduced):
        for share, quantity in shares_of(state, outcome):
            event = reduced(state, context, share, quantity)
            apply(state, event)
            events.append(event)
    elif isinstance(outcome, AllClosed):
        for position in positions_that_close(state, outcome):
            event = closed(state, context, position, "manual", None)
            apply(state, event)
            events.append(event)
    for symbol in _moved(state, outcome, context.time):
        for trigger in _reached(state, symbol):
            reached = state.positions.get(trigger.position_id)
            if reached is None:
                continue  # Another of its triggers closed it.
            event = closed(state, context, reached, REASONS[trigger.kind], Ticks(abs(trigger.key)))
            apply(state, event)
            events.append(event)
    return events


def go_over(state: State, gap: OffsetGap) -> None:
    """Pass over offsets that hold no record, which a command behind them accepts; whoever reads the log sees that."""
    assert (gap.shard, gap.first) == (state.shard, state.next_offset), f"{gap.sentence}, and that is not the next"
    state.next_offset = gap.last + 1


def _moved(state: State, outcome: Event, time: int) -> list[str]:
    """Give the open markets whose triggers may fire now, in instrument order."""
    match outcome:
        case PricesUpdated():
            symbols = [tick.symbol for tick in outcome.accepted]
        case MarketStatusSet():
            symbols = [outcome.symbol] if condition(state, outcome.symbol, time) == "fresh" else []
        case _:
            return []
    return [symbol for symbol in symbols if state.markets[symbol].status != "halted"]


def _reached(state: State, symbol: str) -> list[Trigger]:
    quote = state.markets[symbol].quote
    assert quote is not None, "a market that moved has a price"
    return state.triggers.reached(symbol, quote.bid, quote.ask)
