"""Which channels one socket subscribes to: all that a request names at once, or none of them."""

from collections.abc import Iterable, Mapping

from sqlalchemy.exc import SQLAlchemyError

from api.app_state import AppState
from api.http.problems import NOT_AUTHENTICATED, ApiError
from api.stream.account_feed import AccountFeed
from api.stream.alert_feed import AlertFeed
from api.stream.channels import ACCOUNT, ALERTS, PRIVATE, PublicChannel, public_channel
from api.stream.feeds import AccountFeeds
from api.stream.outbox import SocketOutbox
from api.stream.ticker_board import TickerBoard

Channels = Mapping[str, PublicChannel | None]  # by name; null: one of the caller's own


class Subscriptions:
    """What may fail is prepared first, then the socket acknowledges it, and only then is anything sent."""

    def __init__(
        self, state: AppState, board: TickerBoard, accounts: AccountFeeds, alerts: AlertFeed, outbox: SocketOutbox
    ) -> None:
        self._app = state
        self._board = board
        self._accounts = accounts
        self._alerts = alerts
        self._outbox = outbox
        self._channels: dict[str, PublicChannel | None] = {}
        self._feed: AccountFeed | None = None

    @property
    def names(self) -> list[str]:
        """Give the channels subscribed to, in the order in which they were."""
        return list(self._channels)

    async def prepare(self, names: Iterable[str], account_id: str | None) -> Channels:
        """Subscribe to all or to none, and to what is subscribed to already anew. account_id: null before a sign-in."""
        instruments = self._app.prices.instruments
        channels = {name: None if name in PRIVATE else public_channel(name, instruments) for name in names}
        if None in channels.values():
            _refuse_nobody(account_id)
        self.drop(channels)
        try:
            for name, channel in channels.items():
                await self._prepare(name, channel, account_id)
        except (ApiError, SQLAlchemyError):
            self.drop(channels)
            raise
        self._channels |= channels
        return channels

    def begin(self, channels: Channels) -> None:
        """Send the snapshots of what was prepared, and from there on the updates."""
        for name, channel in channels.items():
            if channel is not None:
                self._board.subscribe(channel, self._outbox)
            elif name == ALERTS:
                self._alerts.subscribe(self._outbox)
            elif self._feed is not None:
                self._feed.subscribe(self._outbox)

    async def prepare_resumption(self, after: int, account_id: str | None) -> list[str] | None:
        """Subscribe to the account, and give what was missed; `resume` must have it before anything else is awaited."""
        account_id = _refuse_nobody(account_id)
        self.drop([ACCOUNT])
        feed = await self._take_account(account_id)
        missed = await feed.missed(after)
        self._channels[ACCOUNT] = None
        return missed

    def resume(self, missed: list[str] | None) -> None:
        """Send what was missed, and what comes next; null: a snapshot in place of it."""
        assert self._feed is not None, "it was prepared"
        self._feed.resume(self._outbox, missed)
        self._app.metrics.stream_resumes.labels("resync" if missed is None else "told").inc()

    def drop(self, names: Iterable[str]) -> None:
        """Send no more of these channels, whether they were subscribed to or not."""
        for name in names:
            self._channels.pop(name, None)
            if name == ALERTS:
                self._alerts.unsubscribe(self._outbox)
            elif name != ACCOUNT:
                self._board.unsubscribe(name, self._outbox)
            elif self._feed is not None:
                self._accounts.give_back(self._feed, self._outbox)
                self._feed = None

    def drop_all(self) -> None:
        """Send nothing more; what was only half prepared is let go of too."""
        self.drop((*self._channels, *PRIVATE))

    async def _prepare(self, name: str, channel: PublicChannel | None, account_id: str | None) -> None:
        if channel is not None:
            await self._board.prepare(channel, self._outbox)
            return
        assert account_id is not None, "nobody was refused"
        if name == ALERTS:
            await self._alerts.prepare(account_id, self._outbox)
        else:
            await self._take_account(account_id)

    async def _take_account(self, account_id: str) -> AccountFeed:
        feed = self._feed = self._accounts.take(account_id, self._outbox)
        try:
            await feed.load()
        except (ApiError, SQLAlchemyError):
            self.drop([ACCOUNT])
            raise
        return feed


def _refuse_nobody(account_id: str | None) -> str:
    if account_id is None:
        raise ApiError(NOT_AUTHENTICATED, "Say who you are first, with `auth`")
    return account_id
