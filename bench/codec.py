"""How fast messages become bytes and back, beside fastavro, which gives the same bytes and fields."""

import gc
import time
from collections.abc import Callable
from io import BytesIO
from typing import Any, Final

from fastavro import parse_schema, schemaless_reader, schemaless_writer

from bench._cpu import own_cpu_time
from bench._workload import accounts_of, opening_day, trading_day
from bench.report.figures import CpuUse, Figure, Measured
from engine.core.state import genesis
from engine.core.step import step
from schemas.avro_files import released_schemas
from schemas.codec import DIGEST_SIZE, PREFIX_SIZE, codec, decode_event, encode_and_chain, version_of
from schemas.events import Event
from schemas.record import Record, given_fields

COUNT: Final = 20_000  # commands whose events are encoded
START: Final = 1_700_000_000_000_000  # µs
STEP: Final = 30
RULES: Final = 1
TURNS: Final = 5


def run(count: int = COUNT, turns: int = TURNS) -> Measured:
    """Encode and chain the events of a trading day, decode them, and let fastavro do the same, in turns."""
    events = _events(count)
    values = _encoded(events)
    schemas = {prefix: _schema(value) for value in values for prefix in [value[:PREFIX_SIZE]]}
    plain = [_plain(event) | {"digest": value[-DIGEST_SIZE:]} for event, value in zip(events, values, strict=True)]

    def write_with_fastavro() -> list[bytes]:
        return [_written(schemas[value[:PREFIX_SIZE]], fields) for value, fields in zip(values, plain, strict=True)]

    def read_with_fastavro() -> list[Any]:
        return [schemaless_reader(BytesIO(value[PREFIX_SIZE:]), schemas[value[:PREFIX_SIZE]], None) for value in values]

    assert write_with_fastavro() == [value[PREFIX_SIZE:] for value in values], "the same bytes"
    assert read_with_fastavro() == plain, "the same fields"
    work: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "encode": (lambda: _encoded(events), write_with_fastavro),
        "decode": (lambda: [decode_event(value) for value in values], read_with_fastavro),
    }
    figures: list[Figure] = []
    gc.collect()
    gc.freeze()
    with own_cpu_time() as cpu:
        for name, (ours, theirs) in work.items():
            figures += _compared(name, ours, theirs, len(events), turns)
    gc.unfreeze()
    uses = 4 * (turns + 1) * len(events)
    return Measured(
        figures=figures, cpu=[CpuUse(what="all of it, fastavro's too", each="message", count=uses, seconds=cpu)]
    )


def _compared(
    name: str, ours: Callable[[], object], theirs: Callable[[], object], count: int, turns: int
) -> list[Figure]:
    """Let both do the same work in turns; microseconds of CPU time for one message, and their ratio."""
    us, fastavro_us = [], []
    ours()  # The first time is slower.
    theirs()
    for _ in range(turns):
        us.append(_us_each(ours, count))
        fastavro_us.append(_us_each(theirs, count))
    ratios = [other / one for one, other in zip(us, fastavro_us, strict=True)]
    what = "encoded and chained" if name == "encode" else "decoded"
    return [
        Figure.of_runs(f"{name}_us", f"a message {what}", us, "µs of CPU"),
        Figure.of_runs(f"fastavro_{name}_us", f"a message {name}d", fastavro_us, "µs of CPU", peer="fastavro"),
        Figure.of_runs(f"{name}_ratio", f"{name}d as fast as by fastavro", ratios, "times"),
    ]


def _events(count: int) -> list[Event]:
    state = genesis(0, 1)
    accounts = accounts_of(0, 1, 40)

    def clock() -> int:
        return START + state.next_offset * STEP

    found: list[Event] = []
    for day in (opening_day(0, accounts, clock), trading_day(0, accounts, count, clock)):
        for command in day:
            found += step(state, command, offset=state.next_offset, time=clock())
    return found


def _encoded(events: list[Event]) -> list[bytes]:
    digest, values = bytes(DIGEST_SIZE), []
    for event in events:
        value, digest = encode_and_chain(event, digest, RULES)
        values.append(value)
    return values


def _schema(value: bytes) -> Any:
    version = version_of(value)
    assert version is not None, "it was encoded here"
    return parse_schema(released_schemas(codec().events[value[:PREFIX_SIZE]].message.__name__)[version])


def _plain(value: Any) -> Any:
    """Give a record as fastavro takes it: dicts and lists."""
    if isinstance(value, Record):
        return {name: _plain(each) for name, each in given_fields(value).items()}
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


def _written(schema: Any, fields: dict[str, Any]) -> bytes:
    out = BytesIO()
    schemaless_writer(out, schema, fields)
    return out.getvalue()


def _us_each(work: Callable[[], object], count: int) -> float:
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1e6 / count
