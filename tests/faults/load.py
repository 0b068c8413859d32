"""People who trade over HTTP, and ask again under the same key until they know what became of each order."""

import random
import threading
import time
from typing import Any, Final, NamedTuple

import httpx

from api.exchange import Exchange, User

ANSWERS: Final = frozenset({200, 201, 409})  # what became of the command; anything else is asked about again
PAUSE_S: Final = 0.15
ASK_AGAIN_S: Final = 0.25
KNOWN_WITHIN_S: Final = 120.0


class Answer(NamedTuple):
    """What a client was told at last about one command, under its key; asked: how many times it asked."""

    user: User
    key: str
    path: str
    body: dict[str, Any]
    status: int
    reply: dict[str, Any]
    asked: int


class Trader(threading.Thread):
    """Opens, amends and closes until told to end; each command under a key of its own."""

    def __init__(self, user: User, seed: int, pause_s: float) -> None:
        super().__init__(daemon=True)
        self.user = user
        self._pause_s = pause_s
        self.answers: list[Answer] = []
        self.failure: str | None = None
        self._dice = random.Random(seed)
        self._ended = threading.Event()
        self._open: list[str] = []

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
        if self._open and self._dice.random() < 0.45:
            position_id = self._open.pop(self._dice.randrange(len(self._open)))
            self._ask(key, f"/positions/{position_id}/close", {})
            return
        body = {
            "symbol": self._dice.choice(("BTC_USDC", "ETH_USDC", "SOL_USDC")),
            "side": self._dice.choice(("long", "short")),
            "margin": str(self._dice.randint(5, 30)),
            "leverage": str(self._dice.randint(1, 100)),
        }
        answer = self._ask(key, "/orders", body)
        if answer.status == 201:
            self._open.append(answer.reply["position_id"])

    def _ask(self, key: str, path: str, body: dict[str, Any]) -> Answer:
        """Ask until there is an answer; a broken connection and a 5xx say nothing about what became of it."""
        deadline = time.monotonic() + KNOWN_WITHIN_S
        last: object = None
        for asked in range(1, 10_000):
            try:
                reply = self.user.http.post(path, json=body, headers={"Idempotency-Key": key})
            except httpx.TransportError as error:
                last = repr(error)
            else:
                if reply.status_code in ANSWERS:
                    answer = Answer(self.user, key, path, body, reply.status_code, reply.json(), asked)
                    self.answers.append(answer)
                    return answer
                assert reply.status_code in {202, 429, 503}, f"{key}: {reply.status_code} {reply.text}"
                last = reply.text
            assert time.monotonic() < deadline, f"{key} is not known after {KNOWN_WITHIN_S:.0f} s: {last}"
            time.sleep(ASK_AGAIN_S)
        raise AssertionError


class Load:
    """Several traders at once. In ten minutes an account may send 600 commands that open: a long load is a slow one."""

    def __init__(self, exchange: Exchange, traders: int, seed: int, pause_s: float = PAUSE_S) -> None:
        self.traders = [Trader(exchange.new_user(), seed + number, pause_s) for number in range(traders)]

    def start(self) -> None:
        for trader in self.traders:
            trader.start()

    def end(self) -> list[Answer]:
        """Let each know what became of its last order; every answer anyone got."""
        return [answer for trader in self.traders for answer in self._ended(trader)]

    @property
    def answered(self) -> int:
        return sum(len(trader.answers) for trader in self.traders)

    def _ended(self, trader: Trader) -> list[Answer]:
        trader.end()
        return trader.answers
