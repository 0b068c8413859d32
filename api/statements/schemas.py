"""The shape of a statement of a period."""

from pydantic import BaseModel, ConfigDict, Field

from api.accounts.schemas import LedgerLine
from api.http.amounts import Decimals


class Statement(BaseModel):
    """The changes of the balance in [from, to), newest first; opening_balance and they sum to closing_balance."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True, validate_by_alias=True)

    account_id: str
    start: str | None = Field(alias="from", json_schema_extra={"format": "date-time"})
    end: str = Field(alias="to", json_schema_extra={"format": "date-time"})
    opening_balance: Decimals
    closing_balance: Decimals
    items: list[LedgerLine]
    next_cursor: str | None
