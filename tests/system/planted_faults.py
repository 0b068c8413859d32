"""Faults planted in answers and in the ledger, each of which the comparison of the two must find."""

import json
import re
from collections.abc import Iterator
from copy import copy
from typing import Any

from tests.system.answers_and_ledger import differences
from tests.system.followed_ledger import Ledger
from tests.system.noted_answers import Answer, Command


def faults_not_found(commands: list[Command], ledger: Ledger) -> list[str]:
    """Name the planted faults that the comparison does not find."""
    kinds = one_of_each_kind(commands)
    assert len(kinds) > 1, "there is nothing to plant in"
    lost = [
        f"{command} lost or doubled"
        for command, spoiled in spoilt(kinds, ledger)
        if not differences([command], spoiled)
    ]
    wrong = [f"{command} with {command.answers}" for command in altered(kinds) if not differences([command], ledger)]
    return lost + wrong


def spoilt(commands: list[Command], ledger: Ledger) -> Iterator[tuple[Command, Ledger]]:
    """Give commands with the ledger as a fault would leave it: without the command, or with its outcome twice."""
    for command in commands:
        for count in (0, 2):
            wrong = copy(ledger)
            wrong.outcomes = ledger.outcomes | {command.command_id: ledger.outcomes[command.command_id] * count}
            yield command, wrong


def altered(commands: list[Command]) -> Iterator[Command]:
    """Give commands whose answer is not the ledger's: refused though executed, or with another figure."""
    for command in commands:
        answer = command.answers[-1]
        refused = {"code": "INSUFFICIENT_MARGIN", "command_id": command.command_id}
        for wrong in (Answer(409, refused), Answer(404, {"code": "NOT_FOUND"}), Answer(200, with_other_figure(answer))):
            changed = copy(command)
            changed.answers = [wrong]
            yield changed


def with_other_figure(answer: Answer) -> Any:
    """Give an answer's body with the first digit of one of its figures changed."""
    text = json.dumps(answer.body, default=str)
    names = ("balance", "pnl", "realizedPnL", "totalReturn", "entryPrice", "price", "entry_price", "amount", "orderId")
    name = next(name for name in names if f'"{name}": ' in text)
    digit = re.compile(rf'"{name}": "?-?(\d)').search(text)
    assert digit is not None, f"{name} of {text} is no figure"
    return json.loads(text[: digit.start(1)] + ("2" if digit[1] == "1" else "1") + text[digit.end(1) :])


def one_of_each_kind(commands: list[Command]) -> list[Command]:
    """Give a command of each kind and route that was answered as done."""
    found = {(command.what, command.route): command for command in commands if has_figures(command)}
    return list(found.values())


def has_figures(command: Command) -> bool:
    """Whether the last answer to a command says what was executed."""
    answer = command.answers[-1]
    if not answer.is_success or command.what != "close-all":
        return answer.is_success
    return any(item["status"] == "done" for item in answer.body["items"])
