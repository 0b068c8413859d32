"""Which settings the services take, from the environment or `.env`, and what each means."""

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self

from limits import parse
from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Profile = Literal["demo", "production"]
_SYMBOL = re.compile(r"[A-Z0-9.-]+_[A-Z0-9.-]+")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9A-Fa-f:]+\](:[0-9]{1,5})?")
DEFAULT_DATA = ".reprise"
SEED_PORTS = (3001, 3002, 3005, 4000)  # which the seeds' READMEs name


class Settings(BaseSettings):
    """One flat table; every service reads the part it needs."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", case_sensitive=False, populate_by_name=True)

    profile: Profile = Field("demo", validation_alias="REPRISE_PROFILE", description="demo or production")
    data: Path = Field(Path(DEFAULT_DATA), validation_alias="REPRISE_DATA", description="folder of this instance")
    log_level: str = Field("INFO", validation_alias="LOG_LEVEL", description="DEBUG, INFO, WARNING or ERROR")

    kafka_brokers: str = Field("127.0.0.1:9092", validation_alias="KAFKA_BROKERS", description="host:port,host:port")
    shards: int = Field(
        4, ge=1, validation_alias="REPRISE_SHARDS", description="partitions of the ledger, fixed for ever"
    )
    replication_factor: int = Field(
        1, ge=1, validation_alias="KAFKA_REPLICATION_FACTOR", description="3 in production, with min ISR 2"
    )
    database_url: str = Field(
        "postgresql+psycopg://postgres@127.0.0.1:5432/reprise",
        validation_alias="DATABASE_URL",
        description="PostgreSQL of the projection and the users",
    )

    api_host: str = Field("127.0.0.1", validation_alias="API_HOST", description="address the API listens on")
    port: int = Field(8000, validation_alias="PORT", description="port of the API")
    seed_ports: Annotated[tuple[int, ...], NoDecode] = Field(
        (),
        validation_alias="REPRISE_SEED_PORTS",
        description="ports of localhost on which the API listens too, by commas; `up --seed-ports` sets them",
    )
    jwt_secret: str | None = Field(
        None,
        validation_alias="JWT_SECRET",
        description="signs access tokens, 32 bytes or more; in the demo profile a shorter one is made long",
    )
    auth_jwt_secret: str | None = Field(None, validation_alias="AUTH_JWT_SECRET", description="same as JWT_SECRET")
    jwt_secrets_retired: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        validation_alias="JWT_SECRETS_RETIRED",
        description="secrets from before JWT_SECRET whose tokens are still believed, by commas",
    )
    encryption_key: str | None = Field(
        None, validation_alias="ENCRYPTION_KEY", description="32 bytes as text, encrypts venue keys"
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), validation_alias="CORS_ORIGINS", description="allowed browser origins, by commas"
    )
    rate_limit_reads: str = Field(
        "12000/minute", validation_alias="RATE_LIMIT_READS", description="reads of an account, in each API process"
    )
    rate_limit_orders: str = Field(
        "6000/minute", validation_alias="RATE_LIMIT_ORDERS", description="orders and all else an account asks for"
    )
    rate_limit_closing: str = Field(
        "6000/minute", validation_alias="RATE_LIMIT_CLOSING", description="closing and cancelling, apart from all else"
    )
    rate_limit_public: str = Field(
        "12000/minute", validation_alias="RATE_LIMIT_PUBLIC", description="public reads and sign-ins of an address"
    )
    trusted_proxies: str = Field(
        "127.0.0.1,::1",
        validation_alias="TRUSTED_PROXIES",
        description="addresses or networks, by commas, whose X-Forwarded-For and -Proto say who asks; empty: nobody's",
    )
    ws_ping_interval_ms: int = Field(
        20_000,
        ge=100,
        validation_alias="WS_PING_INTERVAL_MS",
        description="ms between two pings on a WebSocket, so that no proxy in between thinks it idle",
    )
    ws_ping_timeout_ms: int = Field(
        40_000,
        ge=100,
        validation_alias="WS_PING_TIMEOUT_MS",
        description="ms without an answer to a ping, after which a WebSocket is closed",
    )

    feed: str = Field("auto", validation_alias="FEED", description="auto, simulated, backpack or recorded:FILE")
    feed_speed: str = Field("1", validation_alias="FEED_SPEED", description="times the recorded pace, or max")
    feed_loop: bool = Field(False, validation_alias="FEED_LOOP", description="start a recording again at its end")
    feed_spread_bps: int = Field(
        2, ge=0, validation_alias="FEED_SPREAD_BPS", description="spread assumed for recorded bars"
    )
    start_id: str | None = Field(
        None,
        validation_alias="REPRISE_START",
        description="names one start of the instance; `auto` keeps its feed within it",
    )
    simulation_seed: int = Field(1, validation_alias="SIMULATION_SEED", description="seed of the simulated feed")
    backpack_ws_url: str = Field(
        "wss://ws.backpack.exchange", validation_alias="BACKPACK_WS_URL", description="Backpack's WebSocket"
    )
    backpack_api_url: str = Field(
        "https://api.backpack.exchange",
        validation_alias="BACKPACK_API_URL",
        description="Backpack's REST API, for candles of before the first tick",
    )
    simulation_prices: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        validation_alias="SIMULATION_PRICES",
        description="where simulated symbols begin that have no price yet, like SOL=150.5, by commas; else at 100",
    )
    symbols: Annotated[tuple[str, ...] | None, NoDecode] = Field(
        None,
        validation_alias="POLLER_ASSETS",
        description="symbols to follow, by commas; empty: every instrument of the ledger",
    )
    price_interval_ms: int = Field(
        100,
        ge=0,
        validation_alias="PRICE_INTERVAL_MS",
        description="least time between two price commands; 0 forwards each tick",
    )
    poller_update_interval: int | None = Field(
        None, ge=0, validation_alias="POLLER_UPDATE_INTERVAL", description="same as PRICE_INTERVAL_MS"
    )

    engine_host: str = Field("127.0.0.1", validation_alias="ENGINE_HOST", description="address of the engine's pages")
    engine_port: int = Field(6066, validation_alias="ENGINE_PORT", description="port of the engine's pages")
    engine_worker_id: str | None = Field(
        None, validation_alias="ENGINE_WORKER_ID", description="name that keeps a worker's shards over a restart"
    )
    engine_standby: bool = Field(
        False, validation_alias="ENGINE_STANDBY", description="follow that worker, and take its place when it fails"
    )
    engine_partner: str | None = Field(
        None,
        validation_alias="ENGINE_PARTNER",
        description="host:port of the pages of the other of a worker and its standby",
    )
    engine_snapshot_interval: int = Field(
        15_000, ge=1, validation_alias="ENGINE_SNAPSHOT_INTERVAL", description="ms between two snapshots"
    )
    engine_max_snapshots: int = Field(10, ge=2, validation_alias="ENGINE_MAX_SNAPSHOTS", description="snapshots kept")
    market_data_host: str = Field("127.0.0.1", validation_alias="MARKET_DATA_HOST", description="address of its pages")
    market_data_port: int = Field(6067, validation_alias="MARKET_DATA_PORT", description="port of market data's pages")
    projector_host: str = Field("127.0.0.1", validation_alias="PROJECTOR_HOST", description="address of its pages")
    projector_port: int = Field(6068, validation_alias="PROJECTOR_PORT", description="port of the projector's pages")
    venue_host: str = Field("127.0.0.1", validation_alias="VENUE_HOST", description="address of its pages")
    venue_port: int = Field(6069, validation_alias="VENUE_PORT", description="port of the venue worker's pages")
    binance_api_url: str = Field(
        "https://testnet.binance.vision",
        validation_alias="BINANCE_API_URL",
        description="REST API of the venue where users with stored keys trade",
    )
    binance_ws_url: str = Field(
        "wss://ws-api.testnet.binance.vision/ws-api/v3",
        validation_alias="BINANCE_WS_URL",
        description="its WebSocket API, which tells of fills",
    )
    venue_receive_window_ms: int = Field(
        5_000,
        ge=100,
        le=60_000,
        validation_alias="VENUE_RECEIVE_WINDOW_MS",
        description="how long after its signing the venue accepts a request",
    )
    venue_reconcile_interval_ms: int = Field(
        30_000,
        ge=100,
        validation_alias="VENUE_RECONCILE_INTERVAL_MS",
        description="ms between two comparisons of open orders with the venue's",
    )
    venue_give_up_ms: int = Field(
        600_000,
        ge=100,
        validation_alias="VENUE_GIVE_UP_MS",
        description="ms of no keys, or of refusals, after which an order at the venue is given up as abandoned",
    )

    @field_validator("cors_origins", "jwt_secrets_retired", "seed_ports", "simulation_prices", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("cors_origins")
    @classmethod
    def _check_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """A page of any origin would act with its visitor's cookies, so `*` is none."""
        for origin in value:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(f"CORS_ORIGINS names {origin!r}; an origin is like https://app.example.com")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _check_proxies(cls, value: str) -> str:
        """Whoever trusted everybody would believe any address, so `*` is none; neither is a misspelt one."""
        for proxy in filter(None, (part.strip() for part in value.split(","))):
            try:
                ip_network(proxy)
            except ValueError as error:
                raise ValueError(f"TRUSTED_PROXIES names {proxy!r}, which is no address or network") from error
        return value

    @field_validator("symbols", mode="before")
    @classmethod
    def _check_symbols(cls, value: object) -> object:
        """`SOL` and `SOL_USDC` name one instrument. Which there are, the ledger says, and when."""
        if not isinstance(value, str):
            return value
        symbols = tuple(dict.fromkeys(symbol_of(part) for part in value.split(",") if part.strip()))
        for symbol in symbols:
            if not _SYMBOL.fullmatch(symbol):
                raise ValueError(f"POLLER_ASSETS names {symbol!r}; a symbol is like SOL_USDC")
        return symbols or None

    @field_validator("rate_limit_reads", "rate_limit_orders", "rate_limit_closing", "rate_limit_public")
    @classmethod
    def _check_rate(cls, value: str) -> str:
        try:
            amount = parse(value).amount
        except ValueError as error:
            raise ValueError(f"{value!r} is no rate such as `100/minute` or `10 per 2 second`") from error
        if amount < 1:
            raise ValueError(f"{value!r} would let nothing through")
        return value

    @model_validator(mode="after")
    def _merge_jwt_secret(self) -> Self:
        if self.jwt_secret and self.auth_jwt_secret and self.jwt_secret != self.auth_jwt_secret:
            raise ValueError("JWT_SECRET and AUTH_JWT_SECRET are both set and differ; set one of them")
        self.jwt_secret = self.jwt_secret or self.auth_jwt_secret
        return self

    @model_validator(mode="after")
    def _merge_price_interval(self) -> Self:
        if self.poller_update_interval is not None:
            if "price_interval_ms" in self.model_fields_set and self.price_interval_ms != self.poller_update_interval:
                raise ValueError(
                    "PRICE_INTERVAL_MS and POLLER_UPDATE_INTERVAL are both set and differ; set one of them"
                )
            self.price_interval_ms = self.poller_update_interval
        return self


def symbol_of(name: str) -> str:
    """Give the symbol that a name stands for: `sol` is `SOL_USDC`."""
    symbol = name.strip().upper()
    return symbol if "_" in symbol else f"{symbol}_USDC"
