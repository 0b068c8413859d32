"""How fast messages become bytes and back, beside fastavro, which gives the same bytes and fields."""

import json as json_format
import time
from collections.abc import Callable
from io import BytesIO
from typing import Any, Final

from fastavro import parse_schema, schemaless_reader, schemaless_writer

from bench._workload import accounts_of, opening_day, trading_day
from engine.core.state import genesis
from engine.core.step import step
from schemas.avro_files import released_schemas
from schemas.codec import DIGEST_SIZE, PREFIX_SIZE, codec, decode_event, encode_and_chain, version_of
from schemas.compiled import running
from schemas.events import Event
from schemas.record import Record, given_fields

COUNT: Final = 20_000  # commands whose events are encoded
START: Final = 1_700_000_000_000_000  # µs
STEP: Final = 30
RULES: Final = 1
RATIO_MIN: Final = 3


def run(json: bool, count: int = COUNT) -> None:
    """Encode and chain the events of a trading day, decode them, and let fastavro do the same."""
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
    ours = {"encode": _us_each(lambda: _encoded(events), len(events))}
    ours["decode"] = _us_each(lambda: [decode_event(value) for value in values], len(values))
    theirs = {"encode": _us_each(write_with_fastavro, len(values)), "decode": _us_each(read_with_fastavro, len(values))}
    ratios = {name: round(theirs[name] / ours[name], 2) for name in ours}
    missed = [name for name, ratio in ratios.items() if ratio < RATIO_MIN]
    if json:
        result = {"build": running(), "events": len(events), "us": ours, "fastavro_us": theirs, "ratio": ratios}
        print(json_format.dumps(result | {"missed": missed}))
        return
    print(f"{len(events):,} events, {running()}; CPU time of one")
    for name, ratio in ratios.items():
        print(f"{name}: {ours[name]:.2f} µs, fastavro {theirs[name]:.2f} µs, {ratio} times (target {RATIO_MIN})")


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
    """Give the best of three, in microseconds of CPU time for one."""
    times = []
    for _ in range(3):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return round(min(times) * 1e6 / count, 3)
