"""People who trade over HTTP, and ask again under the same key until they know what became of each order."""

import random
import threading
import time
from decimal import Decimal
from typing import Any, Final, NamedTuple

import httpx

from schemas.instruments import BY_SYMBOL
from tests.api.exchange import Exchange, User

# What became of the command; anything else, and a key that is still in use, is asked about again.
ANSWERS: Final = frozenset({200, 201, 404, 409, 422})
PAUSE_S: Final = 0.15
ASK_AGAIN_S: Final = 0.25
KNOWN_WITHIN_S: Final = 120.0
# Parts of a position that somebody closes, in tenths; some are more than there is.
TENTHS: Final = (1, 3, 5, 5, 9, 10, 11, 30)


class Told(NamedTuple):
    """The last answer to a client about a command, and the number of its attempts.

    resolved: what the id that an undecided answer gave led to, before anything was asked again.
    """

    status: int
    reply: dict[str, Any]
    asked: int
    resolved: dict[str, Any] | None


class Answer(NamedTuple):
    """The answers to a client about one command, under its key; the last four as in Told."""

    user: User
    key: str
    path: str
    body: dict[str, Any]
    status: int
    reply: dict[str, Any]
    asked: int
    resolved: dict[str, Any] | None

    @property
    def reduced(self) -> bool:
        """Whether it says that a part of a position was closed, and the rest is open."""
        return self.status == 200 and "quantity" in self.body and self.reply["status"] == "open"


class Ticket(NamedTuple):
    """A position somebody opened, as far as its owner knows. lots: what is open of it."""

    position_id: str
    symbol: str
    lots: int


class Trader(threading.Thread):
    """Opens, and closes wholly or in part, until stopped; each command under a key of its own.

    board: the positions of all traders; at times one asks for a part of another's.
    """

    def __init__(self, user: User, seed: int, pause_s: float, board: list[Ticket]) -> None:
        super().__init__(daemon=True)
        self.user = user
        self.answers: list[Answer] = []
        self.failure: str | None = None
        self._pause_s = pause_s
        self._board = board
        self._dice = random.Random(seed)
        self._ended = threading.Event()
        self._open: list[Ticket] = []

    def run(self) -> None:
        number = 0
        while not self._ended.wait(self._pause_s):
            number += 1
            try:
                self._trade(f"command-{number}")
            except AssertionError as error:
                self.failure = str(error)
                return

    def end(self) -> None:
        """Ask no more than what is already asked."""
        self._ended.set()
        self.join(KNOWN_WITHIN_S + 30)
        assert self.failure is None, self.failure
        assert not self.is_alive()

    def _trade(self, key: str) -> None:
        choice = self._dice.random()
        if not self._open or choice < 0.45:
            self._order(key)
        elif choice < 0.6:
            ticket = self._open.pop(self._dice.randrange(len(self._open)))
            self._ask(key, f"/positions/{ticket.position_id}/close", {})
        elif choice < 0.95:
            self._reduce(key, self._dice.randrange(len(self._open)))
        else:
            ticket = self._dice.choice(self._board)
            if ticket.position_id not in {mine.position_id for mine in self._open}:
                self._ask(key, f"/positions/{ticket.position_id}/close", part_of(ticket, 5))

    def _order(self, key: str) -> None:
        body = {
            "symbol": self._dice.choice(("BTC_USDC", "ETH_USDC", "SOL_USDC")),
            "side": self._dice.choice(("long", "short")),
            "margin": str(self._dice.randint(5, 30)),
            "leverage": str(self._dice.randint(1, 100)),
        }
        answer = self._ask(key, "/orders", body)
        if answer.status == 201:
            ticket = Ticket(answer.reply["position_id"], body["symbol"], lots_in(body["symbol"], answer.reply))
            self._open.append(ticket)
            self._board.append(ticket)

    def _reduce(self, key: str, place: int) -> None:
        """Close a part of a position, then perhaps retry, reuse its key for another request, or close the rest."""
        ticket = self._open.pop(place)
        path, tenths = f"/positions/{ticket.position_id}/close", self._dice.choice(TENTHS)
        answer = self._ask(key, path, part_of(ticket, tenths))
        if answer.reduced:
            self._open.append(ticket._replace(lots=lots_in(ticket.symbol, answer.reply)))
        elif answer.reply.get("code") == "ABOVE_MAXIMUM":
            self._open.append(ticket)
        choice = self._dice.random()
        if choice < 0.2:
            again = self._told(key, path, answer.body)
            said = again.status, again.reply.get("code")
            assert said == (answer.status, answer.reply.get("code")), f"{key} again: {again}"
        elif choice < 0.4:
            other = self._told(key, path, part_of(ticket, tenths + 1))
            assert (other.status, other.reply["code"]) == (422, "COMMAND_ID_REUSED"), f"{key}, other content: {other}"
        elif choice < 0.7 and answer.reduced:
            self._open.pop()
            self._ask(f"{key}-rest", path, {})

    def _ask(self, key: str, path: str, body: dict[str, Any]) -> Answer:
        """Give a command, and note what became of it."""
        answer = Answer(self.user, key, path, body, *self._told(key, path, body))
        assert answer.status != 422, f"{key}: {answer.reply}"
        self.answers.append(answer)
        return answer

    def _told(self, key: str, path: str, body: dict[str, Any]) -> Told:
        """Ask until there is an answer; a broken connection and a 5xx say nothing about what became of it."""
        deadline = time.monotonic() + KNOWN_WITHIN_S
        last: object = None
        resolved: dict[str, Any] | None = None
        for asked in range(1, 10_000):
            try:
                reply = self.user.http.post(path, json=body, headers={"Idempotency-Key": key})
            except httpx.TransportError as error:
                last = repr(error)
            else:
                last = reply.text
                if reply.status_code in ANSWERS and reply.json().get("code") != "KEY_IN_USE":
                    return Told(reply.status_code, reply.json(), asked, resolved)
                assert reply.status_code in {202, 409, 429, 503}, f"{key}: {reply.status_code} {reply.text}"
                if reply.status_code == 202:
                    resolved = self._resolved(reply, deadline) or resolved
            assert time.monotonic() < deadline, f"{key} is not known after {KNOWN_WITHIN_S:.0f} s: {last}"
            time.sleep(ASK_AGAIN_S)
        raise AssertionError

    def _resolved(self, undecided: httpx.Response, deadline: float) -> dict[str, Any] | None:
        """Look where an undecided answer says to look, until it is decided; null where nobody there knows or answers.

        The command is then retried under its key, as by any client.
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
            said: dict[str, Any] = reply.json()
            if said["status"] in {"done", "rejected"}:
                return said
            if said["status"] == "unknown":
                return None
            time.sleep(ASK_AGAIN_S)
        return None


def part_of(ticket: Ticket, tenths: int) -> dict[str, str]:
    """Give what a request says of so many tenths of a position, and never of nothing."""
    lots = Decimal(max(1, ticket.lots * tenths // 10))
    return {"quantity": f"{lots.scaleb(-BY_SYMBOL[ticket.symbol].lot_exponent):f}"}


def lots_in(symbol: str, reply: dict[str, Any]) -> int:
    """Give the lots an order or a position has."""
    return int(Decimal(reply["quantity"]).scaleb(BY_SYMBOL[symbol].lot_exponent))


class Load:
    """Several traders at once. In ten minutes an account may send 600 commands that open: a long load is a slow one."""

    def __init__(self, exchange: Exchange, traders: int, seed: int, pause_s: float = PAUSE_S) -> None:
        board: list[Ticket] = []
        self.traders = [Trader(exchange.new_user(), seed + number, pause_s, board) for number in range(traders)]

    def start(self) -> None:
        for trader in self.traders:
            trader.start()

    def end(self) -> list[Answer]:
        """Let each know what became of its last order; every answer anyone got."""
        return [answer for trader in self.traders for answer in self._ended(trader)]

    @property
    def answered(self) -> int:
        return sum(len(trader.answers) for trader in self.traders)

    @property
    def reduced(self) -> int:
        """How often somebody was told that a part of a position was closed, and the rest stays."""
        return sum(answer.reduced for trader in self.traders for answer in list(trader.answers))

    def _ended(self, trader: Trader) -> list[Answer]:
        trader.end()
        return trader.answers
