"""Of which symbol a recording is: of the coin that its name begins with, or of the one that is named."""

from pathlib import Path

import pytest

from market_data.recording import symbol_in
from runtime.errors import FixableError
from tests.market_data.fake_clock import BTC, ETH, REAL_BARS
from tests.market_data.test_recording_files import BARS, QUOTES, opened, written


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("btc_usdc.csv", BTC),
        ("BTCUSDT-1m-2025-01.zip", BTC),
        ("btcusd.csv.gz", BTC),
        ("BTCFDUSD-1m.csv", BTC),
        ("BTCBUSD-1m.csv", BTC),
        ("eth-2024.csv", ETH),
        ("ethfi_usdt.csv", "ETHFI_USDC"),
        ("ETHFIUSDT-1m-2025-01.csv", "ETHFI_USDC"),
        ("btcdom_1m.csv", "BTCDOM_USDC"),
        ("BTCDOMUSDT-1m.csv", "BTCDOM_USDC"),
        ("btcst_usdt.csv", "BTCST_USDC"),
        ("ethbtc.csv", "ETHBTC_USDC"),
        ("1000pepeusdt.csv", "1000PEPE_USDC"),
        (str(REAL_BARS.name), BTC),
    ],
)
def test_bars_are_of_the_coin_that_their_files_name_begins_with_and_of_no_other(name: str, symbol: str) -> None:
    assert symbol_in(Path(name)) == symbol


def test_bars_of_any_name_are_of_the_symbol_that_is_named_and_quotes_name_their_own(tmp_path: Path) -> None:
    file = written(tmp_path, "prices.csv", BARS)
    assert opened(file, "eth").check().symbols == {ETH}
    assert opened(written(tmp_path, "_.csv", BARS), "BTC_USDC").check().symbols == {BTC}
    with pytest.raises(FixableError, match="names the symbol of each quote itself"):
        opened(written(tmp_path, "a.jsonl", QUOTES), "eth")
