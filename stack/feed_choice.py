"""Which feed a start gets, so that open positions do not meet another market's prices by accident."""

from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import create_engine

from projector.queries import last_feed, open_position_count
from runtime.errors import FixableError

RECORDED: Final = "recorded:"
CHOICES: Final = "auto, simulated, backpack or recorded:FILE"


class FeedChoice(NamedTuple):
    """The options of `up` for the feed."""

    feed: str
    speed: str
    loop: bool
    spread_bps: int
    change: bool

    def environment(self) -> dict[str, str]:
        return {
            "FEED": self.feed,
            "FEED_SPEED": self.speed,
            "FEED_LOOP": str(self.loop).lower(),
            "FEED_SPREAD_BPS": str(self.spread_bps),
        }


def validated(choice: FeedChoice) -> FeedChoice:
    """The choice with its file's full path; FixableError when it cannot be meant."""
    if choice.speed != "max":
        try:
            positive = float(choice.speed) > 0
        except ValueError:
            positive = False
        if not positive:
            raise FixableError(f"--speed is a number above 0, or max, not {choice.speed!r}.")
    if choice.feed in {"auto", "simulated", "backpack"}:
        return choice
    if not choice.feed.startswith(RECORDED) or choice.feed == RECORDED:
        raise FixableError(f"--feed is {CHOICES}, not {choice.feed!r}.")
    file = Path(choice.feed.removeprefix(RECORDED)).expanduser().absolute()
    if '"' in str(file):
        raise FixableError(f"The process manager cannot pass on a name with a quotation mark: {file}. Rename the file.")
    if not file.is_file():
        raise FixableError(f"There is no recording {file}.")
    return choice._replace(feed=f"{RECORDED}{file}")


def allowed(choice: FeedChoice, database_url: str, last_choice: str | None) -> FeedChoice:
    """The choice as the open positions allow it: `auto` keeps the last feed's kind, another one is refused.

    `last_choice` is the feed of this instance's last start, which names a recording's file.
    """
    if choice.change:
        return choice
    engine = create_engine(database_url)
    try:
        with engine.connect() as connection:
            count, last = open_position_count(connection), last_feed(connection)
    finally:
        engine.dispose()
    if count == 0 or last is None or _kind(choice.feed) == last.name:
        return choice
    if choice.feed != "auto":
        raise FixableError(
            f"{count} positions are open, priced by the {last.name} feed. Another market's prices could close them: "
            "start with the same feed, or with --change-feed if you mean it."
        )
    if last.name != "recorded":
        return choice._replace(feed=last.name)
    if last_choice is None or _kind(last_choice) != "recorded":
        raise FixableError(
            f"{count} positions are open, priced by a recording. Name it with --feed recorded:FILE, or "
            "choose another with --change-feed."
        )
    return validated(choice._replace(feed=last_choice))


def _kind(feed: str) -> str:
    return feed.partition(":")[0]
