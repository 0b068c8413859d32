"""Traders that note every answer to every attempt of a command, over the canonical API and the seeds' routes."""

import json
import random
import threading
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

import httpx

from schemas.ids import keyed_command_id
from schemas.rejections import Rejection

SYMBOLS: Final = ("BTC_USDC", "ETH_USDC", "SOL_USDC")
PASSWORD: Final = "correct horse battery"
TIMEOUT_S: Final = 15.0
RETRY_PAUSE_S: Final = 0.3
NO_CONNECTION: Final = "no connection"
# Of the request that met it this says that nothing was sent; the same request may succeed later.
UNSENT: Final = frozenset(
    {"BROKER_UNAVAILABLE", "DATABASE_UNAVAILABLE", "ENGINE_BEHIND", "PROJECTION_BEHIND", "TOO_MANY_CONNECTIONS"}
    | {"RATE_LIMITED"}
)
PASSING: Final = UNSENT | {"KEY_IN_USE"}
LOTS: Final = {"BTC_USDC": "0.00001", "ETH_USDC": "0.0001", "SOL_USDC": "0.001"}
# By how many commands of a hundred each kind comes.
SHARES: Final = {"open": 42, "close": 20, "reduce": 14, "amend": 10, "deposit": 10, "close-all": 4}


class Answer(NamedTuple):
    """What came of one attempt. status: 0 where no answer came."""

    status: int
    body: Any = None

    @property
    def is_success(self) -> bool:
        return self.status in {200, 201}

    @property
    def is_unsent(self) -> bool:
        """Whether it says that its attempt sent nothing, and that the next one may."""
        return self.body == NO_CONNECTION or self.code in UNSENT

    @property
    def code(self) -> str | None:
        """Why it was refused; null where it was not."""
        return self.body.get("code") if self.status >= 400 and isinstance(self.body, dict) else None

    @property
    def is_of_the_core(self) -> bool:
        """Whether it is a refusal that the log has: only such a one names its command."""
        return self.code in Rejection.__members__ and "command_id" in self.body

    @property
    def is_final(self) -> bool:
        """Whether it says what became of the command."""
        return self.is_success or (self.status >= 400 and self.code not in PASSING)


class Command:
    """One command under a key of its own, as a route takes it, and the answer to each attempt."""

    def __init__(
        self,
        account_id: str,
        key: str,
        what: str,
        route: str,
        path: str,
        body: Mapping[str, Any] | None,
        position_id: str | None = None,
    ) -> None:
        self.account_id = account_id
        self.key = key
        self.command_id = keyed_command_id(account_id, key)
        self.what = what
        self.route = route
        self.path = path
        self.body = body
        self.position_id = position_id
        self.answers: list[Answer] = []

    def __str__(self) -> str:
        return f"{self.key} of {self.account_id}, {self.what} by {self.route}, {self.path} {self.body}"


def opening(route: str, symbol: str, side: str, margin: int, leverage: int) -> tuple[str, dict[str, Any]]:
    """Give the path and the body of an order."""
    asset = symbol.removesuffix("_USDC")
    match route:
        case "canonical":
            size = {"margin": str(margin), "leverage": str(leverage)}
            return "/api/v1/orders", {"symbol": symbol, "side": side} | size
        case "seed 000":
            return "/trades", {"asset": asset, "type": side, "margin": margin, "leverage": leverage}
        case "seed 001":
            named = {"command": "CREATE_TRADE", "asset": asset, "direction": side.upper()}
            return "/api/v1/engine", named | {"margin": margin, "leverage": leverage}
        case "seed 003":
            lots = str(Decimal(LOTS[symbol]) * margin)
            named = {"asset": asset, "side": "buy" if side == "long" else "sell"}
            return "/trade/create", named | {"qty": lots, "leverage": leverage}
        case _:
            return "/api/v1/positions/open", {"asset": asset, "type": side, "margin": margin, "leverage": leverage}


def closing(route: str, position_id: str) -> tuple[str, dict[str, Any] | None]:
    """Give the path and the body of a close."""
    match route:
        case "canonical":
            return f"/api/v1/positions/{position_id}/close", None
        case "seed 000":
            return f"/trades/{position_id}/close", None
        case "seed 001":
            return "/api/v1/engine", {"command": "CLOSE_TRADE", "tradeId": position_id}
        case "seed 003":
            return f"/trade/close/{position_id}", None
        case _:
            return "/api/v1/positions/close", {"positionId": f"pos_{position_id}"}


def position_opened(route: str, body: Any) -> str:
    """Give the id of the position that an answer says was opened."""
    match route:
        case "canonical":
            return str(body["position_id"])
        case "seed 001":
            return str(body["engineResponse"]["data"]["tradeId"])
        case "seed 004":
            return str(body["positionId"]).removeprefix("pos_")
        case _:
            return str(body["orderId"])


ROUTES: Final = ("canonical", "canonical", "seed 000", "seed 001", "seed 003", "seed 004")


class Held(NamedTuple):
    """A position that its trader takes for open."""

    position_id: str
    symbol: str
    side: str


class Trader(threading.Thread):
    """Sends commands until it is ended, some of them more than once, and never waits for one to be decided."""

    def __init__(self, url: str, name: str, dice: random.Random, pause_s: float) -> None:
        super().__init__(name=name, daemon=True)
        self.commands: list[Command] = []
        self.email = f"{name}@example.com"
        self._dice = dice
        self._pause_s = pause_s
        self._ended = threading.Event()
        self._held: list[Held] = []
        self.http = httpx.Client(base_url=url, timeout=TIMEOUT_S, trust_env=False)
        who = {"email": self.email, "password": PASSWORD}
        registered = self.http.post("/api/v1/auth/register", json=who)
        assert registered.status_code == 201, registered.text
        self.account_id = str(registered.json()["account_id"])
        signed_in = self.http.post("/auth/login", json=who)  # A seed's session lasts a day.
        assert signed_in.status_code == 200, signed_in.text
        self.http.cookies.clear()
        self.token = str(signed_in.json()["token"])
        self.http.headers["Authorization"] = f"Bearer {self.token}"
        tickers = self.http.get("/api/v1/tickers").json()["items"]
        self._prices = {ticker["symbol"]: Decimal(ticker["mid"]) for ticker in tickers}

    def run(self) -> None:
        while not self._ended.wait(self._pause_s * self._dice.uniform(0.5, 1.5)):
            command = self._next()
            self.commands.append(command)
            self._attempt_some(command, self._dice.choice((1, 1, 2, 4)))
            self._learn(command)

    def end(self) -> None:
        """Send no new command, and wait for the last answer."""
        self._ended.set()
        self.join(10 * TIMEOUT_S)
        assert not self.is_alive()

    def _attempt_some(self, command: Command, times: int) -> None:
        """Send a command so many times, until an answer is final; where no server listens is no attempt."""
        while times > 0:
            answer = self.attempt(command)
            if answer.is_final or self._ended.wait(RETRY_PAUSE_S):
                return
            times -= answer.body != NO_CONNECTION

    def attempt(self, command: Command) -> Answer:
        """Send a command once, and note what is answered."""
        method = "PATCH" if command.what == "amend" else "POST"
        try:
            reply = self.http.request(method, command.path, json=command.body, headers={"Idempotency-Key": command.key})
        except (httpx.ConnectError, httpx.ConnectTimeout):
            answer = Answer(0, NO_CONNECTION)
        except httpx.TransportError as error:
            answer = Answer(0, repr(error))
        else:
            answer = Answer(reply.status_code, decoded(reply))
        command.answers.append(answer)
        return answer

    @property
    def decided(self) -> int:
        """How many commands have an answer that says what became of them."""
        return sum(bool(command.answers) and command.answers[-1].is_final for command in list(self.commands))

    def command(
        self, what: str, route: str, path: str, body: Mapping[str, Any] | None, position_id: str | None = None
    ) -> Command:
        """Give a command under a new key."""
        return Command(self.account_id, f"key-{len(self.commands)}", what, route, path, body, position_id)

    def _next(self) -> Command:
        dice = self._dice
        what = dice.choices(list(SHARES), list(SHARES.values()))[0]
        if what in {"close", "reduce", "amend"} and not self._held:
            what = "open"
        match what:
            case "open":
                route, symbol, side = dice.choice(ROUTES), dice.choice(SYMBOLS), dice.choice(("long", "short"))
                return self.command(
                    what, route, *opening(route, symbol, side, dice.randint(5, 25), dice.randint(1, 20))
                )
            case "close":
                route, held = dice.choice(ROUTES), self._held.pop(dice.randrange(len(self._held)))
                return self.command(what, route, *closing(route, held.position_id), held.position_id)
            case "reduce":
                held = dice.choice(self._held)
                quantity = str(Decimal(LOTS[held.symbol]) * dice.randint(1, 3))
                path = f"/api/v1/positions/{held.position_id}/close"
                return self.command(what, "canonical", path, {"quantity": quantity}, held.position_id)
            case "amend":
                held = dice.choice(self._held)
                price = str((self._prices[held.symbol] * dice.randint(30, 60) / 100).quantize(Decimal("0.1")))
                stop = "stop_loss" if held.side == "long" else "take_profit"
                path = f"/api/v1/positions/{held.position_id}"
                return self.command(what, "canonical", path, {stop: price}, held.position_id)
            case "deposit":
                amount = dice.randint(1, 50)
                if dice.random() < 0.5:
                    return self.command(what, "canonical", "/api/v1/demo/deposit", {"amount": str(amount)})
                body = {"symbol": "USDC", "amount": amount, "decimals": 2}
                return self.command(what, "seed 003", "/balance/deposit", body)
            case _:
                self._held.clear()
                return self.command(what, "canonical", "/api/v1/positions/close-all", None)

    def _learn(self, command: Command) -> None:
        answer = command.answers[-1]
        if command.what != "open" or not answer.is_success:
            return
        asked = command.body or {}
        name = str(asked.get("symbol") or asked["asset"])
        side = "long" if {"long", "LONG", "buy"} & {str(value) for value in asked.values()} else "short"
        position_id = position_opened(command.route, answer.body)
        self._held.append(Held(position_id, name.removesuffix("_USDC") + "_USDC", side))


def decoded(reply: httpx.Response) -> Any:
    """Read an answer with every digit it has; its text where it is no JSON."""
    try:
        return json.loads(reply.text, parse_float=Decimal)
    except ValueError:
        return reply.text
