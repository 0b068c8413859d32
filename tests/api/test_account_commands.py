"""`reprise account` moves money by the API's own routes: the same author, rules and refusals, each in one line."""

import io
import json
from collections.abc import Iterator
from typing import Any, NamedTuple, get_args
from uuid import uuid4

import pytest

from api.store.transfers import TransferStatus
from api.transfers.schemas import Reason
from api.users.administration import add_user
from cli import account
from cli.main import call
from stack.ports import free_ports
from tests.api.exchange import PASSWORD, Exchange, User, service
from tests.processes import eventually

BOSS, SECOND, AUDITOR = "boss@example.com", "second@example.com", "auditor@example.com"


class Shell(NamedTuple):
    """Calls commands against a running exchange as people type them; the password comes through a pipe."""

    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def run(self, *arguments: str, password: str = PASSWORD, code: int = 0) -> tuple[str, str]:
        self.monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
        self.capsys.readouterr()
        assert call(["account", *arguments]) == code, self.capsys.readouterr()
        said = self.capsys.readouterr()
        return said.out, said.err

    def refused(self, *arguments: str, password: str = PASSWORD) -> str:
        out, err = self.run(*arguments, password=password, code=1)
        (line,) = err.splitlines()
        assert out == ""
        return line

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json")[0])


@pytest.fixture(scope="module")
def staffed(exchange: Exchange) -> Exchange:
    for email, role in ((BOSS, "admin"), (SECOND, "admin"), (AUDITOR, "auditor")):
        add_user(exchange.settings, email, role, PASSWORD)  # type: ignore[arg-type]
    return exchange


@pytest.fixture
def shell(staffed: Exchange, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    monkeypatch.setenv("DATABASE_URL", staffed.settings.database_url)
    monkeypatch.setenv("KAFKA_BROKERS", staffed.settings.kafka_brokers)
    monkeypatch.setenv("PORT", str(staffed.settings.port))
    return Shell(monkeypatch, capsys)


@pytest.fixture
def confirming(staffed: Exchange, shell: Shell) -> Iterator[Shell]:
    """The same at an API where a second administrator approves."""
    [port] = free_ports(1)
    settings = staffed.settings.model_copy(update={"port": port, "money_confirmations": 1})
    with service("api", settings, staffed.folder) as api:
        other = Exchange(settings, staffed.folder)
        other.until_ready(api)
        other.close()
        shell.monkeypatch.setenv("PORT", str(port))
        yield shell


def has(user: User, balance: str) -> bool:
    """Say whether the user comes to have this balance, also where another process of the API was asked for it."""
    found = eventually(lambda: user.get("/account")["balance"], lambda seen: seen == balance)
    return bool(found == balance)


@pytest.mark.slow
def test_a_deposit_and_a_withdrawal_are_carried_out_by_their_author_with_reason_and_note(
    staffed: Exchange, shell: Shell
) -> None:
    user = staffed.new_user()
    account_id = user.get("/account")["account_id"]
    out, _ = shell.run("deposit", user.email, "250.5", "--as", BOSS, "--reason", "received", "--note", "transfer 4711")
    assert f"deposit of 250.500000 USDC into {account_id} by {BOSS} is done: event " in out
    assert has(user, "5250.500000")
    done = shell.json("withdraw", account_id, "0.5", "--as", BOSS, "--reason", "paid_out")
    assert (done["status"], done["reason"], done["acts"][0]["email"]) == ("done", "paid_out", BOSS)
    assert has(user, "5250.000000")
    listed = shell.json("transfers", "--as", AUDITOR, "--account", account_id)
    assert [(item["kind"], item["note"]) for item in listed["items"]] == [
        ("withdrawal", None),
        ("deposit", "transfer 4711"),
    ]
    out, _ = shell.run("transfers", "--as", AUDITOR, "--account", account_id, "--limit", "1")
    assert "There are more than 1; --limit shows more" in out


@pytest.mark.slow
def test_a_second_administrator_approves_or_rejects_and_the_author_cannot(staffed: Exchange, confirming: Shell) -> None:
    user = staffed.new_user()
    out, _ = confirming.run("deposit", user.email, "10", "--as", BOSS, "--reason", "correction")
    transfer_id = out.split()[0]
    assert "is pending with 0 of 1 approvals: another administrator says " in out
    assert f"account approve {transfer_id} --as EMAIL" in out
    assert "another administrator approves it (FORBIDDEN)" in confirming.refused("approve", transfer_id, "--as", BOSS)
    out, _ = confirming.run("transfers", "--as", BOSS, "--status", "pending", "--account", user.email)
    assert transfer_id in out
    out, _ = confirming.run("approve", transfer_id, "--as", SECOND, "--note", "seen")
    assert "is done: event " in out
    assert has(user, "5010.000000")
    rejected = confirming.json("deposit", user.email, "10", "--as", BOSS, "--reason", "other")
    out, _ = confirming.run("reject", rejected["id"], "--as", SECOND)
    assert "is rejected by an administrator" in out
    line = confirming.refused("approve", rejected["id"], "--as", SECOND)
    assert "The transfer is rejected (TRANSFER_NOT_PENDING). `./reprise account transfers` shows" in line
    assert has(user, "5010.000000")


@pytest.mark.slow
def test_the_same_key_moves_money_once_and_other_content_under_the_key_is_refused(
    staffed: Exchange, shell: Shell
) -> None:
    user, key = staffed.new_user(), uuid4().hex
    for _ in range(2):
        shell.run("deposit", user.email, "3", "--as", BOSS, "--reason", "bonus", "--key", key)
    assert has(user, "5003.000000")
    line = shell.refused("deposit", user.email, "4", "--as", BOSS, "--reason", "bonus", "--key", key)
    assert "(COMMAND_ID_REUSED). The --key belongs to another transfer" in line


@pytest.mark.slow
def test_a_withdrawal_beyond_the_free_margin_is_refused_by_the_log_and_fails(staffed: Exchange, shell: Shell) -> None:
    user = staffed.new_user()
    out, _ = shell.run("withdraw", user.email, "999999", "--as", BOSS, "--reason", "other", code=1)
    assert "is refused by the log: INSUFFICIENT_MARGIN" in out
    assert has(user, "5000.000000")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("deposit", "EMAIL", "ten", "--as", BOSS, "--reason", "other"), "(MALFORMED)"),
        (("deposit", "EMAIL", "-5", "--as", BOSS, "--reason", "other"), "(AMOUNT_NOT_POSITIVE)"),
        (("deposit", "EMAIL", "0.0000001", "--as", BOSS, "--reason", "other"), "(MALFORMED)"),
        (("deposit", "nobody", "5", "--as", BOSS, "--reason", "other"), "(NOT_FOUND)"),
        (("deposit", "nobody@example.com", "5", "--as", BOSS, "--reason", "other"), "There is no user nobody@"),
        (("deposit", "EMAIL", "5", "--as", AUDITOR, "--reason", "other"), "(ROLE_READ_ONLY). An administrator may"),
        (("deposit", "EMAIL", "5", "--as", "EMAIL", "--reason", "other"), "(FORBIDDEN). `./reprise user add EMAIL"),
        (("transfers", "--as", "who@example.com"), "(BAD_CREDENTIALS). --as names an administrator"),
        (("approve", "no-transfer", "--as", BOSS), "(NOT_FOUND)"),
    ],
)
def test_a_wrong_call_is_refused_in_one_line_that_says_what_to_do(
    staffed: Exchange, shell: Shell, arguments: tuple[str, ...], said: str
) -> None:
    user = staffed.new_user()
    given = [user.email if argument == "EMAIL" else argument for argument in arguments]
    if "-5" in given:
        given = ["deposit", "--as", BOSS, "--reason", "other", "--", user.email, "-5"]
    assert said in shell.refused(*given)
    assert has(user, "5000.000000")


def test_an_api_that_does_not_answer_is_named_with_its_address(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    [nobody] = free_ports(1)
    monkeypatch.setenv("DATABASE_URL", f"postgresql://nobody@127.0.0.1:{nobody}/none")
    monkeypatch.setenv("KAFKA_BROKERS", f"127.0.0.1:{nobody}")
    monkeypatch.setenv("PORT", str(nobody))
    line = Shell(monkeypatch, capsys).refused("transfers", "--as", BOSS)
    assert f"No API answers at http://127.0.0.1:{nobody}" in line
    assert "`./reprise up` starts it" in line


def test_the_reasons_and_statuses_of_the_command_line_are_the_api_s() -> None:
    assert get_args(account.Reason) == get_args(Reason)
    assert get_args(account.Status) == get_args(TransferStatus)
