"""Words that stand in messages as plain strings, so that a new one is no new schema."""

from typing import Literal

FeedName = Literal["backpack", "simulated", "recorded"]
PositionWarning = Literal["STOP_BEYOND_LIQUIDATION"]
