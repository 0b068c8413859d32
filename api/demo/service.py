"""How demo money comes in."""

from api.demo.schemas import DepositReply
from api.dispatch.dispatcher import Dispatcher
from api.dispatch.replies import Decided, Reply, Stored
from api.dispatch.request_options import RequestOptions, deadline
from api.http.amounts import money
from schemas.commands import Deposit
from schemas.ids import event_id


async def deposit(dispatcher: Dispatcher, account_id: str, amount: int, options: RequestOptions) -> Reply:
    """Send a deposit, in micros."""
    command = Deposit(
        command_id=options.command_id(account_id), account_id=account_id, deadline=deadline(), amount=amount
    )
    return await dispatcher.execute(command, options)


def deposit_of(reply: Decided | Stored, amount: int) -> DepositReply:
    """Write a deposit; a repeated one had the same amount."""
    if isinstance(reply, Stored):
        return DepositReply(command_id=reply.row.command_id, event_id=reply.row.event_id, amount=money(amount))
    event = reply.outcome.event
    return DepositReply(
        command_id=str(event.command_id), event_id=event_id(reply.outcome.shard, event.seq), amount=money(amount)
    )
