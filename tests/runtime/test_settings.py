"""Settings come from the environment or `.env`, and all that are wrong are refused at once, before anything starts."""

from pathlib import Path
from typing import Any

import pytest

from cli.main import call
from runtime.setting_sources import load_settings
from runtime.settings import Settings

SECRET = "a-key-of-the-tests-of-at-least-32-bytes"
OTHER = "b-key-of-the-tests-of-at-least-32-bytes"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.validation_alias), raising=False)


MEANT = [
    ({}, {"port": 8000, "price_interval_ms": 100, "engine_snapshot_interval": 15_000, "engine_max_snapshots": 10}),
    ({"PORT": "3001"}, {"port": 3001}),
    ({"JWT_SECRET": SECRET}, {"jwt_secret": SECRET}),
    ({"AUTH_JWT_SECRET": SECRET}, {"jwt_secret": SECRET}),
    ({"JWT_SECRET": SECRET, "AUTH_JWT_SECRET": SECRET}, {"jwt_secret": SECRET}),
    ({"JWT_SECRET": "", "AUTH_JWT_SECRET": SECRET}, {"jwt_secret": SECRET}),
    ({"PRICE_INTERVAL_MS": "250"}, {"price_interval_ms": 250}),
    ({"POLLER_UPDATE_INTERVAL": "1000"}, {"price_interval_ms": 1000}),
    ({"POLLER_UPDATE_INTERVAL": "0"}, {"price_interval_ms": 0}),
    ({"PRICE_INTERVAL_MS": "250", "POLLER_UPDATE_INTERVAL": "250"}, {"price_interval_ms": 250}),
    ({"ENGINE_SNAPSHOT_INTERVAL": "5000"}, {"engine_snapshot_interval": 5_000}),
    ({"ENGINE_MAX_SNAPSHOTS": "3"}, {"engine_max_snapshots": 3}),
    ({"POLLER_ASSETS": "sol, BTC_USDC"}, {"symbols": ("SOL_USDC", "BTC_USDC")}),
    ({"POLLER_ASSETS": "BTC_USDC,ETH_USDC,SOL_USDC"}, {"symbols": ("BTC_USDC", "ETH_USDC", "SOL_USDC")}),
    ({"POLLER_ASSETS": "DOGE,SOL,doge"}, {"symbols": ("DOGE_USDC", "SOL_USDC")}),
    ({"POLLER_ASSETS": ""}, {"symbols": None}),
    ({"SIMULATION_PRICES": "DOGE=0.12, SOL=150"}, {"simulation_prices": ("DOGE=0.12", "SOL=150")}),
    ({"BACKPACK_WS_URL": "ws://here"}, {"backpack_ws_url": "ws://here"}),
    ({"KAFKA_BROKERS": "a:1,b:2"}, {"kafka_brokers": "a:1,b:2"}),
    ({"REDIS_URL": "redis://localhost:6379"}, {}),
    ({"LOG_LEVEL": "warning"}, {"log_level": "WARNING"}),
    ({"PORT": ""}, {"port": 8000}),
    ({"FEED_SPEED": "x10"}, {"feed_speed": "x10"}),
    ({"KAFKA_PORT": "19092"}, {"kafka_port": 19_092}),
    ({"TRUSTED_PROXIES": ""}, {"trusted_proxies": ""}),
    ({"DATABASE_URL": "postgres://me:a%40b@h:5433/db"}, {"database_url": "postgresql+psycopg://me:a%40b@h:5433/db"}),
    ({"DATABASE_URL": "postgresql://me@h/db?schema=public"}, {"database_url": "postgresql+psycopg://me@h/db"}),
    (
        {"DATABASE_URL": "postgresql://me@h/db?schema=public&connection_limit=5&sslmode=require"},
        {"database_url": "postgresql+psycopg://me@h/db?sslmode=require"},
    ),
]
REFUSED = [
    ({"JWT_SECRET": SECRET, "AUTH_JWT_SECRET": OTHER}, "JWT_SECRET and AUTH_JWT_SECRET are both set and differ"),
    (
        {"PRICE_INTERVAL_MS": "100", "POLLER_UPDATE_INTERVAL": "1000"},
        "PRICE_INTERVAL_MS and POLLER_UPDATE_INTERVAL are both set and differ",
    ),
    ({"POLLER_UPDATE_INTERVAL": "-1"}, "POLLER_UPDATE_INTERVAL"),
    ({"ENGINE_SNAPSHOT_INTERVAL": "0"}, "ENGINE_SNAPSHOT_INTERVAL"),
    ({"ENGINE_MAX_SNAPSHOTS": "1"}, "ENGINE_MAX_SNAPSHOTS"),
    ({"POLLER_ASSETS": "SOL,DO GE"}, "DO GE"),
    ({"PORT": "99999"}, "PORT=99999"),
    ({"PORT": "0"}, "allowed is a whole number from 1 to 65535"),
    ({"PORT": "eight"}, "PORT=eight"),
    ({"KAFKA_PORT": "65536"}, "KAFKA_PORT=65536"),
    ({"ENGINE_PORT": "-1"}, "ENGINE_PORT=-1"),
    ({"REPRISE_SEED_PORTS": "3001,99999"}, "REPRISE_SEED_PORTS=3001,99999"),
    ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL=LOUD"),
    ({"LOG_LEVEL": "trace"}, "allowed is DEBUG, INFO, WARNING or ERROR"),
    ({"REPRISE_PROFILE": "prod"}, "allowed is demo or production"),
    ({"FEED_LOOP": "often"}, "allowed is true or false"),
    ({"FEED": "recorded:"}, "allowed is auto, simulated, backpack or recorded:FILE"),
    ({"FEED_SPEED": "inf"}, "allowed is a number above 0 like 10 or x10, or max"),
    ({"API_HOST": "my host"}, "allowed is an address or a host name"),
    ({"KAFKA_BROKERS": "http://a:9092"}, "allowed is HOST:PORT of one broker or more, by commas"),
    ({"KAFKA_BROKERS": "a:99999"}, "KAFKA_BROKERS=a:99999"),
    ({"KAFKA_BROKERS": "a:1,nohost"}, "allowed is HOST:PORT of one broker or more, by commas"),
    ({"ENGINE_PARTNER": "engine"}, "allowed is HOST:PORT"),
    ({"BACKPACK_WS_URL": "https://ws.backpack.exchange"}, "allowed is ws://HOST or wss://HOST"),
    ({"BACKPACK_API_URL": "api.backpack.exchange"}, "allowed is http://HOST or https://HOST"),
    ({"CORS_ORIGINS": "*"}, "allowed is origins like https://app.example.com"),
    ({"TRUSTED_PROXIES": "*"}, "allowed is addresses or networks"),
    ({"RATE_LIMIT_READS": "many"}, "allowed is a rate such as `100/minute`"),
    ({"SIMULATION_PRICES": "SOL=0"}, "allowed is prices like SOL=150.5"),
    ({"DATABASE_URL": "mysql://me@h/db"}, "allowed is postgresql://USER:PASSWORD@HOST:PORT/DATABASE"),
    ({"DATABASE_URL": "postgresql+asyncpg://me@h/db"}, "allowed is postgresql://USER:PASSWORD@HOST:PORT/DATABASE"),
    ({"DATABASE_URL": "postgresql://me@h:port/db"}, "allowed is postgresql://USER:PASSWORD@HOST:PORT/DATABASE"),
    ({"DATABASE_URL": "postgresql://me@h/db?colour=red"}, "of which colour is none"),
    ({"DATABASE_URL": f"mysql://me:{SECRET}@h/db?password={SECRET}"}, "DATABASE_URL=mysql://me:***@h/db?password=***"),
]


@pytest.mark.parametrize("where", ["environment", "file"])
@pytest.mark.parametrize(("given", "meant"), MEANT, ids=lambda case: ",".join(case) or "nothing")
def test_a_setting_is_read_from_the_environment_and_from_the_env_file(
    given: dict[str, str], meant: dict[str, Any], where: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    give(given, where, monkeypatch)
    settings = load_settings(tmp_path, None)
    assert {name: getattr(settings, name) for name in meant} == meant


@pytest.mark.parametrize("where", ["environment", "file"])
@pytest.mark.parametrize(("given", "said"), REFUSED, ids=str)
def test_a_wrong_setting_is_refused_in_one_line_without_a_secret(
    given: dict[str, str],
    said: str,
    where: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    give(given, where, monkeypatch)
    assert call(["migrate", "--data", str(Path.cwd())]) == 1
    refusal = capsys.readouterr().err
    assert said in refusal
    assert refusal.count("\n") == 1
    assert SECRET not in refusal


def give(given: dict[str, str], where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if where == "environment":
        for name, value in given.items():
            monkeypatch.setenv(name, value)
    else:
        Path(".env").write_text("".join(f'{name}="{value}"\n' for name, value in given.items()), encoding="utf-8")
