"""Which settings the services take, and what each means; setting_values.py says what each may be.

Longer than 300 lines because it is one table, with a line or more for each setting.
"""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from runtime.setting_values import (
    Brokers,
    DatabaseUrl,
    Feed,
    Host,
    HttpUrl,
    LogLevel,
    Origins,
    Parts,
    Place,
    Port,
    Ports,
    Prices,
    Proxies,
    Rate,
    SaslMechanism,
    SecurityProtocol,
    Speed,
    Symbols,
    TopicIds,
    WebSocketUrl,
)

Profile = Literal["demo", "production"]
DEFAULT_DATA = ".reprise"
SEED_PORTS = (3001, 3002, 3005, 4000)  # which the seeds' READMEs name


class Settings(BaseSettings):
    """One flat table; every service reads the part it needs. `repr=False` marks what is never shown."""

    model_config = SettingsConfigDict(
        extra="ignore", env_ignore_empty=True, validate_default=False, case_sensitive=False, populate_by_name=True
    )

    profile: Profile = Field("demo", validation_alias="REPRISE_PROFILE", description="demo or production")
    data: Path = Field(Path(DEFAULT_DATA), validation_alias="REPRISE_DATA", description="folder of this instance")
    log_level: LogLevel = Field("INFO", validation_alias="LOG_LEVEL", description="DEBUG, INFO, WARNING or ERROR")

    kafka_brokers: Brokers = Field(
        "127.0.0.1:9092", validation_alias="KAFKA_BROKERS", description="host:port,host:port"
    )
    kafka_port: Port | None = Field(
        None,
        validation_alias="KAFKA_PORT",
        description="port of the broker that `up` starts; empty: 9092 or a free one, and then always the same",
    )
    kafka_cluster_id: str | None = Field(
        None,
        validation_alias="KAFKA_CLUSTER_ID",
        description="id of the only cluster that is believed; empty: that of the first one that answers",
    )
    kafka_topic_ids: TopicIds = Field(
        (),
        validation_alias="KAFKA_TOPIC_IDS",
        description="ids of its topics, like exchange.commands=ID, by commas; `up` keeps both of its instance",
    )
    kafka_security_protocol: SecurityProtocol = Field(
        "PLAINTEXT",
        validation_alias="KAFKA_SECURITY_PROTOCOL",
        description="PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL, as the brokers of KAFKA_BROKERS are reached",
    )
    kafka_sasl_mechanism: SaslMechanism | None = Field(
        None,
        validation_alias="KAFKA_SASL_MECHANISM",
        description="PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER",
    )
    kafka_sasl_username: str | None = Field(
        None, validation_alias="KAFKA_SASL_USERNAME", description="who this service is to the brokers"
    )
    kafka_sasl_password: str | None = Field(
        None, validation_alias="KAFKA_SASL_PASSWORD", repr=False, description="its password there"
    )
    kafka_oauth_token_url: HttpUrl | None = Field(
        None, validation_alias="KAFKA_OAUTH_TOKEN_URL", description="where OAUTHBEARER gets its tokens"
    )
    kafka_oauth_client_id: str | None = Field(
        None, validation_alias="KAFKA_OAUTH_CLIENT_ID", description="who this service is there"
    )
    kafka_oauth_client_secret: str | None = Field(
        None, validation_alias="KAFKA_OAUTH_CLIENT_SECRET", repr=False, description="its secret there"
    )
    kafka_oauth_scope: str | None = Field(
        None, validation_alias="KAFKA_OAUTH_SCOPE", description="what its tokens are asked for; empty: what is usual"
    )
    kafka_ssl_ca_file: Path | None = Field(
        None,
        validation_alias="KAFKA_SSL_CA_FILE",
        description="certificates, as PEM, by which brokers are believed; empty: the system's",
    )
    kafka_ssl_certificate_file: Path | None = Field(
        None,
        validation_alias="KAFKA_SSL_CERTIFICATE_FILE",
        description="this service's own, as PEM, where one is asked",
    )
    kafka_ssl_key_file: Path | None = Field(
        None, validation_alias="KAFKA_SSL_KEY_FILE", description="the key of that certificate, as PEM"
    )
    kafka_ssl_key_password: str | None = Field(
        None, validation_alias="KAFKA_SSL_KEY_PASSWORD", repr=False, description="the password of that key"
    )
    shards: int = Field(
        4, ge=1, le=1_000, validation_alias="REPRISE_SHARDS", description="partitions of the ledger, fixed for ever"
    )
    replication_factor: int = Field(
        1, ge=1, validation_alias="KAFKA_REPLICATION_FACTOR", description="3 in production, with min ISR 2"
    )
    database_url: DatabaseUrl = Field(
        "postgresql+psycopg://postgres@127.0.0.1:5432/reprise",
        validation_alias="DATABASE_URL",
        description="PostgreSQL of the projection and the users",
    )

    api_host: Host = Field("127.0.0.1", validation_alias="API_HOST", description="address the API listens on")
    port: Port = Field(8000, validation_alias="PORT", description="port of the API")
    api_pages_host: Host = Field("127.0.0.1", validation_alias="API_PAGES_HOST", description="address of its pages")
    api_pages_port: Port | None = Field(
        None,
        validation_alias="API_PAGES_PORT",
        description="port of the API's health and metrics for who runs it; empty: none, `up` has 6071",
    )
    api_workers: int = Field(
        1,
        ge=1,
        le=8,
        validation_alias="API_WORKERS",
        description="processes of the API of one exchange, which share what they count; `up --api-workers` sets it",
    )
    api_worker: int = Field(
        1, ge=1, le=8, validation_alias="API_WORKER", description="which of them this one is; several share one PORT"
    )
    seed_ports: Ports = Field(
        (),
        validation_alias="REPRISE_SEED_PORTS",
        description="ports of localhost on which the API listens too, by commas; `up --seed-ports` sets them",
    )
    money_confirmations: int = Field(
        0,
        ge=0,
        le=1,
        validation_alias="MONEY_CONFIRMATIONS",
        description="1: a second administrator approves what moves money in or out of an account",
    )
    jwt_secret: str | None = Field(
        None,
        validation_alias="JWT_SECRET",
        repr=False,
        description="signs access tokens, 32 bytes or more; in the demo profile a shorter one is made long",
    )
    auth_jwt_secret: str | None = Field(
        None, validation_alias="AUTH_JWT_SECRET", repr=False, description="same as JWT_SECRET"
    )
    jwt_secrets_retired: Parts = Field(
        (),
        validation_alias="JWT_SECRETS_RETIRED",
        repr=False,
        description="secrets from before JWT_SECRET whose tokens are still believed, by commas",
    )
    replay_secret: str | None = Field(
        None,
        validation_alias="REPLAY_SECRET",
        repr=False,
        description="by which the API and the replay service know each other; empty: made of JWT_SECRET",
    )
    encryption_key: str | None = Field(
        None, validation_alias="ENCRYPTION_KEY", repr=False, description="32 bytes as text, encrypts venue keys"
    )
    cors_origins: Origins = Field((), validation_alias="CORS_ORIGINS", description="allowed browser origins, by commas")
    rate_limit_reads: Rate = Field(
        "12000/minute", validation_alias="RATE_LIMIT_READS", description="reads of an account"
    )
    rate_limit_orders: Rate = Field(
        "6000/minute", validation_alias="RATE_LIMIT_ORDERS", description="orders and all else an account asks for"
    )
    rate_limit_closing: Rate = Field(
        "6000/minute", validation_alias="RATE_LIMIT_CLOSING", description="closing and cancelling, apart from all else"
    )
    rate_limit_public: Rate = Field(
        "12000/minute", validation_alias="RATE_LIMIT_PUBLIC", description="public reads and sign-ins of an address"
    )
    rate_limit_registrations: Rate | None = Field(
        None,
        validation_alias="RATE_LIMIT_REGISTRATIONS",
        description="new users of an address; empty: 20/minute in production, 300/minute in the demo profile",
    )
    rate_limit_logins: Rate | None = Field(
        None,
        validation_alias="RATE_LIMIT_LOGINS",
        description="logins of an address or account; empty: 30/minute in production, 1200/minute in the demo profile",
    )
    trusted_proxies: Proxies = Field(
        "",
        validation_alias="TRUSTED_PROXIES",
        description="addresses or networks of proxies, by commas: only their X-Forwarded-For and -Proto say who asks",
    )
    http_connections: int = Field(
        8_000,
        ge=1,
        validation_alias="HTTP_CONNECTIONS",
        description="connections to an API process, WebSockets included; beyond it who waits longest gives way",
    )
    http_connections_of_address: int = Field(
        500,
        ge=1,
        validation_alias="HTTP_CONNECTIONS_OF_ADDRESS",
        description="connections of one address to an API process; a trusted proxy may have as many as there are",
    )
    http_head_timeout_ms: int = Field(
        10_000,
        ge=100,
        validation_alias="HTTP_HEAD_TIMEOUT_MS",
        description="ms in which the headers of a request to the API must have arrived",
    )
    http_body_timeout_ms: int = Field(
        20_000,
        ge=100,
        validation_alias="HTTP_BODY_TIMEOUT_MS",
        description="ms in which its body must have arrived after them",
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

    feed: Feed = Field("auto", validation_alias="FEED", description="auto, simulated, backpack or recorded:FILE")
    feed_speed: Speed = Field("1", validation_alias="FEED_SPEED", description="times the recorded pace, or max")
    feed_loop: bool = Field(False, validation_alias="FEED_LOOP", description="start a recording again at its end")
    feed_spread_bps: int = Field(
        2, ge=0, le=10_000, validation_alias="FEED_SPREAD_BPS", description="spread assumed for recorded bars"
    )
    feed_symbol: str | None = Field(
        None,
        validation_alias="FEED_SYMBOL",
        description="what recorded bars are of, like ETH_USDC; else the file's name says it",
    )
    start_id: str | None = Field(
        None,
        validation_alias="REPRISE_START",
        description="names one start of the instance; `auto` keeps its feed within it",
    )
    simulation_seed: int = Field(1, validation_alias="SIMULATION_SEED", description="seed of the simulated feed")
    backpack_ws_url: WebSocketUrl = Field(
        "wss://ws.backpack.exchange", validation_alias="BACKPACK_WS_URL", description="Backpack's WebSocket"
    )
    backpack_api_url: HttpUrl = Field(
        "https://api.backpack.exchange",
        validation_alias="BACKPACK_API_URL",
        description="Backpack's REST API, for candles of before the first tick",
    )
    simulation_prices: Prices = Field(
        (),
        validation_alias="SIMULATION_PRICES",
        description="where simulated symbols begin that have no price yet, like SOL=150.5, by commas; else at 100",
    )
    symbols: Symbols = Field(
        None,
        validation_alias="POLLER_ASSETS",
        description="symbols to follow, by commas; empty: every instrument of the ledger",
    )
    instruments_file: Path | None = Field(
        None,
        validation_alias="INSTRUMENTS_FILE",
        description="TOML or JSON with instruments that `up` defines besides those a ledger begins with",
    )
    price_interval_ms: int = Field(
        100,
        ge=0,
        validation_alias="PRICE_INTERVAL_MS",
        description="least time between two price commands; 0 forwards each tick",
    )
    price_quiet_interval_ms: int = Field(
        1400,
        ge=0,
        le=1600,
        validation_alias="PRICE_QUIET_INTERVAL_MS",
        description="the same where nothing is open in a shard and no command came for a minute; 0: no difference",
    )
    poller_update_interval: int | None = Field(
        None, ge=0, validation_alias="POLLER_UPDATE_INTERVAL", description="same as PRICE_INTERVAL_MS"
    )

    engine_host: Host = Field("127.0.0.1", validation_alias="ENGINE_HOST", description="address of the engine's pages")
    engine_port: Port = Field(6066, validation_alias="ENGINE_PORT", description="port of the engine's pages")
    engine_worker_id: str | None = Field(
        None, validation_alias="ENGINE_WORKER_ID", description="name that keeps a worker's shards over a restart"
    )
    engine_standby: bool = Field(
        False, validation_alias="ENGINE_STANDBY", description="follow that worker, and take its place when it fails"
    )
    engine_partner: Place | None = Field(
        None,
        validation_alias="ENGINE_PARTNER",
        description="host:port of the pages of the other of a worker and its standby",
    )
    engine_snapshot_interval: int = Field(
        15_000, ge=1, validation_alias="ENGINE_SNAPSHOT_INTERVAL", description="ms between two snapshots"
    )
    engine_max_snapshots: int = Field(10, ge=2, validation_alias="ENGINE_MAX_SNAPSHOTS", description="snapshots kept")
    market_data_host: Host = Field("127.0.0.1", validation_alias="MARKET_DATA_HOST", description="address of its pages")
    market_data_port: Port = Field(6067, validation_alias="MARKET_DATA_PORT", description="port of market data's pages")
    projector_host: Host = Field("127.0.0.1", validation_alias="PROJECTOR_HOST", description="address of its pages")
    projector_port: Port = Field(6068, validation_alias="PROJECTOR_PORT", description="port of the projector's pages")
    venue_host: Host = Field("127.0.0.1", validation_alias="VENUE_HOST", description="address of its pages")
    venue_port: Port = Field(6069, validation_alias="VENUE_PORT", description="port of the venue worker's pages")
    replay_host: Host = Field("127.0.0.1", validation_alias="REPLAY_HOST", description="address of the replay service")
    replay_port: Port = Field(6070, validation_alias="REPLAY_PORT", description="port of the replay service")
    replay_url: HttpUrl | None = Field(
        None,
        validation_alias="REPLAY_URL",
        description="where the API finds the replay service; empty: on this machine, at REPLAY_PORT",
    )
    binance_api_url: HttpUrl = Field(
        "https://testnet.binance.vision",
        validation_alias="BINANCE_API_URL",
        description="REST API of the venue where users with stored keys trade",
    )
    binance_ws_url: WebSocketUrl = Field(
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

    @model_validator(mode="after")
    def _merge_names(self) -> Self:
        """Two names of one setting; that they do not contradict each other, where they come from has seen to."""
        self.jwt_secret = self.jwt_secret or self.auth_jwt_secret
        if self.poller_update_interval is not None:
            self.price_interval_ms = self.poller_update_interval
        return self
