"""How a transfer is written: to administrators with all that was done to it, to its user as a withdrawal."""

from api.http.amounts import money
from api.http.times import text_of
from api.transfers.schemas import TransferActReply, TransferReply, Withdrawal
from api.transfers.service import Shown
from runtime.times import micros_at
from schemas.rejections import Rejection


def transfer_of(shown: Shown) -> TransferReply:
    """Write a transfer for administrators."""
    transfer, acts = shown
    return TransferReply.model_validate(
        {
            "id": str(transfer.transfer_id),
            "kind": transfer.kind,
            "account_id": transfer.account_id,
            "amount": money(transfer.amount),
            "reason": transfer.reason,
            "note": transfer.note,
            "status": transfer.status,
            "approvals_needed": transfer.approvals_needed,
            "approvals": sum(act.act == "approved" for act in acts),
            "code": _code(transfer.rejection),
            "command_id": transfer.command_id,
            "event_id": transfer.event_id,
            "created_at": text_of(micros_at(transfer.created_at)),
            "acts": [
                TransferActReply(
                    act=act.act,
                    user_id=None if act.user_id is None else str(act.user_id),
                    email=act.email,
                    note=act.note,
                    at=text_of(micros_at(act.at)),
                )
                for act in acts
            ],
        }
    )


def withdrawal_of(shown: Shown) -> Withdrawal:
    """Write a withdrawal for its user; of what administrators noted, why it was rejected."""
    transfer, acts = shown
    rejections = [act.note for act in acts if act.act == "rejected"]
    return Withdrawal(
        id=str(transfer.transfer_id),
        amount=money(transfer.amount),
        status=transfer.status,
        note=rejections[0] if rejections else transfer.note,
        code=_code(transfer.rejection),
        event_id=transfer.event_id,
        created_at=text_of(micros_at(transfer.created_at)),
    )


def _code(rejection: int | None) -> str | None:
    return None if rejection is None else Rejection(rejection).name
