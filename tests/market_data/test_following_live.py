"""The publisher follows the ledger while it runs: new rules shard by shard, and new instruments."""

import time
from itertools import pairwise
from pathlib import Path

import pytest

from schemas.commands import ActivateRules, UpdatePrices
from schemas.events import CommandRejected, PricesUpdated
from schemas.units import SECOND
from tests.activating import activate
from tests.conftest import SettingsFactory
from tests.market_data.fake_clock import BTC, ETH
from tests.market_data.ledgers import DOGE, instrument
from tests.market_data.live_exchange import LiveExchange, live_exchange, until
from tests.market_data.test_service import running

NOTICED_MS = 1_000


def longest_silence_us(exchange: LiveExchange, shard: int, symbol: str) -> int:
    """Give the longest log time in which a symbol was neither accepted nor kept alive, once it had a price."""
    heard = [
        event.time
        for event in exchange.events(shard)
        if isinstance(event, PricesUpdated)
        and (symbol in event.alive or any(tick.symbol == symbol for tick in event.accepted))
    ]
    assert len(heard) > 20
    return max(after - before for before, after in pairwise(heard))


def forms(exchange: LiveExchange, shard: int) -> tuple[list[UpdatePrices], list[UpdatePrices], list[UpdatePrices]]:
    """Give the price commands before a shard's activation, those within a second after it, and the later ones."""
    commands = exchange.commands(shard)
    at = next(place for place, (_, command) in enumerate(commands) if isinstance(command, ActivateRules))
    activated_ms = commands[at][0]
    prices = [(place, ms, command) for place, (ms, command) in enumerate(commands) if isinstance(command, UpdatePrices)]
    return (
        [command for place, _, command in prices if place < at],
        [command for place, ms, command in prices if place > at and ms <= activated_ms + NOTICED_MS],
        [command for place, ms, command in prices if place > at and ms > activated_ms + NOTICED_MS],
    )


@pytest.mark.slow
def test_price_commands_are_written_by_the_rules_in_force_in_each_shard_and_none_is_refused(
    settings: SettingsFactory, tmp_path: Path
) -> None:
    made = settings(shards=2, engine_worker_id=None, engine_snapshot_interval=500)
    with live_exchange(made, tmp_path) as exchange:
        exchange.open([instrument(BTC), instrument(ETH)])
        with running(
            made, tmp_path, FEED="simulated", SIMULATION_PRICES="DOGE=5.00", PRICE_INTERVAL_MS="50"
        ) as service:
            exchange.until_accepted([BTC, ETH])
            time.sleep(2)
            for shard in exchange.shards:
                exchange.send(shard, activate(shard=shard))
                time.sleep(1.5)
            exchange.define("instruments-2", [instrument(DOGE)])
            exchange.until_accepted([DOGE])
            assert {exchange.outcome_of_opening(shard, DOGE) for shard in exchange.shards} == {"opened"}
            time.sleep(2)
            assert service.stop() == 0
        for shard in exchange.shards:
            for symbol in (BTC, ETH):
                assert longest_silence_us(exchange, shard, symbol) < 2 * SECOND
        # A service that starts later knows all of it from the snapshots' manifests, and from the events after them.
        with running(made, tmp_path, FEED="simulated") as service:
            until(lambda: service.status().get("symbols", {}).keys() >= {BTC, ETH, DOGE} or None, "three symbols")
            time.sleep(2)
            assert service.stop() == 0
        for shard in exchange.shards:
            before, soon, later = forms(exchange, shard)
            assert any(command.alive for command in before)
            assert all(command.marks is None for command in before)
            # Names are refused under the new rules, but not the ticks beside them.
            assert sum(1 for command in soon if command.alive) < len(soon) / 2
            assert any(command.marks for command in later)
            assert not any(command.alive for command in later)
            assert [event for event in exchange.events(shard) if isinstance(event, CommandRejected)] == []
            bids = [bid for bid, _ in exchange.accepted(shard, DOGE)]
            assert 450 <= min(bids) <= max(bids) <= 550
