"""Which accounts this process has feeds of: one each, for as long as a socket holds it."""

from api.app_state import AppState
from api.stream.account_feed import AccountFeed
from api.stream.outbox import SocketOutbox


class AccountFeeds:
    """Used on the loop only."""

    def __init__(self, state: AppState) -> None:
        self._app = state
        self._feeds: dict[str, AccountFeed] = {}

    def __len__(self) -> int:
        return len(self._feeds)

    def take(self, account_id: str, outbox: SocketOutbox) -> AccountFeed:
        """Give an account's feed, and keep it until it is given back; one that could not be loaded is made anew."""
        feed = self._feeds.get(account_id)
        if feed is None or feed.failed:
            feed = self._feeds[account_id] = AccountFeed(self._app, account_id)
        feed.holders.add(outbox)
        return feed

    def give_back(self, feed: AccountFeed, outbox: SocketOutbox) -> None:
        """Hold a feed no more; the last holder's going ends it."""
        feed.unsubscribe(outbox)
        feed.holders.discard(outbox)
        if not feed.holders:
            feed.close()
            if self._feeds.get(feed.account_id) is feed:
                del self._feeds[feed.account_id]
