"""Who asks which type a message has says so of every type there is: a new event is missed nowhere in silence."""

import ast
from collections.abc import Iterator
from typing import Any, Final, NamedTuple, get_args

import pytest

from schemas.command_groups import EXITS as EXIT_COMMANDS
from schemas.commands import (
    AmendStops,
    CloseAll,
    ClosePosition,
    Command,
    Deposit,
    OpenAccount,
    OpenPosition,
    ReduceOldest,
    ReducePosition,
    Withdraw,
)
from schemas.event_groups import MarketEvent, MoneyEvent, OtherEvent, PositionEvent
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
from schemas.record import field_names
from schemas.venue import STATUS_AFTER
from schemas.venue_messages import (
    VenueCancelReceived,
    VenueCancelRejected,
    VenueMessage,
    VenueOrderCancelled,
    VenueOrderEvent,
    VenueOrderExpired,
    VenueOrderFilled,
    VenueOrderPartiallyFilled,
)
from tests.house.project import MODULES, relative, text_of

LEDGER: Final = {each.__name__ for each in (*get_args(Event), *get_args(Command))}
MESSAGES: Final = LEDGER | {each.__name__ for each in get_args(VenueMessage)}
COLLECTIONS: Final = (ast.Tuple, ast.List, ast.Set, ast.Dict)

Place = tuple[str, frozenset[str]]  # a file, and the types named there


class Lookup(NamedTuple):
    """A collection of message types, outside schemas' groups, and the types of its union that are left out."""

    path: str
    types: tuple[type, ...]
    union: Any
    left_out: tuple[type, ...]

    @property
    def place(self) -> Place:
        """Give where it stands."""
        return self.path, frozenset(each.__name__ for each in self.types)


EXIT_OUTCOMES: Final = (PositionClosed, PositionReduced, OldestReduced, AllClosed, StopsAmended)
OUTCOMES: Final = (
    *(AccountOpened, Deposited, Withdrawn, PositionOpened, *EXIT_OUTCOMES),
    *(InstrumentsDefined, MarketStatusSet, RulesActivated, ClockSet, AccountLimitsSet, OffsetGapAccepted),
)
LOOKUPS: Final = (
    Lookup(
        "api/stream/history.py",
        (StopsAmended, PositionReduced),
        PositionEvent,
        (PositionOpened, PositionClosed),
    ),
    Lookup(
        "engine/core/memory.py",
        EXIT_OUTCOMES,
        Event,
        (
            *(AccountOpened, Deposited, Withdrawn, PositionOpened, CommandRejected, CommandRepeated),
            *(RulesActivated, ClockSet, AccountLimitsSet, OffsetGapAccepted),
            *get_args(MarketEvent),
        ),
    ),
    Lookup(
        "engine/core/memory.py",
        (Deposit, OpenPosition, AmendStops, Withdraw),
        Command,
        (
            # Of what only closes it depends on the outcome; an account that exists is not opened.
            *(ClosePosition, ReducePosition, ReduceOldest, CloseAll, OpenAccount),
            *(each for each in get_args(Command) if "account_id" not in field_names(each)),
        ),
    ),
    Lookup(
        "engine/core/memory.py",
        (AccountOpened, Deposited, Withdrawn, PositionOpened, *EXIT_OUTCOMES, CommandRejected),
        Event,
        (CommandRepeated, RulesActivated, ClockSet, AccountLimitsSet, OffsetGapAccepted, *get_args(MarketEvent)),
    ),
    Lookup(
        "projector/write/outcomes.py",
        OUTCOMES,
        Event,
        (CommandRejected, CommandRepeated, FeedSelected, FeedKept, PricesUpdated, TickHeld),
    ),
    Lookup(
        "projector/write/venue_writer.py",
        (VenueOrderPartiallyFilled, VenueOrderFilled, VenueOrderCancelled, VenueOrderExpired),
        VenueOrderEvent,
        tuple(each for each in get_args(VenueOrderEvent) if "executed_quantity" not in field_names(each)),
    ),
    Lookup(
        "schemas/command_groups.py",
        EXIT_COMMANDS,
        Command,
        (
            *(OpenAccount, Deposit, Withdraw, OpenPosition),
            *(each for each in get_args(Command) if "account_id" not in field_names(each)),
        ),
    ),
    Lookup("schemas/venue.py", tuple(STATUS_AFTER), VenueOrderEvent, (VenueCancelReceived, VenueCancelRejected)),
)
# A match that looks at a few types only, because each look costs time with every command; and what it leaves out.
PARTIAL: Final = (
    Lookup(
        "engine/core/step.py",
        (PricesUpdated, MarketStatusSet),
        Event,
        (
            *get_args(MoneyEvent),
            *get_args(OtherEvent),
            *(InstrumentsDefined, FeedSelected, FeedKept, TickHeld),  # None moves a price, or opens a market.
        ),
    ),
)


def test_a_match_over_messages_ends_in_assert_never() -> None:
    partial = {lookup.place for lookup in PARTIAL}
    found = [(path, match) for path, tree in trees() for match in matches_in(tree)]
    assert len(found) > 20, "the walk finds them"
    assert [
        f"{path}:{match.lineno}"
        for path, match in found
        if not ends_in_assert_never(match) and (path, types_matched(match)) not in partial
    ] == []


def test_every_exempt_match_exists() -> None:
    found = {(path, types_matched(match)) for path, tree in trees() for match in matches_in(tree)}
    assert {lookup.place for lookup in PARTIAL} <= found


def test_every_collection_of_message_types_is_declared_here() -> None:
    found = {(path, types) for path, tree in trees() for types in collections_in(tree)}
    assert found == {lookup.place for lookup in LOOKUPS}


@pytest.mark.parametrize("lookup", [*LOOKUPS, *PARTIAL], ids=lambda lookup: lookup.path)
def test_a_lookup_by_type_says_of_every_type_whether_it_is_meant(lookup: Lookup) -> None:
    assert not set(lookup.types) & set(lookup.left_out)
    assert {*lookup.types, *lookup.left_out} == set(get_args(lookup.union))


def test_a_check_for_several_ledger_types_uses_the_name_of_their_group() -> None:
    """An assertion may name them: it fails aloud."""
    assert [f"{path}:{call.lineno}" for path, tree in trees() for call in ungrouped_checks_in(tree)] == []


def test_the_outcome_of_an_exit_command_is_an_exit() -> None:
    """The core remembers the ids of commands that only close or amend apart from the others."""
    outcome_of = {
        ClosePosition: PositionClosed,
        ReducePosition: PositionReduced,
        ReduceOldest: OldestReduced,
        CloseAll: AllClosed,
    }
    assert {outcome_of.get(command, StopsAmended) for command in EXIT_COMMANDS} == {*EXIT_OUTCOMES}
    assert {*EXIT_COMMANDS} == {*outcome_of, AmendStops}


def test_planted_gaps_are_found() -> None:
    for ending, is_complete in (("pass", False), ("assert_never(event)", True)):
        (match,) = matches_in(ast.parse(f"match event:\n  case Deposited():\n    pass\n  case _:\n    {ending}\n"))
        assert ends_in_assert_never(match) is is_complete
    assert list(collections_in(ast.parse("MONEY = (Deposited, Withdrawn)"))) == [frozenset({"Deposited", "Withdrawn"})]
    assert list(collections_in(ast.parse("NAMES = {Deposited: 'a', Withdrawn: 'b'}"))) != []
    assert list(ungrouped_checks_in(ast.parse("if isinstance(event, Deposited | Withdrawn):\n    pass"))) != []
    assert list(ungrouped_checks_in(ast.parse("assert isinstance(event, Deposited | Withdrawn)"))) == []


def trees() -> Iterator[tuple[str, ast.Module]]:
    """Give every module but the codecs, which are made of all Avro files there are."""
    for module in MODULES:
        path = relative(module)
        if not path.endswith("_codec.py"):
            yield path, ast.parse(text_of(path))


def matches_in(tree: ast.AST) -> Iterator[ast.Match]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Match) and types_matched(node):
            yield node


def types_matched(match: ast.Match) -> frozenset[str]:
    """Name the message types among a match's patterns."""
    patterns = (pattern for case in match.cases for pattern in ast.walk(case.pattern))
    return frozenset(
        pattern.cls.id
        for pattern in patterns
        if isinstance(pattern, ast.MatchClass) and isinstance(pattern.cls, ast.Name) and pattern.cls.id in MESSAGES
    )


def ends_in_assert_never(match: ast.Match) -> bool:
    match match.cases[-1]:
        case ast.match_case(
            pattern=ast.MatchAs(pattern=None),
            guard=None,
            body=[ast.Expr(value=ast.Call(func=ast.Name(id="assert_never")))],
        ):
            return True
        case _:
            return False


def collections_in(tree: ast.Module) -> Iterator[frozenset[str]]:
    """Give each collection of several message types that a module keeps under a name."""
    for statement in tree.body:
        value = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
        if isinstance(value, COLLECTIONS):
            keys = value.keys if isinstance(value, ast.Dict) else value.elts
            types = frozenset(name for key in keys if key is not None for name in types_named(key, MESSAGES))
            if len(types) > 1:
                yield types


def ungrouped_checks_in(tree: ast.AST) -> Iterator[ast.Call]:
    """Give each isinstance of several ledger types that is not within an assertion."""
    asserted = {id(inner) for node in ast.walk(tree) if isinstance(node, ast.Assert) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=[_, types]) if id(node) not in asserted:
                if len(list(types_named(types, LEDGER))) > 1:
                    yield node
            case _:
                pass


def types_named(node: ast.AST, among: set[str]) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and inner.id in among:
            yield inner.id
