"""How a service logs: one JSON line per event on stderr, or readable lines on a terminal."""

import logging
import sys
from typing import Final

import structlog

# At DEBUG these write whole requests and messages, with the keys and tokens in them.
VERBOSE_LOGGERS: Final = ("aiohttp", "httpcore", "httpx", "uvicorn", "websockets")


def configure(service: str, level: str) -> None:
    """Send the logs of this process, those of the libraries included, to stderr under the service's name."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.StackInfoRenderer(),
    ]
    on_terminal = sys.stderr.isatty()
    last: list[structlog.types.Processor] = (
        # A plain traceback: the other kind shows what variables held, passwords among them.
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if on_terminal
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # librdkafka logs each broken connection, and a restart of the broker breaks many.
    logging.getLogger("librdkafka").setLevel(max(logging.WARNING, root.level))
    for name in VERBOSE_LOGGERS:
        logging.getLogger(name).setLevel(max(logging.INFO, root.level))
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
