"""A file of instruments: what is wrong in it is named line by line, and what is right comes into every shard."""

import json
from pathlib import Path

import pytest

from api.admin.instrument_file import define_instruments, read_instruments
from runtime.errors import FixableError, Mistakes
from schemas.instruments import BY_SYMBOL
from tests.api.exchange import Exchange
from tests.api.test_rules import administrator

DOGE = """
[[instruments]]
symbol = "DOGE_USDC"
tick_exponent = 5
lot_exponent = 0
quantity_max = 5000000
leverage_max = 20
fee_rate = 0.000500
spread_max = "0.005"
"""


def written(folder: Path, text: str, name: str = "markets.toml") -> Path:
    file = folder / name
    file.write_text(text)
    return file


def test_an_instrument_of_a_file_has_its_own_parameters_and_else_those_a_ledger_begins_with(tmp_path: Path) -> None:
    [doge] = read_instruments(written(tmp_path, DOGE))
    like = BY_SYMBOL["BTC_USDC"]
    assert (doge.symbol, doge.tick_exponent, doge.lot_exponent, doge.tick_value) == ("DOGE_USDC", 5, 0, 10)
    assert (doge.quantity_max, doge.leverage_max, doge.fee_rate, doge.spread_max) == (5_000_000, 2_000, 500, 5_000)
    assert (doge.maintenance_rate, doge.notional_max) == (like.maintenance_rate, like.notional_max)
    entry = {"symbol": "DOGE_USDC", "tick_exponent": 5, "lot_exponent": 0, "quantity_max": 5e6, "leverage_max": 20}
    entry |= {"fee_rate": 0.0005, "spread_max": "0.005"}
    assert read_instruments(written(tmp_path, json.dumps({"instruments": [entry]}), "markets.json")) == (doge,)


def test_every_mistake_of_a_file_of_instruments_has_a_line_of_its_own(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        DOGE
        + DOGE
        + DOGE.replace("DOGE_USDC", "doge").replace("= 5\n", "= 9\n").replace("fee_rate", "fees")
        + DOGE.replace("DOGE", "SHIB").replace("leverage_max = 20", "leverage_max = 2000"),
    )
    with pytest.raises(Mistakes) as wrong:
        read_instruments(file)
    assert wrong.value.lines == [
        f"{file}, instrument 2: symbol: DOGE_USDC stands in the file before",
        f"{file}, instrument 3: symbol: must match ^[A-Z0-9]{{1,20}}_USDC$",
        f"{file}, instrument 3: tick_exponent: is 9, and must be at most 6",
        f"{file}, instrument 3: fees: is no parameter of an instrument",
        f"{file}, instrument 4: leverage_max: is 2000.00, and must be at most 1000.00",
    ]


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("none.toml", None, "cannot be read: No such file"),
        ("a.toml", "[[instruments", "is neither TOML nor JSON"),
        ("a.json", "{", "is neither TOML nor JSON"),
        ("a.toml", "", "has to hold `instruments`"),
        ("a.toml", "[[instrument]]\nsymbol = 'A_USDC'\n", "has to hold `instruments`"),
        ("a.json", '{"instruments": [1]}', "has to hold `instruments`"),
        ("a.json", '{"instruments": []}', "has to hold `instruments`"),
    ],
)
def test_a_file_without_instruments_is_refused_in_one_line(
    tmp_path: Path, name: str, text: str | None, why: str
) -> None:
    file = tmp_path / name if text is None else written(tmp_path, text, name)
    with pytest.raises(FixableError, match=why) as refused:
        read_instruments(file)
    assert len(refused.value.lines) == 1


def test_instruments_of_a_file_are_defined_in_every_shard_of_a_running_exchange_once(
    exchange: Exchange, tmp_path: Path
) -> None:
    url, shards, lines = exchange.settings.database_url, exchange.settings.shards, list[str]()
    doge = read_instruments(written(tmp_path, DOGE))
    define_instruments(url, shards, doge, lines.append)
    define_instruments(url, shards, doge, lines.append)
    assert lines == [
        "Instruments are defined in every shard: instruments-2.",
        "The ledger has the 1 instruments of the file as they are there.",
    ]
    admin = administrator(exchange)
    [shown] = [item for item in admin.get("/admin/instruments")["items"] if item["symbol"] == "DOGE_USDC"]
    assert (shown["tick_size"], shown["leverage_max"], shown["fee_rate"]) == ("0.00001", "20.00", "0.000500")
    changed = read_instruments(written(tmp_path, DOGE.replace("leverage_max = 20", "leverage_max = 30")))
    define_instruments(url, shards, changed, lines.append)
    [shown] = [item for item in admin.get("/admin/instruments")["items"] if item["symbol"] == "DOGE_USDC"]
    assert shown["leverage_max"] == "30.00"
    other = read_instruments(written(tmp_path, DOGE.replace("tick_exponent = 5", "tick_exponent = 4")))
    with pytest.raises(Mistakes, match="DOGE_USDC has other decimal places in the ledger, and keeps them"):
        define_instruments(url, shards, other, lines.append)
