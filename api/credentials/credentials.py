"""What credentials are checked with: passwords, access tokens, and how often a login may fail."""

from typing import NamedTuple

from api.credentials.passwords import Passwords
from api.credentials.throttle import Throttle
from api.credentials.tokens import Tokens


class Credentials(NamedTuple):
    """One of each, built by main."""

    passwords: Passwords
    tokens: Tokens
    throttle: Throttle
