"""Commands on the money of accounts: deposit, withdraw, and what waits for a second administrator."""

from typing import Annotated, Any, Literal
from urllib.parse import quote
from uuid import uuid4

import typer

from cli.context import AsJson, Data, command_at, console, print_json, reachable_settings, report, typed_password
from runtime.errors import FixableError

Reason = Literal["received", "paid_out", "requested", "refund", "correction", "bonus", "other"]
Status = Literal["pending", "approved", "rejected", "done", "refused"]

Account = Annotated[str, typer.Argument(metavar="ACCOUNT", help="Id of an account, or the email of its user.")]
Amount = Annotated[str, typer.Argument(metavar="AMOUNT", help="USDC, with up to six decimal places.")]
Transfer = Annotated[str, typer.Argument(metavar="TRANSFER", help="Id of the transfer.")]
As = Annotated[str, typer.Option("--as", metavar="EMAIL", help="The administrator who does it; the password is asked.")]
WhyMoved = Annotated[Reason, typer.Option("--reason", help="Why money is moved.")]
Note = Annotated[str | None, typer.Option(help="What is to be remembered with it, up to 500 characters.")]
Key = Annotated[
    str | None, typer.Option(help="A name for this transfer: the same again under the same name moves money once.")
]
OfStatus = Annotated[Status | None, typer.Option("--status", help="Only these.")]
OfAccount = Annotated[str | None, typer.Option("--account", metavar="ACCOUNT", help="Only this account's.")]
Limit = Annotated[int, typer.Option(min=1, max=500, help="At most so many, the newest first.")]


def add_to(app: typer.Typer) -> None:
    accounts = typer.Typer(help="Money of accounts, by administrators.", no_args_is_help=True)
    for command in (deposit, withdraw, transfers, approve, reject):
        accounts.command()(command)
    app.add_typer(accounts, name="account")


def deposit(
    account: Account,
    amount: Amount,
    by: As,
    reason: WhyMoved,
    note: Note = None,
    key: Key = None,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Bring money into an account. With MONEY_CONFIRMATIONS=1 another administrator approves it first."""
    _report(_move("deposits", account, amount, reason, note, by, key, data), data, as_json=as_json)


def withdraw(
    account: Account,
    amount: Amount,
    by: As,
    reason: WhyMoved,
    note: Note = None,
    key: Key = None,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Take money out of an account's free margin. With MONEY_CONFIRMATIONS=1 another administrator approves first."""
    _report(_move("withdrawals", account, amount, reason, note, by, key, data), data, as_json=as_json)


def transfers(
    by: As,
    status: OfStatus = None,
    account: OfAccount = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """List money that came in and went out, and what waits. An auditor may, too."""
    from cli.administrator import signed_in  # noqa: PLC0415

    settings = reachable_settings(data)
    account_id = None if account is None else _account_id(settings.database_url, account)
    with signed_in(settings.port, by, typed_password(is_new=False)) as administrator:
        found = administrator.get("/admin/transfers", status=status, account_id=account_id, limit=limit)
    if as_json:
        print_json(found)
        return
    for transfer in found["items"]:
        console().print(f"{transfer['created_at']}  {_sentence(transfer, data)}", markup=False)
    if found["next_cursor"] is not None:
        report(f"There are more than {limit}; --limit shows more, --status and --account fewer.")
    elif not found["items"]:
        report("There is none.")


def approve(transfer: Transfer, by: As, note: Note = None, as_json: AsJson = False, data: Data = None) -> None:
    """Approve what another administrator, or a user, asked for; the last approval that is needed carries it out."""
    _report(_decide(transfer, "approve", note, by, data), data, as_json=as_json)


def reject(transfer: Transfer, by: As, note: Note = None, as_json: AsJson = False, data: Data = None) -> None:
    """End what waits for approval; its user sees the note."""
    _report(_decide(transfer, "reject", note, by, data), data, as_json=as_json)


def _move(
    kind: str, account: str, amount: str, reason: Reason, note: str | None, by: str, key: str | None, data: Data
) -> Any:
    from cli.administrator import signed_in  # noqa: PLC0415

    settings = reachable_settings(data)
    account_id = _account_id(settings.database_url, account)
    body = {"amount": amount, "reason": reason, "note": note}
    with signed_in(settings.port, by, typed_password(is_new=False)) as administrator:
        # Under a key, so that it can be asked for again where no answer came.
        return administrator.post(f"/admin/accounts/{quote(account_id, safe='')}/{kind}", body, key or str(uuid4()))


def _decide(transfer: str, act: str, note: str | None, by: str, data: Data) -> Any:
    from cli.administrator import signed_in  # noqa: PLC0415

    settings = reachable_settings(data)
    with signed_in(settings.port, by, typed_password(is_new=False)) as administrator:
        return administrator.post(f"/admin/transfers/{quote(transfer, safe='')}/{act}", {"note": note})


def _account_id(database_url: str, account: str) -> str:
    """Give the account that is named by its id, or by its user's email."""
    if "@" not in account:
        return account
    from api.users.administration import account_of  # noqa: PLC0415
    from runtime.postgres import usable  # noqa: PLC0415

    with usable(database_url):
        found = account_of(database_url, account)
    if found is None:
        raise FixableError(f"There is no user {account}; name the account's id, or another email.")
    return found


def _report(transfer: Any, data: Data, *, as_json: bool) -> None:
    """Say what became of a transfer; one that the log refused is a failure."""
    if as_json:
        print_json(transfer)
    else:
        report(_sentence(transfer, data))
    if transfer["status"] == "refused":
        raise typer.Exit(1)


def _sentence(transfer: Any, data: Data) -> str:
    kind, amount, status = transfer["kind"], transfer["amount"], transfer["status"]
    direction = "into" if kind == "deposit" else "out of"
    approval = command_at(data, f"account approve {transfer['id']} --as EMAIL")
    author = next((act["email"] or act["user_id"] for act in transfer["acts"] if act["act"] == "requested"), None)
    became = {
        "pending": (
            f"pending with {transfer['approvals']} of {transfer['approvals_needed']} approvals: another administrator "
            f"says {approval}"
        ),
        "approved": "approved, and on its way into the log: the exchange sends it until it is there",
        "done": f"done: event {transfer['event_id']}",
        "refused": f"refused by the log: {transfer['code']}",
        "rejected": "rejected by an administrator",
    }[status]
    return f"{transfer['id']}  {kind} of {amount} USDC {direction} {transfer['account_id']} by {author} is {became}"
