"""What a seed's balance is: the money that is free, as an integer of small units, and nothing of any coin."""

from typing import Final

from pydantic import BaseModel, Field

from api.accounts.schemas import AccountReply
from api.auth.caller import SignedInUser
from api.compat.names import short
from api.http.problems import NOT_FOUND, ApiError
from schemas.units import MONEY_EXPONENT, parse

DECIMALS: Final = {"USD": 2, "BTC": 4, "ETH": 6, "SOL": 6}
CENT: Final = 10_000  # micros


class Scaled(BaseModel):
    """An amount and its decimal places."""

    balance: int
    decimals: int


class HeldBalance(Scaled, title="Held"):
    """The same, named."""

    symbol: str = Field(examples=["USDC"])


class Purse(BaseModel):
    """What seed 000 and seed 003 call a balance; coins are traded by contract and not held."""

    USD: Scaled
    BTC: Scaled
    ETH: Scaled
    SOL: Scaled
    userId: str  # noqa: N815  # The seeds' own name.
    balances: list[HeldBalance]


def cents_of(account: AccountReply) -> int:
    """Give the free money in cents; what is below one is not shown."""
    return parse(account.free_margin, MONEY_EXPONENT) // CENT


def purse_of(account: AccountReply, caller: SignedInUser) -> Purse:
    """Write a balance as both seeds read it."""
    amounts = {name: Scaled(balance=0, decimals=places) for name, places in DECIMALS.items()}
    amounts["USD"] = Scaled(balance=cents_of(account), decimals=DECIMALS["USD"])
    return Purse(
        **amounts,
        userId=str(caller.user.user_id),
        balances=[
            HeldBalance(symbol="USDC" if name == "USD" else name, **dict(amount)) for name, amount in amounts.items()
        ],
    )


def held(account: AccountReply, asset: str) -> tuple[str, Scaled]:
    """Give the name and amount of one asset; USDC is USD."""
    name = short(asset.strip().upper())
    name = "USD" if name in {"USDC", "USDT"} else name
    if name not in DECIMALS:
        raise ApiError(NOT_FOUND, f"There is no asset {asset!r}")
    return name, Scaled(balance=cents_of(account) if name == "USD" else 0, decimals=DECIMALS[name])
