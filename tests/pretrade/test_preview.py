"""A preview says what the engine then does, to the unit, for many ledgers and orders, by every version of the rules."""

import random
from collections.abc import Callable
from typing import Final

import pytest

from api.pretrade.details import Facts, explained
from api.pretrade.preview import preview_of
from api.pretrade.standing import HISTORY, LastPrice, Standing
from engine.core.rules import RULES
from schemas.commands import (
    ClosePosition,
    Command,
    Deposit,
    OpenAccount,
    OpenPosition,
    SelectFeed,
    SetAccountLimits,
    SetMarketStatus,
    UpdatePrices,
)
from schemas.events import CommandRejected, PositionOpened
from schemas.instruments import BY_SYMBOL
from schemas.messages import MarketStatus, Tick
from schemas.record import replace
from schemas.rejections import Rejection
from schemas.units import SECOND, Hundredths, Lots, Micros, Ppm, Ticks, Timestamp
from tests.spec import exchange
from tests.spec.exchange import Exchange

BTC: Final = "BTC_USDC"
USDC: Final = 1_000_000
ACCOUNTS: Final = ("alice", "bob")
WORLDS: Final = 60
ORDERS: Final = 12
MARGINS: Final = [*(10 * USDC, 99 * USDC, 499 * USDC) * 2, 6_000 * USDC, 0, 1, 100, -1]


class World:
    """A shard with a feed, three accounts' worth of history, and a clock; everything is drawn from one seed."""

    def __init__(self, seed: int, rules_version: int) -> None:
        self.draw = random.Random(seed)
        token = exchange.RULES.set(rules_version)
        self.exchange = Exchange()
        exchange.RULES.reset(token)
        draw = self.draw
        tight = draw.random() < 0.4
        self.exchange.define(
            replace(
                BY_SYMBOL[BTC],
                fee_rate=Ppm(draw.choice([0, 700, 1_000])),
                spread_max=Ppm(50_000),
                maintenance_rate=Ppm(draw.choice([5_000, 30_000])),
                quantity_min=Lots(draw.choice([1, 500])),
                quantity_max=Lots(draw.choice([10**7, 4_000])),
                notional_max=Micros(USDC * (1_500 if tight else 1_000_000)),
                account_notional_max=Micros(USDC * (2_500 if tight else 1_000_000)),
                side_notional_max=Micros(USDC * (3_000 if tight else 10**8)),
                leverage_max=Hundredths(draw.choice([10_000, 5_000])),
            )
        )
        self.exchange.succeed(SelectFeed(name="simulated", run="run", live=False))
        for name in ACCOUNTS:
            money = draw.choice([0, 500, 5_000]) * USDC
            self.exchange.succeed(OpenAccount(command_id=f"open-{name}", account_id=name, first_deposit=money))
        if rules_version > 1 and draw.random() < 0.3:
            self.broadcast(lambda name: SetAccountLimits(command_id=name, shard=0, broadcast=name, positions_max=2))
        self.updates = 0
        self.middle = 500_000

    def broadcast(self, command: Callable[[str], Command]) -> None:
        self.exchange.succeed(command(self.exchange.new_id()))

    def tick(self, *, jump: bool = False) -> None:
        """Send a tick; a jump waits to be confirmed."""
        draw = self.draw
        self.middle = int(self.middle * 1.2) if jump else self.middle + draw.randint(-400, 400)
        half = draw.choice([1, 5, 300, 4_000])
        self.updates += 1
        self.exchange.now += SECOND // 2
        now = Timestamp(self.exchange.now)
        bid, ask = Ticks(self.middle - half), Ticks(self.middle + half)
        both = bid + ask
        tick = Tick(symbol=BTC, bid=bid, ask=ask, low=both, high=both, source_time=now, update_id=self.updates)
        sent_at = now + (3 * SECOND if draw.random() < 0.05 else 0)
        self.exchange.send(UpdatePrices(feed="simulated", run="run", sent_at=sent_at, ticks=(tick,), alive=()), at=now)

    def stir(self) -> None:
        """Let something happen that decides what the next order comes to."""
        draw, send = self.draw, self.exchange.send
        match draw.randint(0, 7):
            case 0:
                self.tick(jump=draw.random() < 0.2)
            case 1:
                self.exchange.now += draw.choice([SECOND, 3 * SECOND, 7 * SECOND])
            case 2:
                status: MarketStatus = draw.choice(["open", "open", "open", "close_only", "halted"])
                self.broadcast(
                    lambda name: SetMarketStatus(command_id=name, shard=0, broadcast=name, symbol=BTC, status=status)
                )
            case 3:
                send(Deposit(command_id=self.exchange.new_id(), account_id="alice", amount=draw.randint(1, 500) * USDC))
            case 4 if self.exchange.state.positions:
                position = draw.choice(sorted(self.exchange.state.positions))
                owner = self.exchange.state.positions[position].account_id
                send(ClosePosition(command_id=self.exchange.new_id(), account_id=owner, position_id=position))
            case _:
                self.tick()
                self.tick()

    def order(self, account_id: str) -> OpenPosition:
        """Any order, near one bound or another."""
        draw = self.draw
        by_margin = draw.random() < 0.6
        near = draw.choice([self.middle, self.middle - 1, self.middle + 1, self.middle - 5_000, self.middle + 5_000, 1])
        return OpenPosition(
            command_id=self.exchange.new_id(),
            account_id=account_id,
            symbol=BTC,
            side=draw.choice(["long", "short"]),
            margin=draw.choice(MARGINS) if by_margin else None,
            quantity=None if by_margin else draw.choice([0, 1, 499, 500, 3_000, 4_001, 2 * 10**6]),
            leverage=draw.choice([*(100, 1_000, 5_000) * 3, 5_001, 10_000, 10_001, 99, 0]),
            expected_price=draw.choice([None, None, near]),
            slippage_bps=draw.choice([*(None, 0, 100) * 5, 10_001]),
            stop_loss=draw.choice([None, None, near]),
            take_profit=draw.choice([None, None, near]),
            client_order_id=draw.choice([*(None, "one") * 5, "bad id"]),
        )

    def standing(self, account_id: str, time: int) -> Standing:
        """Read off the ledger what the tables would say of it."""
        state = self.exchange.state
        market, account, quote = state.markets[BTC], state.accounts[account_id], state.markets[BTC].quote
        held = market.candidate
        return Standing(
            account_id=account_id,
            shard=state.shard,
            shards=state.shards,
            rules_version=state.rules_version,
            time=time,
            instrument=state.instruments[BTC],
            status=market.status,
            price=None
            if quote is None
            else LastPrice(quote.bid, quote.ask, quote.heard_at, quote.stale, None if held is None else held.held_at),
            clock_suspect=state.clock_suspect,
            cash=account.cash,
            account_notional=account.open_notional.get(BTC, 0),
            open_positions=len(account.positions),
            positions_max=state.positions_max,
            long_notional=market.long_notional,
            short_notional=market.short_notional,
            outcomes=tuple(
                event
                for event in self.exchange.events
                if event.account_id == account_id and event.command_hash is not None and event.time > time - HISTORY
            ),
            client_order_ids=dict(account.client_order_ids),
        )


@pytest.mark.parametrize("rules_version", list(RULES))
def test_a_preview_says_what_the_engine_then_does_with_the_same_order(rules_version: int) -> None:
    seen: dict[str, int] = {}
    for seed in range(WORLDS):
        world = World(seed, rules_version)
        for _ in range(ORDERS):
            for _ in range(world.draw.randint(1, 3)):
                world.stir()
            who = world.draw.choice(ACCOUNTS)
            order = world.order(who)
            time = world.exchange.now + 1_000
            found = preview_of(world.standing(who, time), order)
            [outcome, *_] = world.exchange.send(order, at=time)
            if isinstance(outcome, CommandRejected):
                name = Rejection(outcome.rejection).name
                assert found.refusals, (seed, order, name)
                assert found.refusals[0].name == name, (seed, order, found.refusals)
            else:
                name = "OPENED"
                assert isinstance(outcome, PositionOpened)
                assert found.refusals == (), (seed, order, found.refusals)
                assert found.opened is not None
                for figure in ("price", "quantity", "notional", "margin", "fee", "liquidation_price", "warnings"):
                    assert getattr(found.opened, figure) == getattr(outcome, figure), (seed, figure)
            seen[name] = seen.get(name, 0) + 1
    wanted = {"OPENED", "MALFORMED", "MARKET_HALTED", "MARKET_CLOSE_ONLY", "NO_PRICE", "PRICE_STALE", "CLOCK_SUSPECT"}
    wanted |= {"LEVERAGE_OUT_OF_RANGE", "SLIPPAGE_EXCEEDED", "AMOUNT_NOT_POSITIVE", "BELOW_MINIMUM", "ABOVE_MAXIMUM"}
    wanted |= {"STOP_LOSS_WRONG_SIDE", "TAKE_PROFIT_WRONG_SIDE", "INSUFFICIENT_MARGIN", "CLIENT_ORDER_ID_USED"}
    wanted |= {"PRICE_UNCONFIRMED", "POSITION_NOTIONAL_LIMIT"} | ({"PRICE_TOO_OLD"} if rules_version > 1 else set())
    assert wanted - seen.keys() == set(), seen


def fresh() -> Standing:
    """A market at 50,000 in which an order of 100 USDC at 10x opens."""
    return Standing(
        account_id="alice",
        shard=0,
        shards=1,
        rules_version=2,
        time=10 * SECOND,
        instrument=BY_SYMBOL[BTC],
        status="open",
        price=LastPrice(499_999, 500_000, 10 * SECOND, left=False, held_at=None),
        clock_suspect=False,
        cash=1_000 * USDC,
        account_notional=0,
        open_positions=0,
        positions_max=500,
        long_notional=0,
        short_notional=0,
    )


ORDER: Final = OpenPosition(
    command_id="c", account_id="alice", symbol=BTC, side="long", margin=100 * USDC, leverage=1_000
)


def test_a_preview_names_every_refusal_in_the_order_of_the_core_and_has_the_figures_too() -> None:
    standing = fresh()._replace(status="halted", cash=50 * USDC, clock_suspect=True, open_positions=500)
    found = preview_of(standing, replace(ORDER, leverage=100_000, stop_loss=600_000))
    assert [refusal.name for refusal in found.refusals] == [
        *("MARKET_HALTED", "CLOCK_SUSPECT", "LEVERAGE_OUT_OF_RANGE", "TOO_MANY_POSITIONS", "STOP_LOSS_WRONG_SIDE"),
        *("LIQUIDATABLE_AT_ONCE", "INSUFFICIENT_MARGIN"),
    ]
    assert found.opened is not None
    assert (found.opened.price, found.opened.margin) == (500_000, 100 * USDC)
    assert not found.has_liquidation_price


@pytest.mark.parametrize(
    ("order", "refusals"),
    [
        (replace(ORDER, margin=0), ["AMOUNT_NOT_POSITIVE"]),
        (replace(ORDER, margin=1, leverage=100), ["BELOW_MINIMUM"]),
        (replace(ORDER, leverage=0), ["LEVERAGE_OUT_OF_RANGE"]),
        (replace(ORDER, slippage_bps=-1), ["MALFORMED"]),
    ],
)
def test_a_preview_of_what_cannot_be_worked_out_has_refusals_and_no_figures(
    order: OpenPosition, refusals: list[str]
) -> None:
    found = preview_of(fresh(), order)
    assert ([refusal.name for refusal in found.refusals], found.opened) == (refusals, None)


@pytest.mark.parametrize("rejection", list(Rejection))
def test_every_refusal_with_a_bound_says_the_bound_and_what_was_sent(
    rejection: Rejection,
) -> None:
    standing = fresh()
    facts = Facts(2, standing.instrument, standing.price, standing.cash, 500, preview_of(standing, ORDER).opened)
    order = replace(ORDER, expected_price=1, stop_loss=2, take_profit=3, client_order_id="one")
    sentence, details = explained(rejection, order, facts)
    bounded = ("LIMIT", "RANGE", "MAXIMUM", "MINIMUM", "MARGIN", "SLIPPAGE", "WRONG_SIDE", "TOO_MANY", "TOO_OLD")
    if any(word in rejection.name for word in (*bounded, "STALE")):
        assert details is not None
        assert all(str(value) in sentence for value in details.values()), sentence
        assert any(character.isdigit() for character in sentence)


def test_the_refusal_of_a_leverage_says_the_range_and_the_leverage_sent() -> None:
    facts = Facts(instrument=BY_SYMBOL[BTC])
    sentence, details = explained(Rejection.LEVERAGE_OUT_OF_RANGE, replace(ORDER, leverage=10_100), facts)
    assert details == {"leverage_min": "1.00", "leverage_max": "100.00", "sent": "101.00"}
    assert sentence == "The leverage is out of range: leverage min 1.00, leverage max 100.00, sent 101.00"
