"""What administrators do, and auditors read: markets and rules, risk, how far everything is, and money in and out."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec

from reprise_client.administration_models import (
    Activation,
    Broadcast,
    Feed,
    InsuranceFund,
    Ladder,
    Lag,
    ListedAccount,
    MarketExposure,
    MarketStatus,
    Parameters,
    Rules,
    Transfer,
    TransferReason,
)
from reprise_client.asking import KEEP, Asking, Keep, Number, digits, new_key
from reprise_client.calls import Answer, Calls
from reprise_client.models import Page


class Administration(Asking):
    """`client.admin`, of a user whose role is administrator; an auditor may read it all and change nothing.

    A change is said to every shard. It is in force everywhere once `waiting` is empty; `broadcast(name)` says how far.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    # Markets and rules.

    async def parameters(self) -> Sequence[Parameters]:
        """List the instruments with every parameter, and whether their markets are open."""
        return (await self._calls.read("/admin/instruments", Page[Parameters])).items

    async def define_instrument(
        self, symbol: str, *, tick_exponent: int, lot_exponent: int, quantity_max: Number
    ) -> Broadcast:
        """Define a new instrument; its other parameters are as of those a ledger begins with.

        tick_exponent, lot_exponent: decimal places of a price and of a quantity.
        """
        body = {
            "symbol": symbol,
            "tick_exponent": tick_exponent,
            "lot_exponent": lot_exponent,
            "quantity_max": digits(quantity_max),
        }
        return msgspec.convert(await self._calls.send("POST", "/admin/instruments", body), Broadcast)

    async def change_parameters(
        self,
        symbol: str,
        *,
        quantity_min: Number | None = None,
        quantity_max: Number | None = None,
        leverage_min: Number | None = None,
        leverage_max: Number | None = None,
        fee_rate: Number | None = None,
        maintenance_rate: Number | None = None,
        margin_floor_rate: Number | None = None,
        liquidation_fee_rate: Number | None = None,
        slippage_bps: int | None = None,
        spread_max: Number | None = None,
        jump_max: Number | None = None,
        notional_max: Number | None = None,
        account_notional_max: Number | None = None,
        side_notional_max: Number | None = None,
        open_age_max_ms: int | Keep | None = KEEP,
    ) -> Broadcast:
        """Change the given parameters of an instrument; an open position keeps the rates it was opened under.

        open_age_max_ms: None is as the rules say.
        """
        numbers = {
            "quantity_min": quantity_min,
            "quantity_max": quantity_max,
            "leverage_min": leverage_min,
            "leverage_max": leverage_max,
            "fee_rate": fee_rate,
            "maintenance_rate": maintenance_rate,
            "margin_floor_rate": margin_floor_rate,
            "liquidation_fee_rate": liquidation_fee_rate,
            "spread_max": spread_max,
            "jump_max": jump_max,
            "notional_max": notional_max,
            "account_notional_max": account_notional_max,
            "side_notional_max": side_notional_max,
        }
        body: dict[str, Any] = {name: digits(number) for name, number in numbers.items() if number is not None}
        body |= {} if slippage_bps is None else {"slippage_bps": slippage_bps}
        body |= {} if isinstance(open_age_max_ms, Keep) else {"open_age_max_ms": open_age_max_ms}
        return msgspec.convert(await self._calls.send("PATCH", f"/admin/instruments/{symbol}", body), Broadcast)

    async def set_market_status(self, symbol: str, status: MarketStatus, *, key: str | None = None) -> Broadcast:
        """Open a market, let it only close, or halt it."""
        return await self._broadcast(f"/admin/instruments/{symbol}/status", {"status": status}, key)

    async def set_clock(self, *, key: str | None = None) -> Broadcast:
        """Let log time be the broker's again, once the broker's clock is right."""
        return await self._broadcast("/admin/clock", None, key)

    async def set_account_limits(self, *, positions_max: int, key: str | None = None) -> Broadcast:
        """Set how many open positions an account may have."""
        return await self._broadcast("/admin/account-limits", {"positions_max": positions_max}, key)

    async def broadcasts(self) -> Sequence[Broadcast]:
        """List all that was said to every shard, newest first."""
        return (await self._calls.read("/admin/broadcasts", Page[Broadcast])).items

    async def broadcast(self, name: str) -> Broadcast:
        """Say which shards have answered."""
        return await self._calls.read(f"/admin/broadcasts/{name}", Broadcast)

    async def rules(self) -> Rules:
        """Say which version of the rules is in force."""
        return await self._calls.read("/admin/rules", Rules)

    async def activate_rules(self, version: int) -> Activation:
        """Go on by the next version of the rules, in every shard; the engines must have it already."""
        return msgspec.convert(await self._calls.send("POST", "/admin/rules", {"version": version}), Activation)

    # Risk, and how far everything is.

    async def exposure(self) -> Sequence[MarketExposure]:
        """Sum what clients hold in each market, at the last prices."""
        return (await self._calls.read("/admin/exposure", Page[MarketExposure])).items

    async def liquidation_ladder(self) -> Ladder:
        """Say which positions are liquidated when a price moves by 1 %, 2 %, up to 50 %, and when all prices do."""
        return await self._calls.read("/admin/liquidations", Ladder)

    async def insurance_fund(self) -> InsuranceFund:
        """Say what the insurance fund holds, what it received and paid, and what it could not pay."""
        return await self._calls.read("/admin/insurance-fund", InsuranceFund)

    def accounts(self, *, account_id: str | None = None) -> AsyncIterator[ListedAccount]:
        """Go through the accounts, the last opened first; account_id: this one alone."""
        return self._pages("/admin/accounts", Page[ListedAccount], account_id=account_id)

    async def feed(self) -> Feed:
        """Say whose prices count, how old they are, and which tick waits for confirmation."""
        return await self._calls.read("/admin/feed", Feed)

    async def lag(self) -> Lag:
        """Say how far engine and projector are behind the log, by shard."""
        return await self._calls.read("/admin/lag", Lag)

    # Money.

    async def deposit(
        self,
        account_id: str,
        amount: Number,
        *,
        reason: TransferReason = "received",
        note: str | None = None,
        key: str | None = None,
    ) -> Transfer:
        """Bring money into an account; where confirmations are needed it waits for another administrator's."""
        return await self._transfer(account_id, "deposits", amount, reason, note, key)

    async def withdraw(
        self,
        account_id: str,
        amount: Number,
        *,
        reason: TransferReason = "paid_out",
        note: str | None = None,
        key: str | None = None,
    ) -> Transfer:
        """Take money out of an account's free margin; where confirmations are needed it waits for another's."""
        return await self._transfer(account_id, "withdrawals", amount, reason, note, key)

    def transfers(
        self, *, account_id: str | None = None, kind: str | None = None, status: str | None = None
    ) -> AsyncIterator[Transfer]:
        """Go through money in and out, newest first. kind: deposit or withdrawal; status `pending`: what waits."""
        return self._pages("/admin/transfers", Page[Transfer], account_id=account_id, kind=kind, status=status)

    async def transfer(self, transfer_id: str) -> Transfer:
        """Give one transfer, with who did what to it."""
        return await self._calls.read(f"/admin/transfers/{transfer_id}", Transfer)

    async def approve_transfer(self, transfer_id: str, *, note: str | None = None) -> Transfer:
        """Approve what somebody else asked for; approved already and not in the log yet, it is sent again."""
        return await self._decide(transfer_id, "approve", note)

    async def reject_transfer(self, transfer_id: str, *, note: str | None = None) -> Transfer:
        """End what waits for approval; its user sees the note."""
        return await self._decide(transfer_id, "reject", note)

    async def _broadcast(self, path: str, body: dict[str, Any] | None, key: str | None) -> Broadcast:
        done = await self._calls.command("POST", path, body, key or new_key(), accepts_waiting=True)
        assert isinstance(done, Answer), "what waits for shards is an answer too"
        return msgspec.convert(done.body, Broadcast)

    async def _transfer(
        self, account_id: str, path: str, amount: Number, reason: TransferReason, note: str | None, key: str | None
    ) -> Transfer:
        body = {"amount": digits(amount), "reason": reason, "note": note}
        done = await self._calls.command("POST", f"/admin/accounts/{account_id}/{path}", body, key or new_key())
        assert isinstance(done, Answer), "a transfer has a status of its own from the first answer on"
        return msgspec.convert(done.body, Transfer)

    async def _decide(self, transfer_id: str, decision: str, note: str | None) -> Transfer:
        body = None if note is None else {"note": note}
        return msgspec.convert(
            await self._calls.send("POST", f"/admin/transfers/{transfer_id}/{decision}", body), Transfer
        )
