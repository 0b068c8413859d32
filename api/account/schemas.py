"""What is said about an account."""

from pydantic import BaseModel, Field

from api.amounts import Decimals


class Account(BaseModel):
    """Balance is cash and margins; equity adds the unrealised profit; free margin is cash."""

    account_id: str
    balance: Decimals
    equity: Decimals
    used_margin: Decimals
    free_margin: Decimals
    margin_level: Decimals | None = Field(description="equity / used margin, rounded down; null without a position")
    unrealized_pnl: Decimals
