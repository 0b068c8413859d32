"""Clients that trade over HTTP, and repeat a request under its key until they know its outcome."""

import random
import threading
import time
from decimal import Decimal
from typing import Any, Final, NamedTuple

import httpx

from schemas.instruments import BY_SYMBOL
from tests.api.exchange import Exchange, User

# A reply with one of these decides the command; after any other, and KEY_IN_USE, it is sent again.
DECIDED: Final = frozenset({200, 201, 404, 409, 422})
PAUSE_S: Final = 0.15
RETRY_PAUSE_S: Final = 0.25
DECIDED_WITHIN_S: Final = 120.0
# Parts of a position to close, in tenths; some are more than there is.
TENTHS: Final = (1, 3, 5, 5, 9, 10, 11, 30)


class FinalReply(NamedTuple):
    """The reply that decided a command, and after how many attempts.

    resolved: what `GET commands/{id}` gave after a 202, before the command was sent again.
    """

    status: int
    reply: dict[str, Any]
    attempts: int
    resolved: dict[str, Any] | None


class CommandReply(NamedTuple):
    """One command under its key, and the reply that decided it; the last four as in FinalReply."""

    user: User
    key: str
    path: str
    body: dict[str, Any]
    status: int
    reply: dict[str, Any]
    attempts: int
    resolved: dict[str, Any] | None

    @property
    def reduced(self) -> bool:
        """Whether it says that a part of a position was closed, and the rest is open."""
        return self.status == 200 and "quantity" in self.body and self.reply["status"] == "open"


class TradedPosition(NamedTuple):
    """A position as its owner knows it. lots: what is open of it."""

    position_id: str
    symbol: str
    lots: int


class Trader(threading.Thread):
    """Opens, and closes wholly or in part, until stopped; each command under a key of its own.

    all_positions: of all traders; at times one tries to close a part of another's.
    """

    def __init__(self, user: User, seed: int, pause_s: float, all_positions: list[TradedPosition]) -> None:
        super().__init__(daemon=True)
        self.user = user
        self.answers: list[CommandReply] = []
        self.failure: str | None = None
        self._pause_s = pause_s
        self._all_positions = all_positions
        self._dice = random.Random(seed)
        self._end = threading.Event()
        self._open: list[TradedPosition] = []

    def run(self) -> None:
        number = 0
        while not self._end.wait(self._pause_s):
            number += 1
            try:
                self._trade(f"command-{number}")
            except AssertionError as error:
                self.failure = str(error)
                return

    def end(self) -> None:
        """Send no new command; wait for the last reply."""
        self._end.set()
        self.join(DECIDED_WITHIN_S + 30)
        assert self.failure is None, self.failure
        assert not self.is_alive()

    def _trade(self, key: str) -> None:
        choice = self._dice.random()
        if not self._open or choice < 0.45:
            self._order(key)
        elif choice < 0.6:
            position = self._open.pop(self._dice.randrange(len(self._open)))
            self._send(key, f"/positions/{position.position_id}/close", {})
        elif choice < 0.95:
            self._reduce(key, self._dice.randrange(len(self._open)))
        else:
            position = self._dice.choice(self._all_positions)
            if position.position_id not in {mine.position_id for mine in self._open}:
                self._send(key, f"/positions/{position.position_id}/close", part_quantity(position, 5))

    def _order(self, key: str) -> None:
        body = {
            "symbol": self._dice.choice(("BTC_USDC", "ETH_USDC", "SOL_USDC")),
            "side": self._dice.choice(("long", "short")),
            "margin": str(self._dice.randint(5, 30)),
            "leverage": str(self._dice.randint(1, 100)),
        }
        answer = self._send(key, "/orders", body)
        if answer.status == 201:
            position = TradedPosition(
                answer.reply["position_id"], body["symbol"], lots_in(body["symbol"], answer.reply)
            )
            self._open.append(position)
            self._all_positions.append(position)

    def _reduce(self, key: str, index: int) -> None:
        """Close a part of a position, then perhaps repeat that, reuse its key for other content, or close the rest."""
        position = self._open.pop(index)
        path, tenths = f"/positions/{position.position_id}/close", self._dice.choice(TENTHS)
        answer = self._send(key, path, part_quantity(position, tenths))
        if answer.reduced:
            self._open.append(position._replace(lots=lots_in(position.symbol, answer.reply)))
        elif answer.reply.get("code") == "ABOVE_MAXIMUM":
            self._open.append(position)
        choice = self._dice.random()
        if choice < 0.2:
            again = self._retry_until_decided(key, path, answer.body)
            content = again.status, again.reply.get("code")
            assert content == (answer.status, answer.reply.get("code")), f"{key} again: {again}"
        elif choice < 0.4:
            other = self._retry_until_decided(key, path, part_quantity(position, tenths + 1))
            assert (other.status, other.reply["code"]) == (422, "COMMAND_ID_REUSED"), f"{key}, other content: {other}"
        elif choice < 0.7 and answer.reduced:
            self._open.pop()
            self._send(f"{key}-rest", path, {})

    def _send(self, key: str, path: str, body: dict[str, Any]) -> CommandReply:
        """Send a command, and note its outcome."""
        answer = CommandReply(self.user, key, path, body, *self._retry_until_decided(key, path, body))
        assert answer.status != 422, f"{key}: {answer.reply}"
        self.answers.append(answer)
        return answer

    def _retry_until_decided(self, key: str, path: str, body: dict[str, Any]) -> FinalReply:
        """Send it until a reply decides it; a broken connection and a 5xx leave its outcome unknown."""
        deadline = time.monotonic() + DECIDED_WITHIN_S
        last: object = None
        resolved: dict[str, Any] | None = None
        for attempts in range(1, 10_000):
            try:
                reply = self.user.http.post(path, json=body, headers={"Idempotency-Key": key})
            except httpx.TransportError as error:
                last = repr(error)
            else:
                last = reply.text
                if reply.status_code in DECIDED and reply.json().get("code") != "KEY_IN_USE":
                    return FinalReply(reply.status_code, reply.json(), attempts, resolved)
                assert reply.status_code in {202, 409, 429, 503}, f"{key}: {reply.status_code} {reply.text}"
                if reply.status_code == 202:
                    resolved = self._poll_command(reply, deadline) or resolved
            assert time.monotonic() < deadline, f"{key} is not known after {DECIDED_WITHIN_S:.0f} s: {last}"
            time.sleep(RETRY_PAUSE_S)
        raise AssertionError

    def _poll_command(self, undecided: httpx.Response, deadline: float) -> dict[str, Any] | None:
        """Poll the Location of a 202 until the command is decided; null where that is unknown or there is no answer.

        It is then sent again under its key, as by any client.
        """
        command_id = undecided.json()["command_id"]
        assert undecided.headers["Location"] == f"/api/v1/commands/{command_id}"
        while time.monotonic() < deadline:
            try:
                reply = self.user.http.get(f"/commands/{command_id}")
            except httpx.TransportError:
                return None
            if reply.status_code != 200:
                assert reply.status_code in {404, 429, 503}, f"{command_id}: {reply.status_code} {reply.text}"
                return None
            content: dict[str, Any] = reply.json()
            if content["status"] in {"done", "rejected"}:
                return content
            if content["status"] == "unknown":
                return None
            time.sleep(RETRY_PAUSE_S)
        return None


def part_quantity(position: TradedPosition, tenths: int) -> dict[str, str]:
    """Give a request's quantity for so many tenths of a position, at least one lot."""
    lots = Decimal(max(1, position.lots * tenths // 10))
    return {"quantity": f"{lots.scaleb(-BY_SYMBOL[position.symbol].lot_exponent):f}"}


def lots_in(symbol: str, reply: dict[str, Any]) -> int:
    """Give the lots an order or a position has."""
    return int(Decimal(reply["quantity"]).scaleb(BY_SYMBOL[symbol].lot_exponent))


class Load:
    """Several traders at once. In ten minutes an account may send 600 commands that open: a long load is a slow one."""

    def __init__(self, exchange: Exchange, traders: int, seed: int, pause_s: float = PAUSE_S) -> None:
        all_positions: list[TradedPosition] = []
        self.traders = [Trader(exchange.new_user(), seed + number, pause_s, all_positions) for number in range(traders)]

    def start(self) -> None:
        for trader in self.traders:
            trader.start()

    def end(self) -> list[CommandReply]:
        """Stop all traders, and give every reply."""
        return [answer for trader in self.traders for answer in self._end(trader)]

    @property
    def answered(self) -> int:
        return sum(len(trader.answers) for trader in self.traders)

    @property
    def reduced(self) -> int:
        """How many replies say that a part of a position was closed, and the rest stays."""
        return sum(answer.reduced for trader in self.traders for answer in list(trader.answers))

    def _end(self, trader: Trader) -> list[CommandReply]:
        trader.end()
        return trader.answers
