"""Where answers to clients and the ledger differ: an answer lost, a command executed twice, a wrong figure."""

from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from reprise_client import Event
from schemas.rejections import Rejection
from tests.system.followed_ledger import Ledger, money, price, quantity
from tests.system.noted_answers import PASSING, Answer, Command


def differences(commands: Iterable[Command], ledger: Ledger) -> list[str]:
    """Compare every answer with the ledger, and count the outcomes of every command."""
    return [f"{command}: {difference}" for command in commands for difference in _of_command(command, ledger)]


def unknown_outcomes(commands: Iterable[Command], account_ids: Iterable[str], ledger: Ledger) -> list[str]:
    """Name what was executed for an account that sent no such command."""
    sent = {command.command_id for command in commands}
    return [
        f"{event.type} {event.shard}-{event.fields['seq']} is of no command of {account_id}"
        for account_id in account_ids
        for event in ledger.by_account[account_id]
        if event.fields["command_id"] not in sent and event.fields["command_id"] is not None
        if event.type != "AccountOpened"
    ]


def counted(commands: Iterable[Command]) -> Counter[str]:
    """Count the answers by what they say."""
    return Counter(_kind(answer) for command in commands for answer in command.answers)


def _kind(answer: Answer) -> str:
    if answer.status == 0:
        return "no connection" if answer.is_unsent else "none"
    if answer.is_success:
        return "done"
    if answer.status == 202:
        return "pending"
    if answer.code in PASSING:
        return str(answer.code)
    return "refused by the core" if answer.is_of_the_core else "refused unsent"


def _of_command(command: Command, ledger: Ledger) -> Iterator[str]:
    outcomes = ledger.outcomes.get(command.command_id, [])
    if len(outcomes) > 1:
        yield f"it has {len(outcomes)} outcomes: {outcomes}"
    outcome = outcomes[0] if outcomes else None
    if outcome is not None and all(answer.is_unsent for answer in command.answers):
        yield f"no attempt was sent, by {command.answers}, and the ledger has {outcome}"
    for answer in command.answers:
        yield from (
            f"{text}; answer {answer}, ledger {outcome}" for text in _of_answer(command, answer, outcome, ledger)
        )


def _of_answer(command: Command, answer: Answer, outcome: Event | None, ledger: Ledger) -> Iterator[str]:
    is_executed = outcome is not None and outcome.type != "CommandRejected"
    body = answer.body
    if answer.status == 0 or answer.code in PASSING:
        return
    if answer.status == 202:
        if body.get("command_id", command.command_id) != command.command_id:
            yield "another command is named"
        if body.get("status") == "done" and not is_executed:
            yield "done, and not executed"
    elif answer.is_success:
        if outcome is None or not is_executed:
            yield "done, and not executed"
        else:
            yield from _figures(command, body, outcome, ledger)
    elif answer.code is None or answer.status >= 500:
        yield "no known answer"
    elif answer.is_of_the_core:
        if outcome is None or is_executed or Rejection(outcome.fields["rejection"]).name != answer.code:
            yield "refused, and the ledger has no such refusal"
    elif is_executed:
        yield "refused, and executed"


def _figures(command: Command, body: Any, outcome: Event, ledger: Ledger) -> Iterator[str]:
    """Compare the figures of an answer with those of the event, and of what follows from it."""
    fields = outcome.fields
    match command.what, command.route:
        case "open", route:
            yield from _differing(_said_of_opening(route, body), _opened(route, command, outcome))
        case "deposit", "canonical":
            event_id = f"{outcome.shard}-{fields['seq']}"
            expected = {"command_id": command.command_id, "event_id": event_id, "amount": money(fields["amount"])}
            yield from _differing(body, expected)
        case ("deposit", "seed 003") | ("close", "seed 000"):
            if body["balance"] not in ledger.cents(command.account_id, fields["seq"]):
                yield "a balance that was never there"
        case "close-all", _:
            yield from _closings(command, body, outcome, ledger)
        case "close", "seed 001":
            expected = {
                "tradeId": command.position_id,
                "marginReturned": money(fields["margin"]),
                "pnl": money(fields["profit"] + fields["shortfall"]),
                "totalReturn": money(fields["returned"]),
                "closePrice": price(fields["symbol"], fields["price"]),
            }
            yield from _differing(body["engineResponse"]["data"], expected)
        case "close", "seed 003" | "seed 004" as route:
            (closed,) = ledger.states(str(command.position_id), fields["seq"])
            pnl = {"pnl": closed["realized_pnl"], "orderId": command.position_id}
            named = {"realizedPnL": closed["realized_pnl"], "closePrice": closed["close_price"]}
            yield from _differing(body, pnl if route == "seed 003" else named)
        case _:
            yield from _position(body, str(command.position_id), fields["seq"], ledger)


def _said_of_opening(route: str, body: Any) -> Any:
    return body["engineResponse"]["data"] | {"orderId": body["orderId"]} if route == "seed 001" else body


def _opened(route: str, command: Command, outcome: Event) -> dict[str, Any]:
    """Give an opening as a route writes it."""
    fields, symbol = outcome.fields, outcome.fields["symbol"]
    position_id, figures = fields["position_id"], _figures_of_opening(outcome)
    match route:
        case "canonical":
            ids = {"order_id": command.command_id, "command_id": command.command_id, "position_id": position_id}
            said = {"status": "filled", "symbol": symbol, "side": fields["side"], "price": figures["entry"]}
            named = {name: figures[name] for name in ("quantity", "margin", "leverage")}
            return ids | said | named | {"liquidation_price": figures["liquidation"]}
        case "seed 001" | "seed 004":
            named = {name: figures[name] for name in ("quantity", "margin", "leverage")}
            prices = {"entryPrice": figures["entry"], "liquidationPrice": figures["liquidation"]}
            mine = {"positionId": f"pos_{position_id}"} if route == "seed 004" else {"tradeId": position_id}
            return named | prices | mine | ({"orderId": command.command_id} if route == "seed 001" else {})
        case _:
            return {"orderId": position_id}


def _figures_of_opening(outcome: Event) -> dict[str, Any]:
    fields, symbol = outcome.fields, outcome.fields["symbol"]
    return {
        "entry": price(symbol, fields["price"]),
        "quantity": quantity(symbol, fields["quantity"]),
        "margin": money(fields["margin"]),
        "leverage": Decimal(fields["leverage"]).scaleb(-2),
        "liquidation": price(symbol, fields["liquidation_price"]),
    }


def _position(body: Any, position_id: str, since: int, ledger: Ledger) -> Iterator[str]:
    """Compare a position with what it was when the command was executed, or at any event after that."""
    found = [list(_differing(body, state)) for state in ledger.states(position_id, since)]
    if not found:
        yield f"there is no position {position_id}"
    elif all(found):
        yield f"the position was never so: {min(found, key=len)}"


def _closings(command: Command, body: Any, outcome: Event, ledger: Ledger) -> Iterator[str]:
    closes = {event.fields["position_id"]: event for event in ledger.closes[command.command_id]}
    said = {item["position_id"]: item for item in body["items"]}
    statuses = {name: item["status"] for name, item in said.items()}
    expected = dict.fromkeys(closes, "done") | dict.fromkeys(outcome.fields["left"], "rejected")
    if len(said) != len(body["items"]) or statuses != expected:
        yield f"it closed {expected}, by the answer {statuses}"
        return
    for name, event in closes.items():
        yield from _position(said[name]["position"], name, event.fields["seq"], ledger)


def _differing(said: Any, expected: dict[str, Any]) -> Iterator[str]:
    for name, value in expected.items():
        if not _is_same(said.get(name), value):
            yield f"{name} is {value}, by the answer {said.get(name)}"


def _is_same(said: Any, expected: Any) -> bool:
    if not isinstance(expected, Decimal):
        return bool(said == expected)
    try:
        return said is not None and Decimal(str(said)) == expected
    except InvalidOperation:
        return False
