"""Whether PostgreSQL holds the ledger that the events fold to, compared without any code of the projector.

Every row is compared with what the projector's own row functions make of the events, too; a defect of those is on both
sides there. Here the core's fold stands on the other side, and sums that must be equal.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, func, select

from audit.log.differences import Difference, as_text
from engine.core.state import State
from projector.tables.ledger_tables import accounts, fills, insurance, ledger_entries, positions, receipts
from projector.tables.market_tables import feed, instruments, prices
from schemas.ledger_records import Account, Market, Position
from schemas.sharding import PRICE_SHARD

JUDGE: Final = "tables"
NAMED_MAX: Final = 5  # differences of one question that are named; the others are counted
FETCH: Final = 5_000

Values = tuple[object, ...]

ACCOUNT: Final = ("cash", "used_margin", "balance", "opened_at", "account_seq")
POSITION: Final = (
    "account_id",
    "symbol",
    "side",
    "quantity",
    "entry_price",
    "entry_notional",
    "margin",
    "leverage",
    "fee_rate",
    "maintenance_rate",
    "margin_floor_rate",
    "liquidation_fee_rate",
    "liquidation_price",
    "stop_loss",
    "take_profit",
    "opened_at",
)
PRICE: Final = ("bid", "ask", "source_time", "heard_at", "feed_changed", "held_bid", "held_ask")
FEED: Final = ("name", "run", "live")


def compare_with_ledger(state: State, db: Connection) -> list[Difference]:
    """Name where a shard's tables, which are at the ledger's event, and the ledger part."""
    shard = state.shard
    found_accounts = select(*_columns(accounts, "account_id", *ACCOUNT)).where(accounts.c.shard == shard)
    open_ones = and_(positions.c.shard == shard, positions.c.status == "open")
    found_positions = select(*_columns(positions, "position_id", *POSITION)).where(open_ones)
    expected_accounts = {name: _account(account) for name, account in state.accounts.items()}
    expected_positions = {name: _position(position) for name, position in state.positions.items()}
    differences = [
        *_compare(shard, accounts, ACCOUNT, expected_accounts, _rows(db, found_accounts)),
        *_compare(shard, positions, POSITION, expected_positions, _rows(db, found_positions)),
        *_compare_insurance(state, db),
        *_compare_lines(state, db),
        *_compare_results(shard, db),
        *_compare_counts(state, db),
    ]
    return differences + (_compare_market(state, db) if shard == PRICE_SHARD else [])


def _account(account: Account) -> Values:
    return account.cash, account.margin, account.cash + account.margin, account.opened_at, account.seq


def _position(position: Position) -> Values:
    return tuple(getattr(position, name) for name in POSITION)


def _compare_insurance(state: State, db: Connection) -> list[Difference]:
    """What the closes paid into the shard's fund, less what it paid out, is what the ledger has in INSURANCE."""
    columns = insurance.c
    found = select(columns.shard, columns.received - columns.paid).where(columns.shard == state.shard)
    expected: dict[int, Values] = {state.shard: (state.insurance,)}
    # Before the first close there is no row.
    return _compare(state.shard, insurance, ("received less paid",), expected, _rows(db, found), absent=(0,))


def _compare_lines(state: State, db: Connection) -> list[Difference]:
    """An account's lines sum to its balance, and each says the balance it leads to."""
    columns = ledger_entries.c
    own = columns.shard == state.shard
    sums = select(columns.account_id, func.sum(columns.amount)).where(own).group_by(columns.account_id)
    balances: dict[str, Values] = {name: (account.cash + account.margin,) for name, account in state.accounts.items()}
    found = ((row[0], int(row[1])) for row in _rows(db, sums))
    # Who never had any money has no line.
    unlike = _compare(state.shard, ledger_entries, ("the sum of amount",), balances, found, absent=(0,))
    running = func.sum(columns.amount).over(partition_by=columns.account_id, order_by=(columns.seq, columns.line))
    lines = select(columns.seq, columns.line, columns.balance_after, running.label("running")).where(own).subquery()
    wrong = select(lines).where(lines.c.running != lines.c.balance_after).order_by(lines.c.seq, lines.c.line)
    for seq, line, balance_after, led_to in _rows(db, wrong.limit(NAMED_MAX)):
        what = f"line {line} does not say the balance it leads to"
        where = {"seq": seq, "type": ledger_entries.name, "field": "balance_after"}
        unlike.append(_differs(state.shard, what, str(led_to), str(balance_after), **where))
    return unlike


def _compare_results(shard: int, db: Connection) -> list[Difference]:
    """What was realized stands in three places: an account's lines, its fills, and its positions."""
    lines = ledger_entries.c
    of_lines = select(lines.account_id, func.sum(lines.amount)).where(
        lines.shard == shard, lines.kind == "realized_pnl"
    )
    expected: dict[str, Values] = {row[0]: (int(row[1]),) for row in _rows(db, of_lines.group_by(lines.account_id))}
    differences: list[Difference] = []
    for table in (fills, positions):
        columns = table.c
        query = select(columns.account_id, func.sum(columns.realized_pnl)).where(columns.shard == shard)
        found = ((row[0], int(row[1] or 0)) for row in _rows(db, query.group_by(columns.account_id)))
        field = ("the sum of realized_pnl",)
        differences += _compare(shard, table, field, dict(expected), found, absent=(0,))
    return differences


def _compare_counts(state: State, db: Connection) -> list[Difference]:
    """Every opening has its position and its fill, every close its fill and its receipt."""
    shard = state.shard

    def count(table: Table, *conditions: Any) -> int:
        return db.execute(select(func.count()).select_from(table).where(*conditions)).scalar_one()

    opened = state.next_position - 1
    own = fills.c.shard == shard
    closes = count(fills, own, fills.c.action == "close")
    closed = and_(positions.c.shard == shard, positions.c.status == "closed")
    pairs = (
        (positions, "closed positions", opened - len(state.positions), count(positions, closed)),
        (fills, "fills that open", opened, count(fills, own, fills.c.action == "open")),
        (receipts, "receipts, one for each fill that closes", closes, count(receipts, _name_of(shard))),
    )
    return [
        _differs(shard, f"the number of {what}", str(expected), str(found), type=table.name)
        for table, what, expected, found in pairs
        if expected != found
    ]


def _name_of(shard: int) -> ColumnElement[bool]:
    return receipts.c.event_id.like(f"{shard}-%")


def _compare_market(state: State, db: Connection) -> list[Difference]:
    """Last prices, whose they are, and the instruments' terms."""
    terms = tuple(name for name in instruments.c.keys() if name not in {"symbol", "ordinal", "status"})  # noqa: SIM118
    expected_terms = {
        symbol: (state.markets[symbol].status, *(getattr(instrument, name) for name in terms))
        for symbol, instrument in state.instruments.items()
    }
    expected_prices = {
        symbol: values for symbol, market in state.markets.items() if (values := _price(market)) is not None
    }
    expected_feed: dict[bool, Values] = (
        {True: (state.feed.name, state.feed.run, state.feed.live)} if state.feed is not None else {}
    )
    heard = select(*_columns(prices, "symbol", *PRICE)).where(prices.c.bid.is_not(None))
    return [
        *_compare(
            state.shard,
            instruments,
            ("status", *terms),
            expected_terms,
            _rows(db, select(*_columns(instruments, "symbol", "status", *terms))),
        ),
        *_compare(state.shard, prices, PRICE, expected_prices, _rows(db, heard)),
        *_compare(state.shard, feed, FEED, expected_feed, _rows(db, select(*_columns(feed, "one", *FEED)))),
    ]


def _price(market: Market) -> Values | None:
    """Give the compared values of a market's price; null before the first one."""
    quote, held = market.quote, market.candidate
    if quote is None:
        return None
    held_prices = (None, None) if held is None else (held.bid, held.ask)
    return quote.bid, quote.ask, quote.source_time, quote.heard_at, quote.stale, *held_prices


def _compare(
    shard: int,
    table: Table,
    columns: tuple[str, ...],
    expected: dict[Any, Values],
    rows: Iterable[Iterable[Any]],
    absent: Values | None = None,
) -> list[Difference]:
    """Take what is found out of what is expected. absent: what a row that is not there says, where it says anything."""
    named: list[Difference] = []
    count = 0

    def note(key: object, field: str | None, one: object, other: object) -> None:
        nonlocal count
        count += 1
        if count <= NAMED_MAX:
            what = f"{table.name} ({as_text(key)}): it is not the ledger that the events fold to"
            named.append(_differs(shard, what, as_text(one), as_text(other), type=table.name, field=field))

    for key, *found in rows:
        must_be = expected.pop(key, absent)
        if must_be is None:
            note(key, None, "no row", "a row")
            continue
        unlike = next((each for each in zip(columns, must_be, found, strict=True) if each[1] != each[2]), None)
        if unlike is not None:
            note(key, *unlike)
    for key, must_be in expected.items():
        if absent is None:
            note(key, None, "a row", "no row")
        elif must_be != absent:
            note(key, columns[0], must_be[0], absent[0])
    if count > NAMED_MAX:
        what = f"{count - NAMED_MAX} more of {table.name} are not the ledger that the events fold to"
        named.append(Difference(judge=JUDGE, shard=shard, what=what, type=table.name))
    return named


def _columns(table: Table, *names: str) -> list[ColumnElement[Any]]:
    return [table.c[name] for name in names]


def _rows(db: Connection, query: Select[Any]) -> Iterator[Any]:
    return iter(db.execute(query, execution_options={"yield_per": FETCH}))


def _differs(shard: int, what: str, expected: str, found: str, **where: Any) -> Difference:
    return Difference(judge=JUDGE, shard=shard, what=what, expected=expected, found=found, **where)
