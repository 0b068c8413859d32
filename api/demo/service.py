"""How demo money comes in."""

from api.app_state import Parts
from api.demo.schemas import Deposit
from api.dispatch import dispatcher as commands
from api.dispatch.dispatcher import Known, Reply, Settled
from api.dispatch.request_options import Asked, deadline
from api.http.amounts import money
from schemas.commands import Deposit as DepositCommand
from schemas.ids import event_id


async def deposit(parts: Parts, account_id: str, amount: int, asked: Asked) -> Reply:
    """Send a deposit, in micros."""
    command = DepositCommand(
        command_id=asked.command_id(account_id), account_id=account_id, deadline=deadline(), amount=amount
    )
    return await commands.ask(parts, command, key=asked.key, respond_async=asked.respond_async)


def deposit_of(reply: Settled | Known, amount: int) -> Deposit:
    """Write a deposit; a repeated one had the same amount."""
    if isinstance(reply, Known):
        return Deposit(command_id=reply.row.command_id, event_id=reply.row.event_id, amount=money(amount))
    event = reply.outcome.event
    return Deposit(
        command_id=str(event.command_id), event_id=event_id(reply.outcome.shard, event.seq), amount=money(amount)
    )
