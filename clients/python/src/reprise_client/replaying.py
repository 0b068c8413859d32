"""How an account's way through the log is gone again, step by step, with its ledger before and after each."""

from datetime import datetime

from reprise_client.asking import Asking
from reprise_client.replay_models import Replay, ReplayCommand, ReplayPrices, ReplaySteps


class Replaying(Asking):
    """The part of a client that replays an account: one's own, or for administrators and auditors any."""

    async def replay(
        self,
        account: str | None = None,
        *,
        at: datetime | None = None,
        offset: int | None = None,
        position: str | None = None,
    ) -> Replay:
        """Tell what there is to replay, and in `place` where a time, an offset or a position's close is."""
        when = {"at": None if at is None else at.isoformat(), "offset": offset, "position": position}
        return await self._calls.read("/audit/replay", Replay, account=account, **when)

    async def replay_steps(
        self,
        account: str | None = None,
        *,
        after: int | None = None,
        before: int | None = None,
        limit: int | None = None,
        period_ms: int | None = None,
        keep: int | None = None,
    ) -> ReplaySteps:
        """List the steps behind an offset, or the last ones below one; of prices the first in each period."""
        asked = {"after": after, "before": before, "limit": limit, "period_ms": period_ms, "keep": keep}
        return await self._calls.read("/audit/replay/steps", ReplaySteps, account=account, **asked)

    async def replay_prices(
        self, symbol: str, start: datetime, end: datetime, account: str | None = None
    ) -> ReplayPrices:
        """Give what a symbol's price did in a time, as the log has it."""
        period = {"from": start.isoformat(), "to": end.isoformat()}
        return await self._calls.read("/audit/replay/prices", ReplayPrices, account=account, symbol=symbol, **period)

    async def replay_command(self, offset: int, account: str | None = None) -> ReplayCommand:
        """Give a command of the account, or of the market, as it stands in the log."""
        return await self._calls.read("/audit/replay/command", ReplayCommand, account=account, offset=offset)

    async def replay_bundle(self, account: str | None = None) -> bytes:
        """Give what the account takes away, as a zip: its events and statement, a manifest, and their hashes."""
        return await self._calls.content("/audit/replay/bundle", account=account)
