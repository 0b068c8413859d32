"""The shapes of requests to move money in or out, and of what became of them."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.http.amounts import Decimals
from api.http.numbers import Money, Text
from api.store.transfers import Act, TransferKind, TransferStatus

Reason = Literal["received", "paid_out", "requested", "refund", "correction", "bonus", "other"]
Note = Annotated[Text, Field(max_length=500)]


class TransferRequest(BaseModel):
    """Money for an account, or from it, and why."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"amount": "1000", "reason": "received", "note": "bank transfer 4711"}]},
    )

    amount: Money
    reason: Reason
    note: Note | None = None


class WithdrawalRequest(BaseModel):
    """Money you want to take out of your free margin."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"amount": "250"}]})

    amount: Money
    note: Note | None = None


class DecisionRequest(BaseModel):
    """Why it is approved or rejected; the body may be left out."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"note": "seen on the bank's list"}]})

    note: Note | None = None


class TransferActReply(BaseModel, title="TransferAct"):
    """Who did what to it; user_id and email are null where the log said it."""

    act: Act
    user_id: str | None
    email: str | None
    note: str | None
    at: str = Field(json_schema_extra={"format": "date-time"})


class TransferReply(BaseModel, title="Transfer"):
    """Money in or out. pending: waits for approvals; approved: on its way into the log; done or refused: by the log.

    rejected: by an administrator. code: the log's refusal. command_id: of the command in the log.
    """

    id: str
    kind: TransferKind
    account_id: str
    amount: Decimals
    reason: Reason
    note: str | None
    status: TransferStatus
    approvals_needed: int = Field(description="of other people than who asked for it")
    approvals: int
    code: str | None = Field(examples=["INSUFFICIENT_MARGIN"])
    command_id: str
    event_id: str | None = Field(examples=["2-1234"])
    created_at: str = Field(json_schema_extra={"format": "date-time"})
    acts: list[TransferActReply]


class Transfers(BaseModel):
    """A page of transfers, newest first."""

    items: list[TransferReply]
    next_cursor: str | None


class Withdrawal(BaseModel):
    """What became of your wish for money. rejected: by an administrator, who says why in note; refused: by the log."""

    id: str
    amount: Decimals
    status: TransferStatus
    note: str | None
    code: str | None = Field(examples=["INSUFFICIENT_MARGIN"])
    event_id: str | None
    created_at: str = Field(json_schema_extra={"format": "date-time"})


class Withdrawals(BaseModel):
    """A page of your withdrawals, newest first."""

    items: list[Withdrawal]
    next_cursor: str | None
