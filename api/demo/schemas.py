"""The shapes of a request for demo money, and of its reply."""

from pydantic import BaseModel, ConfigDict

from api.http.amounts import Decimals
from api.http.numbers import Money


class DepositRequest(BaseModel):
    """Demo money for the account."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"amount": "1000"}]})

    amount: Money


class DepositReply(BaseModel, title="Deposit"):
    """Money that came in."""

    command_id: str
    event_id: str | None
    amount: Decimals
