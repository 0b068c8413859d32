"""A whole exchange runs for the seeds' tests, with its engine, or another program in its place."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

from runtime.settings import Settings
from tests.api.conftest import kept_alive, settings_of
from tests.api.exchange import service
from tests.api.seeds.market import SYMBOLS, Market
from tests.conftest import empty_topics, new_database
from tests.processes import ServiceProcess, gone_at_the_end

ENCRYPTION_KEY = "0123456789abcdef0123456789abcdef"


@contextmanager
def running_market(
    kafka: str, postgres: str, folder: Path, engine_code: str | None = None, **others: object
) -> Iterator[Market]:
    """BTC at 50,000, ETH at 2,000 and SOL at 150, with a spread of one tick, kept fresh. others: settings."""
    with ExitStack() as stack:
        settings = settings_of(kafka, stack.enter_context(new_database(postgres)), folder)
        settings = settings.model_copy(update={"encryption_key": ENCRYPTION_KEY, **others})
        empty_topics(settings)
        engine = stack.enter_context(gone_at_the_end(_engine(settings, folder, engine_code)))
        services = {name: stack.enter_context(service(name, settings, folder)) for name in ("projector", "api")}
        running = Market(settings, folder, {**services, "engine": engine})
        stack.callback(running.close)
        running.until_ready(services["api"])
        running.new_feed()
        for symbol, bid, ask in (
            ("BTC_USDC", "49999.9", "50000.0"),
            ("ETH_USDC", "1999.99", "2000.00"),
            ("SOL_USDC", "149.99", "150.00"),
        ):
            running.confirmed_price(symbol, bid, ask)
        for symbol in SYMBOLS:
            running.until_fresh(symbol)
        stack.enter_context(kept_alive(running, SYMBOLS))
        yield running


def _engine(settings: Settings, folder: Path, code: str | None) -> ServiceProcess:
    return ServiceProcess("engine", settings, folder / f"engine-{uuid4().hex[:6]}.log", code)
