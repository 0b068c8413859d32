"""Money in and out: by administrators with a second one's approval, and at users' wish, once each and never in doubt.

The tables are real; the log is played, so that it can refuse, be silent, and be asked twice.

Longer than 300 lines because all of it runs on one played log.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from sqlalchemy import text

from api.auth.caller import SignedInUser
from api.dispatch.replies import Decided, Pending, Reply
from api.dispatch.request_options import RequestOptions
from api.http.problems import ENGINE_BEHIND, REFUSALS, ApiError
from api.log.outcomes import Outcome
from api.store.database import Database
from api.store.migrate import migrate as migrate_auth
from api.store.users import User
from api.transfers import service
from api.transfers.carrying import TransferCarrier
from api.transfers.service import Shown, Wish
from api.transfers.views import transfer_of, withdrawal_of
from projector.migrate import migrate as migrate_ledger
from runtime.settings import Settings
from schemas.commands import Deposit, Withdraw
from schemas.events import Deposited, EventHeader, Withdrawn
from schemas.journal import transfer_command_id
from schemas.rejections import Rejection
from schemas.units import Micros, Timestamp

USDC = 1_000_000
ACCOUNT = "an-account"


class PlayedLog:
    """Executes each command id once, as the dispatcher and the engine do together."""

    def __init__(self) -> None:
        self.cash = 0
        self.sent: list[str] = []
        self.outcomes: dict[str, Reply] = {}
        self.is_silent = False
        self.is_down = False
        self.lookup = self

    async def execute(self, command: Deposit | Withdraw, options: RequestOptions) -> Reply:
        assert options.key is not None
        assert options.command_id(command.account_id) == command.command_id, "known by its key for ever"
        if self.is_down:
            raise ApiError(ENGINE_BEHIND)
        self.sent.append(command.command_id)
        if command.command_id not in self.outcomes:
            change = command.amount if isinstance(command, Deposit) else -command.amount
            if self.cash + change < 0:
                raise ApiError(REFUSALS[Rejection.INSUFFICIENT_MARGIN], command_id=command.command_id)
            self.cash += change
            kind = Deposited if isinstance(command, Deposit) else Withdrawn
            self.outcomes[command.command_id] = Decided(Outcome(0, _event(kind, command, len(self.outcomes) + 1)))
        return Pending(command.command_id) if self.is_silent else self.outcomes[command.command_id]

    async def decided(self, account_id: str, command_id: str) -> Reply | None:
        assert account_id == ACCOUNT or command_id not in self.outcomes
        return self.outcomes.get(command_id)


def _event(kind: type[Deposited | Withdrawn], command: Deposit | Withdraw, seq: int) -> Deposited | Withdrawn:
    return kind(
        EventHeader(
            seq=seq,
            account_seq=seq,
            command_offset=seq,
            index=0,
            command_id=command.command_id,
            command_hash=b"\0" * 16,
            account_id=command.account_id,
            time=Timestamp(1),
        ),
        amount=Micros(command.amount),
        legs=(),
    )


class Bank(NamedTuple):
    """The service on real tables and a played log."""

    log: PlayedLog
    database: Database
    run: Callable[[Coroutine[Any, Any, Shown]], Shown]

    def ask(self, who: SignedInUser, kind: Any, amount: int, needed: int, key: str | None = None) -> Shown:
        wish = Wish(kind, ACCOUNT, amount * USDC, "received", None, needed)
        return self.run(service.request(self.log, self.database, who, wish, key))  # type: ignore[arg-type]

    def approve(self, who: SignedInUser, shown: Shown) -> Shown:
        return self.run(
            service.approve(self.log, self.database, who, str(shown.transfer.transfer_id), "seen")  # type: ignore[arg-type]
        )

    def find(self, shown: Shown) -> Shown:
        return self.run(service.find(self.log, self.database, str(shown.transfer.transfer_id)))  # type: ignore[arg-type]


def somebody() -> SignedInUser:
    user = User(uuid4(), f"{uuid4().hex}@example.com", None, "admin", ACCOUNT, account_opened=True)
    return SignedInUser(user, uuid4())


@pytest.fixture(scope="module")
def tables(database: str) -> Iterator[Database]:
    migrate_ledger(database)
    migrate_auth(database)
    opened = Database(database)
    opened.ask_now(
        lambda db: db.execute(
            text(
                "INSERT INTO ledger.accounts (account_id, shard, cash, balance, used_margin, opened_at, account_seq)"
                " VALUES (:account, 0, 0, 0, 0, 1, 1)"
            ),
            {"account": ACCOUNT},
        )
    )
    yield opened
    opened.close()


@pytest.fixture
def bank(tables: Database) -> Iterator[Bank]:
    with asyncio.Runner() as runner:
        yield Bank(PlayedLog(), tables, runner.run)


def test_an_administrator_s_deposit_is_in_the_log_at_once_where_no_confirmation_is_needed(bank: Bank) -> None:
    shown = transfer_of(bank.ask(somebody(), "deposit", 100, 0))
    assert (shown.status, shown.amount, shown.event_id, bank.log.cash) == ("done", "100.000000", "0-1", 100 * USDC)
    assert [act.act for act in shown.acts] == ["requested", "done"]


def test_a_deposit_waits_for_a_second_administrator_and_its_author_cannot_confirm_the_deposit(bank: Bank) -> None:
    author, second = somebody(), somebody()
    waiting = bank.ask(author, "deposit", 100, 1)
    assert (waiting.transfer.status, bank.log.sent) == ("pending", [])
    with pytest.raises(ApiError, match="FORBIDDEN") as refused:
        bank.approve(author, waiting)
    assert "another administrator" in refused.value.detail
    assert bank.log.sent == []
    done = transfer_of(bank.approve(second, waiting))
    assert (done.status, done.approvals, bank.log.cash) == ("done", 1, 100 * USDC)
    assert [(act.act, act.user_id) for act in done.acts] == [
        *(("requested", str(author.user.user_id)), ("approved", str(second.user.user_id)), ("done", None)),
    ]


def test_one_administrator_who_approves_twice_is_one_approval(bank: Bank) -> None:
    user, first, second = somebody(), somebody(), somebody()
    bank.log.cash = 50 * USDC
    waiting = bank.ask(user, "withdrawal", 50, 2)
    assert bank.approve(first, waiting).transfer.status == "pending"
    assert bank.approve(first, waiting).transfer.status == "pending"
    assert bank.approve(second, waiting).transfer.status == "done"
    assert bank.log.cash == 0


def test_a_withdrawal_beyond_the_free_margin_at_execution_is_shown_as_refused_by_the_log(bank: Bank) -> None:
    bank.log.cash = 80 * USDC
    waiting = bank.ask(somebody(), "withdrawal", 100, 1)
    refused = bank.approve(somebody(), waiting)
    assert (refused.transfer.status, bank.log.cash) == ("refused", 80 * USDC)
    assert withdrawal_of(refused).code == "INSUFFICIENT_MARGIN"
    assert bank.approve(somebody(), waiting).transfer.status == "refused", "what is refused stays refused"
    assert len(bank.log.sent) == 1


def test_a_transfer_that_is_requested_twice_under_one_key_moves_money_once(bank: Bank) -> None:
    author = somebody()
    first, again = (bank.ask(author, "deposit", 10, 0, key="once") for _ in range(2))
    assert first == again
    assert bank.log.cash == 10 * USDC
    with pytest.raises(ApiError, match="COMMAND_ID_REUSED"):
        bank.ask(author, "deposit", 11, 0, key="once")
    assert bank.ask(somebody(), "deposit", 11, 0, key="once").transfer.status == "done", "another's key is another's"


def test_a_transfer_without_an_answer_is_approved_until_the_log_says_more(bank: Bank) -> None:
    bank.log.is_silent = True
    shown = bank.ask(somebody(), "deposit", 10, 0)
    assert shown.transfer.status == "approved"
    assert bank.find(shown).transfer.status == "done"
    assert bank.log.cash == 10 * USDC


def test_a_transfer_that_could_not_be_sent_is_sent_by_the_next_approval_and_once(bank: Bank) -> None:
    bank.log.is_down = True
    shown = bank.ask(somebody(), "deposit", 10, 0)
    assert (bank.find(shown).transfer.status, bank.log.sent) == ("approved", [])
    bank.log.is_down = False
    for _ in range(2):
        assert bank.approve(somebody(), shown).transfer.status == "done"
    assert (bank.log.cash, len(bank.log.sent)) == (10 * USDC, 1)


def test_a_transfer_that_the_log_did_not_take_is_carried_out_without_another_approval_and_once(bank: Bank) -> None:
    carrier = TransferCarrier(bank.log, bank.database)  # type: ignore[arg-type]
    bank.log.is_down = True
    shown, other = bank.ask(somebody(), "deposit", 10, 0), bank.ask(somebody(), "withdrawal", 50, 1)
    with asyncio.Runner() as runner:
        runner.run(carrier.carry())
        assert (bank.find(shown).transfer.status, bank.log.sent) == ("approved", [])
        bank.log.is_down, bank.log.is_silent = False, True
        for _ in range(2):
            runner.run(carrier.carry())
    assert (bank.find(shown).transfer.status, bank.find(other).transfer.status) == ("done", "pending")
    assert (bank.log.cash, len(bank.log.sent)) == (10 * USDC, 1)


def test_a_withdrawal_that_the_log_refuses_when_it_is_carried_is_refused(bank: Bank) -> None:
    bank.log.is_down = True
    shown = bank.ask(somebody(), "withdrawal", 10, 0)
    bank.log.is_down = False
    with asyncio.Runner() as runner:
        runner.run(TransferCarrier(bank.log, bank.database).carry())  # type: ignore[arg-type]
    assert bank.find(shown).transfer.status == "refused"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE auth.transfers SET status = 'approved' WHERE transfer_id = :transfer",
        (
            "WITH seen AS (INSERT INTO auth.transfer_acts (transfer_id, act, user_id, at) VALUES "
            "(:transfer, 'approved', :second, '2020-01-01') RETURNING transfer_id) UPDATE auth.transfers "
            "SET status = 'approved' FROM seen WHERE transfers.transfer_id = seen.transfer_id"
        ),
        "UPDATE auth.transfers SET status = 'approved', approvals_needed = 0 WHERE transfer_id = :transfer",
        (
            "INSERT INTO auth.transfers (transfer_id, kind, account_id, amount, reason, requested_by, "
            "approvals_needed, status, command_id, created_at) SELECT :second, kind, account_id, amount, reason, "
            "requested_by, 0, 'approved', :command, '2020-01-01' FROM auth.transfers WHERE transfer_id = :transfer"
        ),
        (
            "WITH seen AS (INSERT INTO auth.transfer_acts (transfer_id, act, user_id) VALUES "
            "(:transfer, 'approved', NULL), (:transfer, 'approved', :second) RETURNING transfer_id) UPDATE "
            "auth.transfers SET status = 'approved' FROM seen WHERE transfers.transfer_id = seen.transfer_id"
        ),
    ],
    ids=["status", "approval", "approvals_needed", "request", "approval of nobody"],
)
def test_a_transfer_whose_lines_are_missing_from_the_journal_is_neither_carried_nor_sent_by_an_approval(
    bank: Bank, statement: str
) -> None:
    waiting, second = bank.ask(somebody(), "deposit", 100, 1), uuid4()
    values = {"transfer": waiting.transfer.transfer_id, "second": second}
    planted = text(statement)
    if ":command" in statement:
        values["command"] = transfer_command_id(ACCOUNT, str(second))  # type: ignore[assignment]
    bank.database.ask_now(lambda db: db.execute(planted, values))
    bank.run(TransferCarrier(bank.log, bank.database).carry())  # type: ignore[arg-type]
    forged = second if ":command" in statement else waiting.transfer.transfer_id
    approved = bank.run(service.approve(bank.log, bank.database, somebody(), str(forged), None))  # type: ignore[arg-type]
    assert (approved.transfer.status, bank.log.sent, bank.log.cash) == ("approved", [], 0)
    bank.database.ask_now(
        lambda db: db.execute(text("UPDATE auth.transfers SET status = 'rejected' WHERE status = 'approved'"))
    )


def test_a_rejected_withdrawal_moves_nothing_and_its_user_sees_why(bank: Bank) -> None:
    bank.log.cash = 100 * USDC
    waiting = bank.ask(somebody(), "withdrawal", 100, 1)
    transfer_id = str(waiting.transfer.transfer_id)
    rejected = bank.run(service.reject(bank.database, somebody(), transfer_id, "no bank account on file"))
    shown = withdrawal_of(rejected)
    assert (shown.status, shown.note, bank.log.sent) == ("rejected", "no bank account on file", [])
    with pytest.raises(ApiError, match="TRANSFER_NOT_PENDING"):
        bank.approve(somebody(), waiting)
    with pytest.raises(ApiError, match="TRANSFER_NOT_PENDING"):
        bank.run(service.reject(bank.database, somebody(), transfer_id, None))


def test_an_amount_of_nothing_and_an_account_that_is_none_are_refused_and_stored_nowhere(bank: Bank) -> None:
    with pytest.raises(ApiError, match="AMOUNT_NOT_POSITIVE") as refused:
        bank.ask(somebody(), "deposit", 0, 0)
    assert refused.value.details == {"above": 0, "sent": "0.000000"}
    wish = Wish("deposit", "nobody", USDC, "received", None, 0)
    with pytest.raises(ApiError, match="NOT_FOUND: There is no account 'nobody'"):
        bank.run(service.request(bank.log, bank.database, somebody(), wish, None))  # type: ignore[arg-type]
    assert bank.log.sent == []


def test_the_list_of_transfers_goes_on_by_cursors_and_filters_by_account_and_status(bank: Bank) -> None:
    made = [bank.ask(somebody(), "deposit", 1, 1) for _ in range(3)]

    async def pages() -> list[list[Shown]]:
        wanted: dict[str, Any] = {"account_id": ACCOUNT, "kind": "deposit", "status": "pending", "limit": 2}
        first, cursor = await service.page(bank.database, **wanted, cursor=None)
        assert cursor is not None
        second, _ = await service.page(bank.database, **wanted, cursor=cursor)
        return [first, second]

    with asyncio.Runner() as runner:
        first, second = runner.run(pages())
    assert [one.transfer.number for one in (*first, *second)][:3] == [one.transfer.number for one in reversed(made)]


@pytest.mark.parametrize(
    ("profile", "confirmations", "of_user", "of_administrator"),
    [("demo", 0, 0, 0), ("demo", 1, 0, 1), ("production", 0, 1, 0), ("production", 1, 2, 1)],
)
def test_a_user_s_withdrawal_needs_an_administrator_in_production_and_one_more_with_confirmations(
    profile: str, confirmations: int, of_user: int, of_administrator: int
) -> None:
    settings = Settings.model_validate({"profile": profile, "money_confirmations": confirmations})
    assert service.approvals_of_a_user(settings) == of_user
    assert service.approvals_of_an_administrator(settings) == of_administrator
