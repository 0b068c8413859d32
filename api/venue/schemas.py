"""The shapes of a request to store keys of the venue, and of its reply."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from api.http.numbers import Text
from api.venue.keys import LENGTH_MAX, PRINTABLE

Key = Annotated[Text, Field(pattern=f"^{PRINTABLE}$", max_length=LENGTH_MAX)]


class VenueKeysRequest(BaseModel):
    """An API key of Binance's testnet and its secret: permitted to trade, and nothing else."""

    model_config = ConfigDict(extra="forbid")

    api_key: Key
    secret_key: Key


class VenueKeysReply(BaseModel):
    """Whether you have stored keys; the keys themselves are given to nobody."""

    stored: bool
