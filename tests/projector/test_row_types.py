"""Whether each row type has exactly its table's columns, in their order."""

from typing import Any

import pytest
from sqlalchemy import Table

from projector.tables import ledger_tables, market_tables
from projector.tables.columns import metadata
from projector.tables.kept_tables import KEPT
from projector.tables.ledger_tables import positions
from projector.tables.rows import (
    CloseChange,
    ReductionChange,
    StopsChange,
    StoredAccount,
    StoredAccountEvent,
    StoredFeed,
    StoredFill,
    StoredInsurance,
    StoredLedgerEntry,
    StoredOutcome,
    StoredPosition,
    StoredProgress,
    StoredReceipt,
)
from projector.tables.schema import DERIVED, TABLES
from projector.tables.venue_tables import VENUE
from projector.write.market_rows import Candle, Price
from schemas.messages import Instrument
from schemas.record import field_names

ROW_TYPES: dict[Table, tuple[str, ...]] = {
    ledger_tables.progress: StoredProgress._fields,
    ledger_tables.accounts: StoredAccount._fields,
    ledger_tables.insurance: StoredInsurance._fields,
    ledger_tables.positions: StoredPosition._fields,
    ledger_tables.fills: StoredFill._fields,
    ledger_tables.ledger_entries: StoredLedgerEntry._fields,
    ledger_tables.commands: StoredOutcome._fields,
    ledger_tables.account_events: StoredAccountEvent._fields,
    ledger_tables.receipts: StoredReceipt._fields,
    market_tables.candles: Candle.__struct_fields__,
    market_tables.prices: Price.__struct_fields__,
    market_tables.feed: StoredFeed._fields,
    market_tables.instruments: ("symbol", "ordinal", "status", *field_names(Instrument)[1:]),
}


@pytest.mark.parametrize("table", DERIVED, ids=lambda table: table.name)
def test_a_row_type_has_the_columns_of_its_table_in_their_order(table: Table) -> None:
    assert ROW_TYPES[table] == tuple(table.c.keys())


@pytest.mark.parametrize("change", [StopsChange, ReductionChange, CloseChange])
def test_a_change_of_a_position_has_columns_of_positions_alone(change: Any) -> None:
    assert change._fields[0] == "position_id"
    assert set(change._fields) <= set(positions.c.keys())


def test_every_table_is_in_exactly_one_group_derived_kept_or_of_the_venue() -> None:
    assert sorted(table.name for table in TABLES) == sorted(table.name for table in metadata.sorted_tables)
    assert not set(DERIVED) & {*KEPT, *VENUE}
    assert not set(KEPT) & set(VENUE)
