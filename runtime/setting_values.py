"""Which texts a setting may have; each error says what is allowed, and nothing else."""

import math
import re
from collections.abc import Callable
from ipaddress import ip_network
from typing import Annotated, Final, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")
RECORDED: Final = "recorded:"
FEEDS: Final = f"auto, simulated, backpack or {RECORDED}FILE"
ACCEPTED_DATABASE: Final = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
DRIVER: Final = "postgresql+psycopg"
SCHEMES: Final = ("postgres", "postgresql", DRIVER)
# Of a URL that a program with Prisma has too: they say nothing to the server.
OF_PRISMA: Final = frozenset(
    {"schema", "connection_limit", "pool_timeout", "pgbouncer", "socket_timeout", "statement_cache_size"}
)
PORT_MAX: Final = 65_535

_SYMBOL: Final = re.compile(r"[A-Z0-9.-]+_[A-Z0-9.-]+")
_ORIGIN: Final = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9A-Fa-f:]+\](:[0-9]{1,5})?")
_HOST: Final = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%[A-Za-z0-9]+)?")
_PLACE: Final = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?")
_TOPIC_ID: Final = re.compile(r"[A-Za-z0-9._-]+=[A-Za-z0-9_-]+")
_PRICE: Final = re.compile(r"\s*[A-Za-z0-9._-]+\s*=(?=.*[1-9])\s*[0-9]*\.?[0-9]+\s*")


def symbol_of(name: str) -> str:
    """Give the symbol that a name stands for: `sol` is `SOL_USDC`."""
    symbol = name.strip().upper()
    return symbol if "_" in symbol else f"{symbol}_USDC"


def is_feed(text: str) -> bool:
    """Say whether a text names a feed; of a recording, whatever the file is."""
    return text in {"auto", "simulated", "backpack"} or (text.startswith(RECORDED) and text != RECORDED)


def speed_of(text: str) -> float | None:
    """Read `max`, which is null, or how many times the recorded pace: 1, 10, x10, 0.5. ValueError for other texts."""
    if text == "max":
        return None
    speed = float(text.lower().strip("x"))
    if not 0 < speed < math.inf:
        raise ValueError("it is not above 0")
    return speed


def _parts(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _level(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


def _matching(pattern: re.Pattern[str], allowed: str) -> AfterValidator:
    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise ValueError(allowed)
        return value

    return AfterValidator(check)


def _each(check: Callable[[str], bool], allowed: str) -> AfterValidator:
    def check_all(value: tuple[str, ...]) -> tuple[str, ...]:
        for part in value:
            if not check(part):
                raise ValueError(f"{allowed}, which {part!r} is not")
        return value

    return AfterValidator(check_all)


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def _is_place(text: str) -> bool:
    found = _PLACE.fullmatch(text)
    return found is not None and (found[1] is None or 1 <= int(found[1]) <= PORT_MAX)


def _proxies(value: str) -> str:
    """Whoever trusted everybody would believe any address, so `*` is none; neither is a misspelt one."""
    for proxy in filter(None, (part.strip() for part in value.split(","))):
        if not _is_network(proxy):
            raise ValueError(f"addresses or networks by commas, which {proxy!r} is not")
    return value


def _brokers(value: str) -> str:
    places = [part.strip() for part in value.split(",")]
    if not all(_is_place(place) and ":" in place for place in places):
        raise ValueError("HOST:PORT of one broker or more, by commas")
    return ",".join(places)


def _place(value: str) -> str:
    if not _is_place(value) or ":" not in value:
        raise ValueError("HOST:PORT")
    return value


def _symbols(value: object) -> object:
    """`SOL` and `SOL_USDC` name one instrument. Which there are, the ledger says, and when."""
    if not isinstance(value, str):
        return value
    symbols = tuple(dict.fromkeys(symbol_of(part) for part in value.split(",") if part.strip()))
    for symbol in symbols:
        if not _SYMBOL.fullmatch(symbol):
            raise ValueError(f"symbols like SOL_USDC by commas, which {symbol!r} is not")
    return symbols or None


def _rate(value: str) -> str:
    # Only few set one, and it takes a while to load.
    from limits import parse  # noqa: PLC0415

    allowed = "a rate such as `100/minute` or `10 per 2 second`, of 1 at least"
    try:
        amount = parse(value).amount
    except ValueError as error:
        raise ValueError(allowed) from error
    if amount < 1:
        raise ValueError(allowed)
    return value


def _feed(value: str) -> str:
    if not is_feed(value):
        raise ValueError(FEEDS)
    return value


def _speed(value: str) -> str:
    try:
        speed_of(value)
    except ValueError as error:
        raise ValueError("a number above 0 like 10 or x10, or max") from error
    return value


def _url(*schemes: str) -> AfterValidator:
    allowed = " or ".join(f"{scheme}://HOST" for scheme in schemes)

    def check(value: str) -> str:
        try:
            parts = urlsplit(value)
            is_url = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_url = False
        if not is_url or any(character.isspace() for character in value):
            raise ValueError(allowed)
        return value

    return AfterValidator(check)


def database_address(value: str) -> str:
    """Give a PostgreSQL URL as our driver takes it; ValueError says which is accepted.

    What other programs call it is understood: `postgres://`, and the words of Prisma behind the question mark.
    """
    scheme, separator, rest = value.partition("://")
    if not separator or scheme not in SCHEMES:
        raise ValueError(ACCEPTED_DATABASE)
    try:
        parts = urlsplit(f"postgresql://{rest}")
        parts.port  # noqa: B018  # It raises where it is no number.
        words = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError as error:
        raise ValueError(ACCEPTED_DATABASE) from error
    if "," in parts.netloc.rpartition("@")[2] or parts.fragment or any(character.isspace() for character in rest):
        raise ValueError(ACCEPTED_DATABASE)
    kept = [(name, text) for name, text in words if name not in OF_PRISMA]
    unknown = sorted({name for name, _ in kept} - (_known_words() if kept else set()))
    if unknown:
        raise ValueError(f"{ACCEPTED_DATABASE}, and behind a ? what libpq takes, of which {', '.join(unknown)} is none")
    return f"{DRIVER}://{rest.partition('?')[0]}" + (f"?{urlencode(kept)}" if kept else "")


def _known_words() -> set[str]:
    # Only few URLs have any, and it takes a while to load.
    from psycopg.pq import Conninfo  # noqa: PLC0415

    return {option.keyword.decode() for option in Conninfo.get_defaults()}


Port = Annotated[int, Field(ge=1, le=PORT_MAX)]
LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_level)]
Host = Annotated[str, _matching(_HOST, "an address or a host name")]
SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]
Brokers = Annotated[str, AfterValidator(_brokers)]
Place = Annotated[str, AfterValidator(_place)]
DatabaseUrl = Annotated[str, AfterValidator(database_address)]
Parts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_parts)]
Ports = Annotated[tuple[Port, ...], NoDecode, BeforeValidator(_parts)]
# A page of any origin would act with its visitor's cookies, so `*` is none.
Origins = Annotated[
    Parts, _each(lambda text: _ORIGIN.fullmatch(text) is not None, "origins like https://app.example.com by commas")
]
Prices = Annotated[Parts, _each(lambda text: _PRICE.fullmatch(text) is not None, "prices like SOL=150.5 by commas")]
TopicIds = Annotated[Parts, _each(lambda text: _TOPIC_ID.fullmatch(text) is not None, "TOPIC=ID by commas")]
Proxies = Annotated[str, AfterValidator(_proxies)]
Symbols = Annotated[tuple[str, ...] | None, NoDecode, BeforeValidator(_symbols)]
Rate = Annotated[str, AfterValidator(_rate)]
Feed = Annotated[str, AfterValidator(_feed)]
Speed = Annotated[str, AfterValidator(_speed)]
HttpUrl = Annotated[str, _url("http", "https")]
WebSocketUrl = Annotated[str, _url("ws", "wss")]
